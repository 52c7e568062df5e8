"""Files that PyTorch wrote hold what PyTorch finds in them: names, shapes, dtypes and values, bit for bit."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy
import pytest

from tests.samples import SAMPLES, arrays, checksum
from weightwise.errors import FormatError
from weightwise.formats import open_stored
from weightwise.source import FileReader
from weightwise.stored import StoredArray, StoredModel

FACTS = json.loads((SAMPLES / "torch_facts.json").read_text())


def listed(stored: StoredModel) -> list[StoredArray]:
    """The weights in the order of the state dict."""
    found = {array.path: array for layer in (*stored.root.layers, stored.root) for array in layer.arrays}
    return [found[path] for path in stored.listing or found]


def told(found: list[StoredArray]) -> list[dict[str, object]]:
    return [
        {
            "path": array.path,
            "shape": list(array.shape),
            "dtype": array.dtype,
            "sha256": checksum(array.read()),
        }
        for array in found
    ]


@pytest.mark.parametrize("file", FACTS)
def test_a_file_holds_what_pytorch_finds_in_it(file):
    stored = open_stored(SAMPLES / file)
    assert (stored.framework, stored.problems) == ("PyTorch", ())
    assert told(listed(stored)) == FACTS[file]["arrays"]
    for kind in ("optimizer", "state"):
        if kind in FACTS[file]:
            assert told(getattr(stored, kind)) == FACTS[file][kind]


@pytest.mark.parametrize("file", FACTS)
def test_offsets_and_runs_are_where_the_values_are(file):
    for array in listed(open_stored(SAMPLES / file)):
        values = array.read()
        assert values.dtype.isnative
        assert array.nbytes == array.size * (
            2 if array.dtype == "bfloat16" else 1 if "float8" in array.dtype else values.itemsize
        )
        if array.run is not None and array.size > 1:
            numpy.testing.assert_array_equal(array.run(1, array.size - 1), values.reshape(-1)[1:])
        if array.offset is not None and values.itemsize * array.size == array.nbytes and "big" not in file:
            content = Path(array.file.partition("!")[0]).read_bytes()
            assert content[array.offset : array.offset + array.nbytes] == values.tobytes()


def enlarged(file: str, path: Path, size: int) -> Path:
    """Writes a sample whose first storage has so many more bytes, which no view reaches."""
    first = listed(open_stored(SAMPLES / file))[0]
    content = (SAMPLES / file).read_bytes()
    if file.endswith(".pt"):
        member = first.file.partition("!")[2]
        with zipfile.ZipFile(SAMPLES / file) as source, zipfile.ZipFile(path, "w") as out:
            for name in source.namelist():
                out.writestr(name, source.read(name) + bytes(size) * (name == member))
    else:
        count = (first.size + size // 4).to_bytes(8, "little")
        end = first.offset + first.nbytes
        path.write_bytes(
            content[: first.offset - 8] + count + content[first.offset : end] + bytes(size) + content[end:]
        )
    return path


@pytest.mark.parametrize("file", ["torch_state_dict.pt", "torch_legacy.pth"])
def test_opening_reads_no_values(file, tmp_path, monkeypatch):
    path = enlarged(file, tmp_path / file, 10_000_000)
    asked: list[int] = []
    fill = FileReader.fill

    def counting(reader: FileReader, offset: int, view: memoryview) -> int:
        asked.append(len(view))
        return fill(reader, offset, view)

    monkeypatch.setattr(FileReader, "fill", counting)
    stored = open_stored(path)
    assert sum(asked) < 100_000
    assert told(listed(stored)) == FACTS[file]["arrays"]


@pytest.mark.parametrize(
    "file", ["torch_state_dict.pt", "torch_legacy.pth", "torch_module.pt", "torch_module_legacy.pth"]
)
def test_arrays_belong_to_their_modules(file):
    root = open_stored(SAMPLES / file).root
    owners = {layer.name: [array.key for array in layer.arrays] for layer in root.layers if layer.arrays}
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert owners == {
        "conv1": ["weight", "bias"],
        "conv2": ["weight", "bias"],
        "norm": norm,
        "fc1": ["weight"],
        "fc2": ["weight", "bias"],
    }
    assert root.arrays == ()


@pytest.mark.parametrize("file", [file for file, facts in FACTS.items() if "modules" in facts])
def test_a_module_tells_its_classes(file):
    root = open_stored(SAMPLES / file).root
    assert {layer.name: [layer.package, layer.class_name] for layer in root.layers} == FACTS[file]["modules"]
    assert all(layer.configured for layer in root.layers)


def test_a_module_tells_its_attributes():
    stored = open_stored(SAMPLES / "torch_module.pt")
    found = {layer.name: layer.config for layer in stored.root.layers}
    assert list(found) == ["conv1", "relu1", "conv2", "norm", "pool", "flatten", "fc1", "fc2"]
    assert (found["conv2"]["kernel_size"], found["conv2"]["stride"], found["conv2"]["groups"]) == ((3, 3), (2, 1), 1)
    assert (found["pool"]["kernel_size"], found["flatten"]["start_dim"]) == (2, 1)
    assert (found["fc1"]["parameters"], found["fc2"]["parameters"]) == (["weight"], ["weight", "bias"])
    assert found["norm"]["buffers"] == ["running_mean", "running_var", "num_batches_tracked"]
    assert found["norm"]["eps"] == 1e-05
    assert not [name for config in found.values() for name in config if name.startswith("_")]
    assert (stored.root.class_name, stored.root.package) == ("Sequential", "torch.nn.modules.container")
    assert stored.remarks == ()


def test_the_module_inside_a_wrapper():
    stored = open_stored(SAMPLES / "torch_module_legacy.pth")
    assert stored.remarks == ("the module is given without DataParallel around it",)
    assert stored.format == "PyTorch module Sequential (legacy)"


def test_a_module_of_ones_own():
    stored = open_stored(SAMPLES / "torch_module_own.pt")
    assert stored.remarks == ("torch.load would import __main__.Gated",)
    assert stored.root.config == {
        "training": True,
        "factor": 2.5,
        "sizes": (3, 4),
        "parameters": ["scale"],
        "buffers": ["kept"],
    }
    assert [array.path for array in stored.root.arrays] == ["scale", "kept"]
    assert [array.path for array in stored.state] == ["passing"]
    inner, same = stored.root.layers
    assert (inner.name, inner.class_name, inner.config["num_layers"], same.name) == ("inner", "GRU", 2, "same")
    assert [array.tied for array in inner.arrays] == [""] * len(inner.arrays)
    assert [array.tied for array in same.arrays] == [array.path for array in inner.arrays]


def test_views_are_read_where_they_lie():
    for file in ("torch_strides.pt", "torch_strides_legacy.pth"):
        found = arrays(open_stored(SAMPLES / file))
        assert {name for name, array in found.items() if array.offset is None} == {
            "transposed",
            "column",
            "steps",
            "expanded",
        }
        assert {name: array.tied for name, array in found.items() if array.tied} == {"tied": "whole"}
        assert found["rows"].offset - found["whole"].offset == 20 * 4
        assert found["transposed"].run is None


def test_a_checkpoint_is_told_apart():
    stored = open_stored(SAMPLES / "torch_checkpoint.ckpt")
    assert stored.format == "PyTorch checkpoint (zip)"
    assert stored.remarks == (
        "the names are given without the prefix module., which DataParallel adds",
        "the weights are what the file holds as state_dict",
    )
    assert [layer.name for layer in stored.root.layers] == ["0", "2"]
    assert [array.path for array in stored.state] == ["best", "history"]


def test_quantised_values_are_the_integers_and_said_to_be():
    stored = open_stored(SAMPLES / "torch_quantised.pt")
    assert stored.remarks == (
        "whole is quantised: each value is 0.25 · (the stored integer − 3)",
        "rows is quantised with a scale per place of dimension 0",
    )


@pytest.mark.parametrize("name", ["", "pytorch_model.bin.index.json"])
def test_shards_open_by_their_folder_or_their_table(name):
    stored = open_stored(SAMPLES / "torch_sharded" / name)
    assert stored.path == str(SAMPLES / "torch_sharded")
    assert stored.format == "PyTorch state dict in 2 shards"
    assert {array.file.partition("!")[0][-18:] for array in listed(stored)} == {
        "00001-of-00002.bin",
        "00002-of-00002.bin",
    }


@pytest.mark.parametrize("name", ["", ".metadata"])
def test_a_distributed_checkpoint_opens_by_its_folder_or_its_metadata(name):
    stored = open_stored(SAMPLES / "torch_distributed" / name)
    assert stored.format == "PyTorch distributed checkpoint"
    assert [(array.path, array.shape) for array in listed(stored)] == [("fc.weight", (5, 3)), ("fc.bias", (5,))]


def test_a_part_of_a_distributed_checkpoint_is_no_whole():
    path = SAMPLES / "torch_distributed" / "__1_0.distcp"
    with pytest.raises(FormatError, match=r"found another 1,577 bytes before it; .* give the path of its folder"):
        open_stored(path)


def test_the_order_of_the_state_dict_is_kept():
    for file in FACTS:
        stored = open_stored(SAMPLES / file)
        by_layer = [array.path for layer in (*stored.root.layers, stored.root) for array in layer.arrays]
        assert bool(stored.listing) == (by_layer != [fact["path"] for fact in FACTS[file]["arrays"]])
        assert len(set(by_layer)) == len(by_layer)
        assert all(first != second for first, second in pairwise(stored.listing))


@pytest.mark.parametrize("file", FACTS)
def test_opening_needs_no_numpy(file):
    program = (
        "import sys; sys.modules['numpy'] = sys.modules['torch'] = None\n"
        "from weightwise.formats import open_stored\n"
        "print(open_stored(sys.argv[1]).framework)"
    )
    done = subprocess.run([sys.executable, "-c", program, SAMPLES / file], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("PyTorch\n", "")


def test_arrays_of_the_model_itself_keep_their_place():
    stored = open_stored(SAMPLES / "torch_module_own.pt")
    assert stored.listing[:3] == ("scale", "kept", "inner.weight_ih_l0")
