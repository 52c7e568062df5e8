"""Ports through files: what fills which array, what is refused, and that nothing is guessed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest

import weightwise
from tests.porting.targets import EXAMPLE, OWN, QUESTION, SAMPLES, linears, state_dict, write_arrays
from weightwise.errors import UnsupportedError


def arrays(path):
    """Return the values of a file by their paths in it."""
    return {weight.stored.path: weight.values() for weight in weightwise.open(path).weights}


def test_a_state_dict_is_filled_by_what_only_fits_there(tmp_path):
    target = state_dict(tmp_path / "net.safetensors", QUESTION)
    plan = weightwise.port(EXAMPLE, into=target, out=tmp_path / "out.safetensors")
    conv1, bias1, conv2, bias2, dense1, bias3, dense2, bias4 = weightwise.open(EXAMPLE).get_weights()
    found = arrays(tmp_path / "out.safetensors")
    assert {filling.target.path: filling.fed.pattern for filling in plan.fillings} == {
        "conv1.weight": "kh kw in out -> out in kh kw",
        "conv1.bias": "out -> out",
        "conv2.weight": "kh kw in out -> out in kh kw",
        "conv2.bias": "out -> out",
        "fc1.weight": "(h w c) out -> out (c h w)",
        "fc1.bias": "out -> out",
        "fc2.weight": "in out -> out in",
        "fc2.bias": "out -> out",
    }
    numpy.testing.assert_array_equal(found["conv1.weight"], conv1.transpose(3, 2, 0, 1))
    numpy.testing.assert_array_equal(found["conv2.weight"], conv2.transpose(3, 2, 0, 1))
    flat = dense1.reshape(12, 12, 64, 128).transpose(3, 2, 0, 1).reshape(128, 9216)
    numpy.testing.assert_array_equal(found["fc1.weight"], flat)
    numpy.testing.assert_array_equal(found["fc2.weight"], dense2.T)
    for name, values in {"conv1": bias1, "conv2": bias2, "fc1": bias3, "fc2": bias4}.items():
        numpy.testing.assert_array_equal(found[f"{name}.bias"], values)
    assert not any("flattens" in sentence for sentence in plan.settings)


def test_rows_of_a_target_that_nobody_knows_are_laid_as_its_framework_flattens_and_it_is_said(tmp_path):
    target = state_dict(tmp_path / "net.safetensors", OWN)
    plan = weightwise.port(EXAMPLE, into=target, out=tmp_path / "out.safetensors")
    patterns = {filling.target.path: filling.fed.pattern for filling in plan.fillings}
    assert patterns["my_fc1.weight"] == "(h w c) out -> out (c h w)"
    assert any("my_fc1.weight" in sentence and "flattens" in sentence for sentence in plan.settings)


@pytest.mark.parametrize(("framework", "ending"), [("keras", ".weights.h5"), ("flax", ".msgpack")])
def test_a_known_architecture_needs_no_graph_to_be_ported(framework, ending, tmp_path):
    source = state_dict(tmp_path / "mnist_cnn.safetensors", QUESTION)
    out = tmp_path / f"out{ending}"
    plan = weightwise.port(source, framework, out=out)
    assert {filling.target.path: filling.fed.pattern for filling in plan.fillings} == {
        "conv1.kernel": "out in kh kw -> kh kw in out",
        "conv1.bias": "out -> out",
        "conv2.kernel": "out in kh kw -> kh kw in out",
        "conv2.bias": "out -> out",
        "fc1.kernel": "out (c h w) -> (h w c) out",
        "fc1.bias": "out -> out",
        "fc2.kernel": "out in -> in out",
        "fc2.bias": "out -> out",
    }
    found, own = weightwise.open(out), weightwise.open(source)
    rows = own["fc1"]["weight"].values().reshape(128, 64, 12, 12).transpose(2, 3, 1, 0)
    numpy.testing.assert_array_equal(found["fc1"]["kernel"].values(), rows.reshape(9216, 128))
    numpy.testing.assert_array_equal(
        found["conv2"]["kernel"].values(), own["conv2"]["weight"].values().transpose(2, 3, 1, 0)
    )
    weightwise.port(out, into=source, rows={"fc1": "c 64 h 12 w 12"}, out=tmp_path / "back.safetensors")
    assert (tmp_path / "back.safetensors").read_bytes() == source.read_bytes()


def test_back_into_keras_the_target_tells_what_a_state_dict_is(tmp_path):
    target = state_dict(tmp_path / "net.safetensors", QUESTION)
    weightwise.port(EXAMPLE, into=target, out=tmp_path / "there.safetensors")
    plan = weightwise.port(tmp_path / "there.safetensors", into=EXAMPLE, out=tmp_path / "back.keras")
    patterns = {filling.fed.pattern for filling in plan.fillings}
    assert {"out in kh kw -> kh kw in out", "out (c h w) -> (h w c) out"} <= patterns
    assert (tmp_path / "back.keras").read_bytes() == EXAMPLE.read_bytes()


def test_alike_layers_are_not_guessed(tmp_path):
    source = linears(tmp_path / "source.safetensors", first=(6, 6), second=(6, 6))
    target = linears(tmp_path / "target.safetensors", left=(6, 6), right=(6, 6))
    with pytest.raises(UnsupportedError) as raised:
        weightwise.port(source, into=target)
    text = str(raised.value)
    assert "more than one match is possible for first, second" in text
    assert "--map 'first=left' or --map 'first=right'" in text


def test_one_choice_settles_the_other(tmp_path):
    source = linears(tmp_path / "source.safetensors", first=(6, 6), second=(6, 6))
    target = linears(tmp_path / "target.safetensors", left=(6, 6), right=(6, 6))
    plan = weightwise.port(source, into=target, out=tmp_path / "out.safetensors", choose={"first": "right"})
    old, new = arrays(source), arrays(tmp_path / "out.safetensors")
    numpy.testing.assert_array_equal(new["right.weight"], old["first.weight"])
    numpy.testing.assert_array_equal(new["left.weight"], old["second.weight"])
    assert {filling.target.path: filling.why for filling in plan.fillings}["right.weight"] == "as you said"


def test_beginnings_of_names_can_be_chosen(tmp_path):
    source = linears(tmp_path / "s.safetensors", one__fc=(6, 6), one__out=(4, 6), two__fc=(6, 6), two__out=(4, 6))
    target = linears(tmp_path / "t.safetensors", b__x=(6, 6), b__y=(4, 6), a__x=(6, 6), a__y=(4, 6))
    weightwise.port(source, into=target, out=tmp_path / "out.safetensors", choose={"one": "a", "two": "b"})
    old, new = arrays(source), arrays(tmp_path / "out.safetensors")
    numpy.testing.assert_array_equal(new["a.y.weight"], old["one.out.weight"])
    numpy.testing.assert_array_equal(new["b.x.bias"], old["two.fc.bias"])


def test_of_several_beginnings_the_longest_counts(tmp_path):
    source = linears(tmp_path / "s.safetensors", one=(6, 6), one_d=(6, 6))
    target = linears(tmp_path / "t.safetensors", a=(6, 6), b=(6, 6))
    weightwise.port(source, into=target, out=tmp_path / "out.safetensors", choose={"one": "b", "one_d": "a"})
    old, new = arrays(source), arrays(tmp_path / "out.safetensors")
    numpy.testing.assert_array_equal(new["a.weight"], old["one_d.weight"])
    numpy.testing.assert_array_equal(new["b.weight"], old["one.weight"])


@pytest.mark.parametrize(
    ("names", "others", "why"),
    [
        (("fc1", "fc2"), ("layers__0", "layers__3"), "order and shapes"),
        (("left", "right"), ("right", "left"), "name and shapes"),
    ],
)
def test_numbers_and_names_tell_alike_layers(tmp_path, names, others, why):
    source = linears(tmp_path / "s.safetensors", **dict.fromkeys(names, (6, 6)))
    target = linears(tmp_path / "t.safetensors", **dict.fromkeys(others, (6, 6)))
    plan = weightwise.port(source, into=target, out=tmp_path / "out.safetensors")
    assert why in {filling.why for filling in plan.fillings}
    old, new = arrays(source), arrays(tmp_path / "out.safetensors")
    for name, other in zip(names, sorted(others) if why.startswith("name") else others, strict=True):
        numpy.testing.assert_array_equal(new[f"{other.replace('__', '.')}.weight"], old[f"{name}.weight"])


def test_what_has_no_place_is_named(tmp_path):
    source = linears(tmp_path / "s.safetensors", one=(6, 5), two=(4, 6))
    target = linears(tmp_path / "t.safetensors", one=(6, 5), two=(4, 7))
    with pytest.raises(UnsupportedError, match=r"no layer there has the arrays of two \(.*weight \(4, 6\)"):
        weightwise.port(source, into=target)


def test_what_nothing_fills_is_named(tmp_path):
    source = linears(tmp_path / "s.safetensors", one=(6, 5))
    target = linears(tmp_path / "t.safetensors", one=(6, 5), two=(4, 7))
    with pytest.raises(UnsupportedError, match="the source has nothing for two"):
        weightwise.port(source, into=target)


def test_digits_are_lost_only_when_that_is_allowed(tmp_path):
    source = linears(tmp_path / "s.safetensors", one=(6, 5))
    target = write_arrays(
        tmp_path / "t.safetensors",
        {"one.weight": numpy.zeros((6, 5), "float16"), "one.bias": numpy.zeros(6, "float16")},
    )
    out = tmp_path / "out.safetensors"
    with pytest.raises(UnsupportedError, match=r"float32 becomes float16.*--allow-lossy"):
        weightwise.port(source, into=target, out=out)
    assert not out.exists()
    weightwise.port(source, into=target, out=out, allow_lossy=True)
    numpy.testing.assert_array_equal(arrays(out)["one.weight"], arrays(source)["one.weight"].astype("float16"))


def test_rows_of_an_image_are_not_guessed(tmp_path):
    source = SAMPLES / "flax_variables.msgpack"
    with pytest.raises(
        UnsupportedError, match=r"the 60 rows of Dense_0 may be an image of 5 channels.*--rows 'Dense_0=c 5"
    ):
        weightwise.port(source, "pytorch")


def test_rows_that_are_said_are_rearranged(tmp_path):
    source = SAMPLES / "flax_variables.msgpack"
    out = tmp_path / "out.safetensors"
    plan = weightwise.port(source, "pytorch", rows={"Dense_0": "c 5 h 4 w 3"}, out=out)
    kernel = weightwise.open(source)["Dense_0"]["kernel"].values()
    wanted = kernel.reshape(4, 3, 5, 7).transpose(3, 2, 0, 1).reshape(7, 60)
    numpy.testing.assert_array_equal(arrays(out)["Dense_0.weight"], wanted)
    assert "(h w c) out -> out (c h w)" in {filling.fed.pattern for filling in plan.fillings}


def test_rows_that_are_no_image_stay(tmp_path):
    source = SAMPLES / "flax_variables.msgpack"
    out = tmp_path / "out.safetensors"
    weightwise.port(source, "pytorch", rows={"Dense_0": "in"}, out=out)
    numpy.testing.assert_array_equal(
        arrays(out)["Dense_0.weight"], weightwise.open(source)["Dense_0"]["kernel"].values().T
    )


@pytest.mark.parametrize("text", ["c 5 h", "out 60", "", "c5 h 4 w 3"])
def test_rows_that_say_nothing_are_refused(text):
    with pytest.raises(UnsupportedError, match="--rows: expected sizes such as"):
        weightwise.port(SAMPLES / "flax_variables.msgpack", "pytorch", rows={"Dense_0": text})


def test_unknown_kernels_need_a_target_that_tells(tmp_path):
    source = state_dict(tmp_path / "net.safetensors", OWN)
    with pytest.raises(
        UnsupportedError, match=r"my_conv1/weight: its axes are unknown.*--axes 'my_conv1/weight=out in/.*--into"
    ):
        weightwise.port(source, "keras")


def test_an_unknown_framework_is_named():
    with pytest.raises(UnsupportedError, match="weightwise ports to pytorch, keras, flax, not to 'caffe'"):
        weightwise.port(EXAMPLE, "caffe")


def test_arrays_that_the_source_shares_are_told():
    shared = numpy.arange(30, dtype="float32").reshape(6, 5)
    bias = numpy.zeros(6, "float32")
    source = {"one.weight": shared, "one.bias": bias, "two.weight": shared, "two.bias": bias + 1}
    plan = weightwise.port(source, "flax")
    assert any("two.weight is the same array as one.weight" in sentence for sentence in plan.settings)


ARCHITECTURES = Path(__file__).parents[1] / "conventions" / "architectures.jsonl"
LAID_FOR_KERAS = {
    "out in kh kw -> kh kw in out",
    "(groups out/groups) in/groups kh kw -> kh kw in/groups (groups out/groups)",
    "out (c h w) -> (h w c) out",
    "out in -> in out",
    "out -> out",
    "features -> features",
}


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "vgg13_bn", "alexnet"])
def test_architectures_of_torchvision_are_ported_from_names_and_shapes(name):
    facts = {fact["name"]: fact["arrays"] for fact in map(json.loads, ARCHITECTURES.read_text().splitlines())}
    source = {path: numpy.broadcast_to(numpy.float32(0), shape) for path, (shape, _) in facts[name].items()}
    plan = weightwise.port(source, "keras")
    assert {filling.fed.pattern for filling in plan.fillings} <= LAID_FOR_KERAS
    kept = [path for path in source if not path.endswith("num_batches_tracked")]
    assert len(plan.fillings) == len(kept)
    assert not plan.left


KERNELS = {f"my_conv{number}": "out in/groups kh kw" for number in (1, 2)}
ROWS = "c 64 h 12 w 12"


def test_between_bare_files_the_caller_settles_what_names_and_shapes_leave_open(tmp_path):
    source, there, back = (tmp_path / name for name in ("net.safetensors", "there.msgpack", "back.safetensors"))
    state_dict(source, OWN)
    axes = {f"{layer}/weight": reading for layer, reading in KERNELS.items()}
    plan = weightwise.port(source, "flax", axes=axes, rows={"my_fc1": ROWS}, out=there)
    patterns = {filling.target.path: filling.fed.pattern for filling in plan.fillings}
    assert patterns["my_conv2.kernel"] == "out in kh kw -> kh kw in out"
    assert patterns["my_fc1.kernel"] == "out (c h w) -> (h w c) out"
    own, found = weightwise.open(source), weightwise.open(there)
    kernel, rows = (own[name]["weight"].values() for name in ("my_conv2", "my_fc1"))
    numpy.testing.assert_array_equal(found["my_conv2"]["kernel"].values(), kernel.transpose(2, 3, 1, 0))
    laid = rows.reshape(128, 64, 12, 12).transpose(2, 3, 1, 0).reshape(9216, 128)
    numpy.testing.assert_array_equal(found["my_fc1"]["kernel"].values(), laid)
    axes = {f"{layer}/kernel": "kh kw in/groups out" for layer in KERNELS}
    weightwise.port(there, "pytorch", axes=axes, rows={"my_fc1": ROWS}, out=back)
    same = weightwise.open(back)
    assert {weight.path for weight in same.weights} == {weight.path for weight in own.weights}
    for weight in own.weights:
        numpy.testing.assert_array_equal(same[weight.layer][weight.name].values(), weight.values())


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        (
            {"my_conv1/weight": "kh kw in out"},
            "--axes: my_conv1/weight may be out in/groups kh kw or .*, not kh kw in out",
        ),
        ({"my_conv1/bias": "out"}, "--axes: those of my_conv1/bias are known: out"),
        ({"conv/weight": "out"}, "it has no array 'conv/weight'"),
    ],
)
def test_axes_that_no_reading_has_are_refused(axes, expected, tmp_path):
    source = state_dict(tmp_path / "net.safetensors", OWN)
    with pytest.raises(UnsupportedError, match=expected):
        weightwise.port(source, "flax", axes=axes)
