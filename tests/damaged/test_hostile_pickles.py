"""Pickles that would do harm if they were executed: nothing is imported, called or written, and the model says it.

Each file is opened and all its arrays are read under an audit hook that hears of every import, process, socket and
written file.
"""

from __future__ import annotations

import copyreg
import json
import pickle
import sys
import zipfile
from collections.abc import Callable

import pytest

from tests.pickles import beside, call, entries, name, named, numbers, octets, saved, storage, tensor, text
from tests.samples import SAMPLES, arrays, everything
from weightwise.errors import FormatError, WeightwiseError
from weightwise.formats import open_stored
from weightwise.stored import StoredModel

HEARD: list[str] = []
LISTENING = [False]
HARM = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "subprocess",
    "socket",
    "pickle",
    "marshal",
    "ctypes",
    "exec",
    "compile",
)
HARM += ("os.remove", "os.rename", "os.mkdir", "os.putenv", "shutil", "webbrowser", "urllib", "import")


def hear(event: str, arguments: tuple) -> None:
    if LISTENING[0] and (event.startswith(HARM) or (event == "open" and arguments[1] not in ("rb", "r", None))):
        HEARD.append(f"{event} {arguments!r:.100}")


sys.addaudithook(hear)


@pytest.fixture
def judged(tmp_path, monkeypatch) -> Callable[[bytes], StoredModel]:
    """Opens a pickle and reads all arrays; fails when anything was done on the way."""
    monkeypatch.chdir(tmp_path)
    stored = open_stored(saved(tmp_path / "model.pt", beside(b"N")))  # so that nothing is left to import
    stored.root.layers[0].arrays[0].read()

    def judge(content: bytes, *more: tuple[str, bytes]) -> StoredModel:
        path = saved(tmp_path / "model.pt", content, *more)
        before = sorted(tmp_path.iterdir())
        HEARD.clear()
        LISTENING[0] = True
        try:
            stored = open_stored(path)
            for array in everything(stored):
                array.read()
        finally:
            LISTENING[0] = False
        assert HEARD == []
        assert sorted(tmp_path.iterdir()) == before
        assert all(sentence.isprintable() for sentence in (*stored.remarks, *stored.problems))
        return stored

    return judge


TOUCH = text("touch canary")
CHAIN = call(call(name("builtins", "getattr"), call(name("builtins", "__import__"), text("os")), text("system")), TOUCH)
CALLS = {
    "reduce": (call(name("posix", "system"), TOUCH), "posix.system"),
    "reduce, protocol 0": (b"cposix\nsystem\n(S'touch canary'\ntR", "posix.system"),
    "stack_global": (call(named("builtins", "eval"), text("open('canary', 'w')")), "builtins.eval"),
    "exec": (call(named("builtins", "exec"), text("import os; os.mkdir('canary')")), "builtins.exec"),
    "exec of python 2": (call(name("__builtin__", "execfile"), text("canary")), "__builtin__.execfile"),
    "inst": (b"(" + TOUCH + b"iposix\nsystem\n", "posix.system"),
    "obj": (b"(" + name("posix", "system") + TOUCH + b"o", "posix.system"),
    "popen": (call(name("subprocess", "Popen"), text("touch canary")), "subprocess.Popen"),
    "chain": (CHAIN, "builtins.__import__, builtins.getattr, a function that the file makes"),
    "partial": (
        call(call(name("functools", "partial"), name("os", "system"), TOUCH)),
        "functools.partial, a function that the file makes",
    ),
    "dotted": (call(named("os", "path.os.system"), TOUCH), "os.path.os.system"),
    "dotted, from what is allowed": (
        call(named("torch._utils", "_rebuild_tensor_v2.__globals__.get"), text("sys")),
        "torch._utils._rebuild_tensor_v2.__globals__.get",
    ),
    "numpy runs a text": (
        call(name("numpy.testing._private.utils", "runstring"), TOUCH, b"}"),
        "numpy.testing._private.utils.runstring",
    ),
    "torch runs code": (call(name("torch.hub", "load"), text("a/b"), text("c")), "torch.hub.load"),
    "nested archive": (
        call(name("torch.storage", "_load_from_bytes"), octets(b"cos\nsystem\n(tR.")),
        "torch.storage._load_from_bytes",
    ),
    "browser": (call(name("webbrowser", "open"), text("http://localhost/canary")), "webbrowser.open"),
    "file": (call(name("io", "open"), text("canary"), text("w")), "io.open"),
    "environment": (call(name("os", "putenv"), text("CANARY"), text("1")), "os.putenv"),
    "pickle in pickle": (call(name("_pickle", "loads"), octets(b"cos\nabort\n)R.")), "_pickle.loads"),
    "control signs": (call(name("posix", "sys\x1b[31mtem"), TOUCH), r"posix.sys\x1b[31mtem"),
}


