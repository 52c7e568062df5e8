"""TorchScript archives and exported programs: the arrays, their order and the graph are what PyTorch says they are."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy
import pytest

from tests.samples import SAMPLES, arrays
from tests.samples.array_fact import fact
from weightwise.answers.forward import forward
from weightwise.errors import FormatError, UnsupportedError
from weightwise.formats import open_stored
from weightwise.model import Evidence, Model
from weightwise.naming import named
from weightwise.stored import Tensor

FACTS = json.loads((SAMPLES / "torchscript_facts.json").read_text())
COMPUTED = (
    "torchscript_traced.pt",
    "torchscript_scripted.pt",
    "torchscript_frozen.pt",
    "torchscript_rows.pt",
    "torchscript_rows_traced.pt",
    "torchscript_branches.pt",
    "exported.pt2",
    "exported_2_6.pt2",
    "exported_2_7.pt2",
    "exported_decomposed.pt2",
    "exported_rows.pt2",
    "exported_branches.pt2",
    "exported_attention.pt2",
    "exported_skipping.pt2",
    "exported_attentive.pt2",
    "exported_branching.pt2",
    "torchscript_skipping.pt",
    "torchscript_skipping_traced.pt",
    "torchscript_attentive_traced.pt",
    "torchscript_branching.pt",
    "torchscript_branching_traced.pt",
)
"""The samples that compute with layers alone."""
UNNAMED = {
    "torchscript_rows.pt": ["kept", "passing"],
    "torchscript_rows_traced.pt": ["kept", "passing"],
    "exported_rows.pt2": ["kept"],
}
"""The arrays that no module and no operator of a layer has."""


def opened(file: str) -> Model:
    return named(open_stored(SAMPLES / file))


def weights(model: Model):
    """All weights by their place in the list."""
    return {weight.index: weight for layer in (*model.root.layers, model.root) for weight in layer.weights}


def changed(file: str, path: Path, change) -> Path:
    """Writes a sample whose members are what `change` makes of them; those that it returns None for are left out."""
    with zipfile.ZipFile(SAMPLES / file) as before, zipfile.ZipFile(path, "w") as after:
        for name in before.namelist():
            content = change(name, before.read(name))
            if content is not None:
                after.writestr(name, content)
    return path


def with_code(path: Path, text: str, file: str = "torchscript_choosing.pt") -> Path:
    """Writes a sample whose class at the top has another `forward`."""

    def change(name: str, content: bytes) -> bytes:
        if not name.endswith("code/__torch__/tests/samples/make_torchscript_samples.py") and not name.endswith(
            "code/__torch__.py"
        ):
            return content
        start = content.index(b"  def forward")
        return content[:start] + text.encode()

    return changed(file, path, change)


@pytest.mark.parametrize("file", FACTS)
def test_the_arrays_are_those_of_the_state_dict_in_its_order(file):
    stored = open_stored(SAMPLES / file)
    found = arrays(stored)
    order = list(stored.listing or found)
    assert {path: fact(found[path].read()) for path in order} == FACTS[file]["arrays"]
    assert order == list(FACTS[file]["arrays"])
    assert stored.problems == ()
    assert stored.framework == "PyTorch"


@pytest.mark.parametrize("file", FACTS)
def test_all_arrays_of_modules_and_operators_are_named(file):
    model = opened(file)
    found = weights(model)
    assert sorted(found) == list(range(len(FACTS[file]["arrays"])))
    assert [found[index].stored.path for index in sorted(found)] == list(FACTS[file]["arrays"])
    assert sorted(w.stored.path for w in found.values() if w.bound is None) == UNNAMED.get(file, [])
    assert {w.evidence for w in found.values() if w.bound} == {Evidence.DECLARED}
    assert model.problems == ()


@pytest.mark.parametrize("file", COMPUTED)
def test_the_layers_compute_what_pytorch_computes(file):
    shape, whole = FACTS[file]["input"].values()
    numbers = numpy.arange(numpy.prod(shape)).reshape(shape)
    (output,) = forward(opened(file), [numbers % 11 if whole else numpy.cos(numbers.astype("float64"))])
    numpy.testing.assert_allclose(output, FACTS[file]["output"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("file", sorted(set(FACTS) - set(COMPUTED)))
def test_what_other_operators_compute_is_refused(file):
    shape = FACTS[file]["input"]["shape"]
    with pytest.raises(UnsupportedError, match="more than its layers do"):
        forward(opened(file), [numpy.zeros(shape)])


def test_settings_that_stand_in_the_code_alone():
    configs = {layer.name: layer.stored.config for layer in opened("torchscript_traced.pt").root.layers}
    grouped, up = configs["features.4"], configs["up"]
    assert (grouped["stride"], grouped["groups"], grouped["parameters"]) == ([2, 1], 3, ["weight"])
    assert (up["kernel_size"], up["stride"], up["output_padding"]) == ((2, 3), [2, 2], [1, 1])
    assert (configs["features.1"]["eps"], configs["features.5"]["p"], configs["leaky_relu"]["negative_slope"]) == (
        0.001,
        0.2,
        0.1,
    )


@pytest.mark.parametrize("file", ["torchscript_traced.pt", "exported.pt2", "exported_decomposed.pt2"])
def test_the_rows_behind_a_flatten_are_spelled_out_with_their_sizes(file):
    kernel = next(weight for weight in weights(opened(file)).values() if weight.stored.path == "first.weight")
    assert str(kernel.bound.axes) == "out (c h w)"
    assert {name: kernel.bound.sizes[name] for name in "chw"} == {"c": 4, "h": 7, "w": 6}


def test_without_an_example_the_rows_are_spelled_out_and_their_sizes_are_open():
    kernel = next(w for w in weights(opened("torchscript_scripted.pt")).values() if w.stored.path == "first.weight")
    assert str(kernel.bound.axes) == "out (c h w)"
    assert kernel.bound.sizes == {"out": 7, "c": 4}


def test_convolutions_that_pad_otherwise_than_with_zeros():
    traced, exported = (
        opened(f"{name}_branches.{suffix}") for name, suffix in (("torchscript", "pt"), ("exported", "pt2"))
    )
    layers = {layer.name: layer.stored.config for layer in traced.root.layers}
    assert (layers["reflected"]["padding"], layers["reflected"]["padding_mode"]) == ((2,), "reflect")
    assert layers["same"]["padding"] == "same"
    # The graph of an exported program has the padding as an operator of its own.
    parts = {layer.name: layer for layer in exported.root.layers}
    assert (parts["reflected.pad"].stored.class_name, parts["reflected.pad"].outputs) == (
        "ReflectionPad1d",
        ((2, 3, 14),),
    )
    assert parts["reflected"].stored.config["padding"] == (0,)


@pytest.mark.parametrize(
    ("file", "name"), [("torchscript_branches.pt", "_convolution"), ("exported_branches.pt2", "conv1d")]
)
def test_an_operator_has_the_arrays_of_a_module_of_ones_own(file, name):
    model = opened(file)
    (layer,) = (layer for layer in model.root.layers if layer.name == name)
    (window,) = layer.weights
    assert (window.name, window.stored.path, window.trainable) == ("weight", "window", False)
    assert model.root.stored.arrays == ()


def test_a_branch_that_is_not_decided_tells_both_and_joins_nothing():
    layers = {layer.name: layer for layer in open_stored(SAMPLES / "torchscript_choosing.pt").root.layers}
    assert [layers[name].calls[0].inputs[0].layer for name in ("small", "large")] == ["(input)", "(input)"]
    assert layers["last"].calls[0].inputs[0].layer == "(unknown)"


def test_one_module_under_two_names_is_tied():
    found = arrays(open_stored(SAMPLES / "torchscript_choosing.pt"))
    assert found["again.weight"].tied == "large.weight"
    assert found["large.weight"].tied == ""


def test_a_module_that_is_used_twice_has_two_calls():
    layers = {layer.name: layer for layer in open_stored(SAMPLES / "torchscript_rows.pt").root.layers}
    assert [call.inputs for call in layers["act"].calls] == [(Tensor("norm"),), (Tensor("out"),)]


def test_tensors_that_are_no_weights_are_state():
    state = {array.path: array.read().tolist() for array in open_stored(SAMPLES / "torchscript_rows.pt").state}
    assert state == {"note": [0, 1, 2, 3]}
    state = {array.path: array.read().tolist() for array in open_stored(SAMPLES / "exported_rows.pt2").state}
    assert state == {"passing": [0, 1]}


def test_quantised_weights_are_state_and_it_is_said():
    stored = open_stored(SAMPLES / "torchscript_quantised.pt")
    assert [(array.shape, array.dtype) for array in stored.state] == [((3, 5), "int8"), ((3,), "float32")]
    assert any("quantised modules keep their weights in attributes" in remark for remark in stored.remarks)
    (layer,) = (layer for layer in named(stored).root.layers if layer.name == "0")
    assert layer.operation is None


@pytest.mark.parametrize("file", ["torchscript_attention.pt", "exported_attention.pt2"])
def test_attention_tells_its_heads_and_ends_in_the_module_inside_it(file):
    model = opened(file)
    layers = {layer.name: layer for layer in model.root.layers}
    axes = {weight.stored.path: (str(weight.bound.axes), weight.bound.sizes) for weight in weights(model).values()}
    for name, heads in (("attention", 2), ("encoder.self_attn", 3)):
        packed, sizes = axes[f"{name}.in_proj_weight"]
        assert (packed, sizes["heads"], sizes["head_dim"]) == ("(part[q k v] heads head_dim) in", heads, 6 // heads)
        assert axes[f"{name}.out_proj.weight"][0] == "out (heads head_dim)"
        assert layers[name].stored.config["batch_first"] is True
        assert layers[f"{name}.out_proj"].stored.calls[0].inputs == (Tensor(name),)
    assert len(layers["rows"].stored.calls[0].inputs) == 2


def test_a_frozen_module_has_its_arrays_in_its_code():
    stored = open_stored(SAMPLES / "torchscript_frozen.pt")
    assert "the module is frozen: its arrays are constants of its code, not in state_dict()" in stored.remarks
    assert stored.state == ()
    assert [layer.name for layer in stored.root.layers if layer.arrays] == [
        *("conv2d", "conv2d_1", "conv_transpose2d", "linear", "linear_1"),
    ]


def test_the_classes_are_told_without_what_torchscript_puts_into_their_names():
    layers = {layer.name: layer for layer in open_stored(SAMPLES / "torchscript_scripted.pt").root.layers}
    assert (layers["features.4"].class_name, layers["features.4"].package) == ("Conv2d", "torch.nn.modules.conv")
    root = open_stored(SAMPLES / "torchscript_scripted.pt").root
    assert (root.class_name, root.package) == ("Pictures", "__main__")


def test_code_that_is_no_python_leaves_the_arrays(tmp_path):
    path = changed(
        "torchscript_traced.pt", tmp_path / "m.pt", lambda name, data: b"class (" if name.endswith(".py") else data
    )
    stored = open_stored(path)
    assert list(arrays(stored)) == list(FACTS["torchscript_traced.pt"]["arrays"])
    assert any("the code cannot be read (SyntaxError)" in problem for problem in stored.problems)


def test_code_that_calls_itself_without_end_is_left(tmp_path):
    text = "  def forward(self, x: Tensor) -> Tensor:\n    return (self).forward((self).forward(x, ), )\n"
    stored = open_stored(with_code(tmp_path / "m.pt", text))
    assert "its code is longer than is followed: which layer reads which is not known" in stored.remarks
    assert all(layer.calls == () for layer in stored.root.layers)


def test_code_that_doubles_its_calls_is_left(tmp_path):
    calls = "".join(f"  def f{n}(self, x):\n    return (self).f{n + 1}((self).f{n + 1}(x))\n" for n in range(40))
    last = "  def f40(self, x):\n    return x\n"
    text = f"  def forward(self, x: Tensor) -> Tensor:\n    return (self).f0(x)\n{calls}{last}"
    stored = open_stored(with_code(tmp_path / "m.pt", text))
    assert "its code is longer than is followed: which layer reads which is not known" in stored.remarks


@pytest.mark.parametrize("text", ["x" + ".a" * 5000, "-" * 5000 + "1", "(" * 5000 + ")" * 5000, "f(" * 90 + ")" * 90])
def test_nested_code_ends_in_an_answer(tmp_path, text):
    stored = open_stored(
        with_code(tmp_path / "m.pt", f"  def forward(self, x: Tensor) -> Tensor:\n    return {text}\n")
    )
    assert len(arrays(stored)) == len(FACTS["torchscript_choosing.pt"]["arrays"])


def test_a_program_is_found_by_what_it_says_of_itself(tmp_path):
    path = changed(
        "exported.pt2", tmp_path / "m.pt2", lambda name, data: b"pt3" if name.endswith("archive_format") else data
    )
    with pytest.raises(FormatError, match="no model that can be read, it is a zip archive of"):
        open_stored(path)


def test_a_package_without_a_program_is_refused(tmp_path):
    path = changed("exported.pt2", tmp_path / "m.pt2", lambda name, data: None if "/models/" in name else data)
    with pytest.raises(FormatError, match="expected an exported program in archive/models/, found none"):
        open_stored(path)


def test_a_program_without_its_arrays_says_so(tmp_path):
    path = changed("exported.pt2", tmp_path / "m.pt2", lambda name, data: None if "config.json" in name else data)
    stored = open_stored(path)
    assert arrays(stored) == {}
    assert "model_weights_config.json: expected one member of this name, found 0" in stored.problems[0]


def test_an_array_whose_bytes_are_missing_is_left_out(tmp_path):
    path = changed("exported.pt2", tmp_path / "m.pt2", lambda name, data: None if "weight_3" in name else data)
    stored = open_stored(path)
    assert len(arrays(stored)) == len(FACTS["exported.pt2"]["arrays"]) - 1
    assert len(stored.problems) == 1
    assert "features.1.bias" in stored.problems[0]


@pytest.mark.parametrize(
    "part",
    [
        "graph_module",
        "signature",
        "graph",
        "nodes",
        "tensor_values",
        "module_call_graph",
        "parameter_name",
        "arg",
        "target",
        "sizes",
        "nn_module_stack",
    ],
)
@pytest.mark.parametrize("value", [None, 3, [], {}, "text", [None], {"a": 1}, [[{}]], [{"target": 3, "outputs": [3]}]])
def test_a_graph_of_other_things_leaves_the_arrays(tmp_path, part, value):
    def replaced(node):
        if isinstance(node, dict):
            return {key: value if key == part else replaced(inner) for key, inner in node.items()}
        return node

    def change(name: str, data: bytes) -> bytes:
        return json.dumps(replaced(json.loads(data))).encode() if name.endswith("models/model.json") else data

    stored = open_stored(changed("exported.pt2", tmp_path / "m.pt2", change))
    assert sorted(arrays(stored)) == sorted(FACTS["exported.pt2"]["arrays"])
    assert len(weights(named(stored))) == len(FACTS["exported.pt2"]["arrays"])


@pytest.mark.parametrize("part", ["config", "path_name", "tensor_meta", "dtype", "sizes", "strides", "storage_offset"])
@pytest.mark.parametrize("value", [None, -3, [], {}, "text", [{"as_int": -1}], [[]], True, 10**30])
def test_a_list_of_arrays_of_other_things_ends_in_an_answer(tmp_path, part, value):
    def replaced(node):
        if isinstance(node, dict):
            return {key: value if key == part else replaced(inner) for key, inner in node.items()}
        return node

    def change(name: str, data: bytes) -> bytes:
        return json.dumps(replaced(json.loads(data))).encode() if "weights_config" in name else data

    stored = open_stored(changed("exported.pt2", tmp_path / "m.pt2", change))
    whole = 0 if part == "config" else len(FACTS["exported.pt2"]["arrays"])
    assert len(arrays(stored)) + len(stored.problems) == whole


def test_archives_of_before_the_pickle_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        archive.writestr("m/model.json", "{}")
        archive.writestr("m/code/m.py", "")
    with pytest.raises(FormatError, match=r"a TorchScript archive of before PyTorch 1\.4, which is not read"):
        open_stored(tmp_path / "m.pt")


@pytest.mark.parametrize("size", [0, 10, 2000])
def test_an_old_program_whose_arrays_are_cut_off_says_so(tmp_path, size):
    path = changed(
        "exported_2_6.pt2", tmp_path / "m.pt2", lambda name, data: data[:size] if "state_dict" in name else data
    )
    stored = open_stored(path)
    assert arrays(stored) == {}
    assert "serialized_state_dict.pt" in stored.problems[0]


def test_a_pickle_that_calls_is_told_and_calls_nothing(tmp_path):
    path = tmp_path / "m.pt"
    touched = tmp_path / "touched"
    command = f"touch {touched}".encode()
    called = b"cposix\nsystem\nX" + len(command).to_bytes(4, "little") + command + b"\x85R"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02c__torch__\nNet\n)\x81}(X\x01\x00\x00\x00a" + called + b"ub.")
        archive.writestr("m/code/__torch__.py", "class Net(Module):\n  __parameters__ = []\n")
    stored = open_stored(path)
    assert stored.remarks == ("its pickle would call posix.system, which torch.jit.load refuses",)
    assert (stored.root.class_name, stored.root.package, touched.exists()) == ("Net", "__main__", False)


@pytest.mark.oracle
def test_pytorch_refuses_such_a_pickle(tmp_path):
    import torch

    path = tmp_path / "m.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02cposix\nsystem\nX\x01\x00\x00\x00a\x85R.")
        archive.writestr("m/code/__torch__.py", "")
        archive.writestr("m/constants.pkl", b"\x80\x02).")
        archive.writestr("m/version", "3")
    with pytest.raises(RuntimeError, match="posix"):
        torch._C.import_ir_module(torch._C.CompilationUnit(), str(path), None, {}, False)
    with pytest.raises(FormatError, match="expected a module of TorchScript, found other data"):
        open_stored(path)


WRITES = {
    "a tensor that is read after it was written": (
        "    y = torch.relu(x)\n    z = torch.add_(y, 1)\n    return torch.mul(y, 2)\n",
        ["add"],
    ),
    "a view of what was written": (
        "    y = torch.relu(x)\n    v = torch.select(y, 1, 0)\n    z = torch.add_(y, 1)\n    return torch.mul(v, 2)\n",
        None,
    ),
    "what a view was written into": (
        "    y = torch.relu(x)\n    z = torch.add_(torch.select(y, 1, 0), 1)\n    return torch.mul(y, 2)\n",
        None,
    ),
    "what an unknown operator writes": (
        "    y = torch.relu(x)\n    z = torch.index_fill_(y, 1, 2)\n    return torch.mul(y, 2)\n",
        None,
    ),
    "what may be written": (
        "    y = torch.relu(x)\n    if bool(torch.sum(x)):\n      z = torch.add_(y, 1)\n    else:\n      pass\n"
        "    return torch.mul(y, 2)\n",
        None,
    ),
    "what is written again and again": (
        "    y = torch.relu(x)\n    for i in range(3):\n      z = torch.add_(y, 1)\n    return torch.mul(y, 2)\n",
        None,
    ),
    "a list that grows": (
        "    y = [torch.relu(x)]\n    _0 = torch.append(y, torch.tanh(x))\n    return torch.cat(y, 1)\n",
        ["relu", "tanh"],
    ),
    "a list that may grow": (
        "    y = [torch.relu(x)]\n    if bool(torch.sum(x)):\n      _0 = torch.append(y, torch.tanh(x))\n    else:\n"
        "      pass\n    return torch.cat(y, 1)\n",
        None,
    ),
    "a list that grows again and again": (
        "    y = [torch.relu(x)]\n    for i in range(3):\n      _0 = torch.append(y, x)\n    return torch.cat(y, 1)\n",
        None,
    ),
}
"""Code, and the layers whose outputs the last layer reads; None where no layer must be said to read them."""


@pytest.mark.parametrize("case", WRITES)
def test_what_is_written_into_is_followed_or_unknown(case, tmp_path):
    text, expected = WRITES[case]
    header = (
        "  def forward(self: __torch__.tests.samples.make_torchscript_samples.Choosing,\n    x: Tensor) -> Tensor:\n"
    )
    root = open_stored(with_code(tmp_path / "net.pt", header + text)).root
    (output,) = root.outputs
    layers = {layer.name: layer for layer in root.layers}
    assert (output.layer in layers) == (expected is not None)
    if expected is not None:
        assert [tensor.layer for tensor in layers[output.layer].calls[0].inputs] == expected


def test_modules_of_attention_read_what_enters_them():
    layers = {layer.name: layer for layer in open_stored(SAMPLES / "exported_attention.pt2").root.layers}
    (call,) = layers["attention"].calls
    assert {tensor.layer for tensor in call.inputs} == {"(input)"}
    assert len(call.inputs) == 3
    assert layers["encoder.self_attn"].calls[0].inputs == (Tensor("attention.out_proj"),) * 3


def test_the_arrays_of_operators_are_named():
    axes = {w.stored.path: str(w.bound.axes) for w in weights(opened("exported_attentive.pt2")).values()}
    assert (axes["whole"], axes["positions"], axes["gain"]) == ("1 1 features", "1 last_2 last_1", "features")


def test_sizes_that_the_code_computes_are_those_of_the_tensors():
    layers = {layer.name: layer for layer in opened("torchscript_attentive_traced.pt").root.layers}
    assert layers["div"].operation.scale == pytest.approx(3**-0.5, rel=1e-7)
    assert layers["reshape"].operation.target == (8, 6)