@pytest.mark.parametrize("case", CALLS)
def test_what_would_be_called_is_said_and_not_called(case, judged):
    harm, called = CALLS[case]
    stored = judged(beside(harm))
    assert stored.remarks[0] == f"torch.load would call {called} here"
    assert [array.path for array in arrays(stored).values()] == ["fc.weight"]
    assert stored.problems == ()


IMPORTS = {
    "only named": (name("canary_module", "thing"), "canary_module.thing"),
    "newobj": (name("subprocess", "Popen") + b"(" + TOUCH + b"t\x81", "subprocess.Popen"),
    "newobj_ex": (name("subprocess", "Popen") + b")" + entries(args=TOUCH) + b"\x92", "subprocess.Popen"),
    "build": (name("canary", "Class") + b")\x81" + entries(__class__=TOUCH) + b"b", "canary.Class"),
    "build with slots": (name("canary", "Class") + b")\x81" + b"N" + entries(a=TOUCH) + b"\x86b", "canary.Class"),
    "reconstructor": (
        call(name("copyreg", "_reconstructor"), name("canary", "A"), name("builtins", "object"), b"N"),
        "canary.A",
    ),
    "set items of an instance": (name("canary", "D") + b")\x81" + TOUCH + b"Ns", "canary.D"),
    "append to an instance": (name("canary", "L") + b")\x81" + TOUCH + b"a", "canary.L"),
}


@pytest.mark.parametrize("case", IMPORTS)
def test_what_would_be_imported_is_said_and_not_imported(case, judged):
    harm, imported = IMPORTS[case]
    stored = judged(beside(harm))
    assert stored.remarks == (f"torch.load would import {imported}",)
    assert [array.path for array in arrays(stored).values()] == ["fc.weight"]


@pytest.mark.parametrize("code", [b"\x82\xf0", b"\x83\xf0\x00", b"\x84\xf0\x00\x00\x00"])
def test_the_registry_of_extensions_is_not_asked(code, judged):
    copyreg.add_extension("posix", "system", 0xF0)
    try:
        assert pickle.loads(code + b".") is not None
        stored = judged(beside(code + b"(" + TOUCH + b"tR"))
    finally:
        copyreg.remove_extension("posix", "system", 0xF0)
    assert stored.remarks == ("torch.load would call copyreg.extension 240 here",)


PERSISTENT = {
    "a text": b"Pposix.system\n",
    "a call": call(name("posix", "system"), TOUCH) + b"Q",
    "another kind": b"(" + text("module") + name("posix", "system") + text("a") + text("b") + text("c") + b"tQ",
    "a class that is no storage": b"(" + text("storage") + name("posix", "system") + text("0") + text("") + b"K\x01tQ",
    "too many parts": b"(" + text("storage") * 9 + b"tQ",
}


def refusal(judged, content: bytes, *more: tuple[str, bytes]) -> str:
    with pytest.raises(WeightwiseError) as caught:
        judged(content, *more)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize("case", PERSISTENT)
def test_persistent_ids_are_storages(case, judged):
    assert "the pickle cannot be read at byte " in refusal(judged, beside(PERSISTENT[case]))


BROKEN = {
    "no end": (b"}", "the file is too short: expected 1 bytes at byte"),
    "nothing at the end": (b".", "IndexError"),
    "an empty stack": (b"0.", "IndexError"),
    "no mark": (b"t.", "IndexError"),
    "no mark to pop": (b"1.", "IndexError"),
    "no opcode": (b"\xff.", "KeyError"),
    "a protocol to come": (b"\x80\xff}.", "protocol 255, the highest is 5"),
    "a frame beyond the end": (b"\x95" + b"\xff" * 7 + b"\x00}.", "the file is too short"),
    "nothing in the memo": (b"j\xff\xff\xff\xff.", "KeyError"),
    "a memo below zero": (b"}p-1\n.", "a negative place in the memo"),
    "a text beyond the end": (b"X\xff\xff\xff\xff.", "the file is too short"),
    "a text of exabytes": (b"\x8d" + b"\xff" * 7 + b"\x7f.", "the file is too short"),
    "bytes of exabytes": (b"\x8e" + b"\xff" * 8 + b".", "the file is too short"),
    "a byte array of exabytes": (b"\x96" + b"\xff" * 8 + b".", "the file is too short"),
    "a huge integer": (b"\x8b\xff\xff\xff\x7f.", "an integer of 2,147,483,647 bytes"),
    "an integer of a negative size": (b"\x8b\xff\xff\xff\xff.", "an integer of -1 bytes"),
    "an integer of many digits": (b"L" + b"9" * 100_000 + b"L\n.", "an integer of 100,001 digits"),
    "an integer that is none": (b"Iabc\n.", "ValueError"),
    "a line without an end": (b"c" + b"a" * 1000, "the file is too short"),
    "a name without an end": (name("a" * 5000, "b") + b".", "a name of 5,001 signs"),
    "a name that is none": (b"KaKb\x93.", "a module and a name that are no texts"),
    "arguments that are none": (name("a", "b") + b"]R.", "arguments that are no tuple"),
    "a state for a number": (b"KaNb.", "a state for int"),
    "an item for a dictionary": (b"}Na.", "items for Dictionary"),
    "keys without values": (b"}(Nu.", "keys and values for Dictionary"),
    "no text": (b"X\x01\x00\x00\x00\xff.", "UnicodeDecodeError"),
    "a string without quotes": (b"Sabc\n.", "a string without quotes"),
    "a buffer from outside": (b"\x97.", "a buffer outside of the pickle"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_programs_are_refused(case, judged):
    content, sentence = BROKEN[case]
    assert sentence in refusal(judged, content)


VIEWS = {
    "beyond the end": (tensor(offset=1), "it needs 28 bytes of a storage of 24 bytes"),
    "far beyond the end": (tensor(shape=numbers(2, 1 << 30)), "it needs 4,294,967,308 bytes of a storage of 24 bytes"),
    "a negative offset": (tensor(offset=-1), "expected sizes as numbers that are not negative"),
    "a negative stride": (tensor(strides=numbers(-3, 1)), "expected sizes as numbers that are not negative"),
    "a negative size": (tensor(shape=numbers(-2, 3)), "expected sizes as numbers that are not negative"),
    "too few strides": (tensor(strides=numbers(1)), "a shape of 2 dimensions with 1 strides"),
    "no shape": (tensor(shape=text("2")), "expected at most 64 sizes, found str"),
    "too many dimensions": (tensor(shape=numbers(*[1] * 65)), "expected at most 64 sizes, found tuple"),
    "more values than can be": (
        tensor(shape=numbers(*[1 << 30] * 4), strides=numbers(0, 0, 0, 0)),
        "values",
    ),
    "a storage that is not there": (tensor(held=storage("1")), "the archive has no member archive/data/1"),
    "a storage outside": (tensor(held=storage("../../../../etc/passwd")), "the archive has no member archive/data/../"),
}


@pytest.mark.parametrize("case", VIEWS)
def test_views_of_what_is_not_there_are_problems(case, judged):
    stored = judged(b"\x80\x02" + entries(**{"good.weight": tensor(), "bad.weight": VIEWS[case][0]}) + b".")
    assert [array.path for array in arrays(stored).values()] == ["good.weight"]
    assert len(stored.problems) == 1
    assert "the array " in stored.problems[0]
    assert VIEWS[case][1] in stored.problems[0]


def test_an_expanded_view_is_not_made_in_memory(tmp_path):
    expanded = tensor(shape=numbers(1 << 30, 1 << 20), strides=numbers(0, 0))
    stored = open_stored(saved(tmp_path / "m.pt", b"\x80\x02" + entries(**{"a.weight": expanded}) + b"."))
    (array,) = arrays(stored).values()
    with pytest.raises(WeightwiseError, match=r"4,503,599,627,370,496 bytes of a storage of 24 bytes"):
        array.read()


def test_a_dtype_that_is_none(judged):
    harm = tensor(held=storage(kind="SystemStorage"))
    assert "torch.SystemStorage instead of a dtype" in refusal(judged, beside(harm))


def test_two_pickles_of_one_name(judged, tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        message = refusal(judged, beside(b"N"), ("archive/data.pkl", b"N."))
    assert "expected one member of this name, found 2" in message


def test_two_storages_of_one_name(judged):
    with pytest.warns(UserWarning, match="Duplicate name"):
        stored = judged(beside(b"N"), ("archive/data/0", bytes(24)), ("archive/data/0", b"\xff" * 24))
    assert arrays(stored) == {}
    assert "expected one member of this name, found 2" in stored.problems[0]


def test_an_archive_before_the_archive(tmp_path):
    first = saved(tmp_path / "a.pt", beside(call(name("posix", "system"), TOUCH)))
    second = saved(tmp_path / "b.pt", beside(b"N"))
    both = tmp_path / "c.pt"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    with pytest.raises(FormatError, match="expected one archive of PyTorch, found another"):
        open_stored(both)


def test_a_storage_that_unpacks_without_end(tmp_path):
    content = b"\x80\x02" + entries(**{"a.weight": tensor()}) + b"."
    path = saved(tmp_path / "m.pt", content, ("archive/data/0", bytes(200_000_000)), method=zipfile.ZIP_DEFLATED)
    (array,) = arrays(open_stored(path)).values()
    with pytest.raises(FormatError, match="it says that it unpacks"):
        array.read()


@pytest.mark.parametrize("shard", ["../secret.bin", "/etc/passwd", "a/b.bin", "..", "C:\\a.bin"])
def test_no_shard_lies_outside_of_its_folder(shard, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    saved(tmp_path / "secret.bin", beside(b"N"))
    table = {"metadata": {}, "weight_map": {"a.weight": "pytorch_model-1.bin", "b.weight": shard}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(table))
    with pytest.raises(FormatError, match="expected the names of files in the same folder, found"):
        open_stored(folder)


def test_a_missing_shard_is_a_problem(tmp_path):
    saved(tmp_path / "a.bin", beside(b"N"))
    table = {"metadata": {}, "weight_map": {"fc.weight": "a.bin", "b.weight": "b.bin"}}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(table))
    stored = open_stored(tmp_path)
    assert list(arrays(stored)) == ["fc.weight"]
    assert stored.problems == (
        f"{tmp_path / 'b.bin'}: cannot be opened (No such file or directory); check the path.",
        f"{tmp_path / 'pytorch_model.bin.index.json'}: 1 arrays of the table are not in its shards, "
        "the first is b.weight.",
    )


def test_no_piece_of_a_distributed_checkpoint_lies_outside(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for source in (SAMPLES / "torch_distributed").iterdir():
        (folder / source.name).write_bytes(source.read_bytes())
    metadata = (folder / ".metadata").read_bytes()
    (tmp_path / "0_0.distcp").write_bytes((folder / "__0_0.distcp").read_bytes())
    (folder / ".metadata").write_bytes(metadata.replace(b"__0_0.distcp", b"../0_0.distc"))
    stored = open_stored(folder)
    assert "expected the name of something in this folder, found '../0_0.distc'" in stored.problems[0]
    assert list(arrays(stored)) == ["fc.bias"]
