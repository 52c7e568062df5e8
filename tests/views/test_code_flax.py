"""The code of a Flax model: what it looks like, that nothing of a file runs in it, and that it is formatted."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys

import pytest

import weightwise
from tests.oracles.spelled_facts import facts, model
from weightwise.conventions.flax.spelling import SPELLER
from weightwise.errors import UnsupportedError
from weightwise.naming import named
from weightwise.porting.porting import lowered
from weightwise.stored import Addressing, Call, StoredLayer, StoredModel, Tensor
from weightwise.views.code_flax import code, identifier, items
from weightwise.views.code_flax_functions import expression, literal

INPUT = Tensor("(input)")
EVIL = '"); import os; os.abort() #\n'


def network(*layers, inputs=(INPUT,), outputs=None):
    """Return a model of Flax of layers, the last of which returns what the model does."""
    root = StoredLayer("net", "", layers=layers, inputs=inputs, outputs=outputs or (Tensor(layers[-1].name),))
    return named(StoredModel("net.msgpack", "a test", "Flax", "", root, Addressing.PATH))


def layer(name, class_name, *reads, config=None, times=1, shape=(None, 5)):
    calls = (Call(reads or (INPUT,)),) * times
    return StoredLayer(name, class_name, config or {}, calls=calls, build_shape=None if reads else shape)


def body(text):
    """Return the lines of `__call__`."""
    lines = text.splitlines()
    start = next(place for place, line in enumerate(lines) if "def __call__" in line)
    end = next(place for place, line in enumerate(lines) if line.startswith("        return"))
    return [line.strip() for line in lines[start + 1 : end + 1]]


def test_the_network_of_the_question():
    ported = lowered(weightwise.open("examples/mnist_cnn.keras"), SPELLER)
    assert code(ported.model, "Digits", "digits.msgpack") == DIGITS


DIGITS = '''\
import flax.linen as nn
from flax.serialization import msgpack_restore


class Digits(nn.Module):
    """Takes (batch, 28, 28, 1) and returns (batch, 10)."""

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(features=32, kernel_size=(3, 3), padding="VALID", name="conv2d_1")(x)
        x = nn.relu(x)
        x = nn.Conv(features=64, kernel_size=(3, 3), padding="VALID", name="conv2d_2")(x)
        x = nn.relu(x)
        x = nn.max_pool(x, window_shape=(2, 2), strides=(2, 2))
        x = nn.Dropout(rate=0.25, deterministic=True, name="dropout_1")(x)
        x = x.reshape(x.shape[0], -1)
        x = nn.Dense(features=128, name="dense_1")(x)
        x = nn.relu(x)
        x = nn.Dropout(rate=0.5, deterministic=True, name="dropout_2")(x)
        x = nn.Dense(features=10, name="dense_2")(x)
        x = nn.softmax(x, axis=-1)
        return x


def load(path="digits.msgpack"):
    """Return the variables in a file; `Digits().apply(load(), x)` are the outputs."""
    with open(path, "rb") as file:
        return msgpack_restore(file.read())
'''


def test_a_value_that_is_read_later_keeps_its_name():
    text = code(
        network(
            layer("a", "relu"),
            layer("b", "tanh", Tensor("a")),
            layer("c", "add", Tensor("b"), Tensor("a")),
            outputs=(Tensor("c"), Tensor("b")),
        )
    )
    assert body(text) == ["x = nn.relu(x)", "y = nn.tanh(x)", "x = y + x", "return x, y"]


def test_a_layer_that_is_called_twice_is_made_once():
    first = Call((INPUT,))
    twice = StoredLayer("d", "linen.Dense", {"features": 5}, calls=(first, Call((Tensor("d", 0),))))
    assert body(code(network(twice, outputs=(Tensor("d", 1),)))) == [
        'd = nn.Dense(features=5, name="d")',
        "x = d(x)",
        "x = d(x)",
        "return x",
    ]


def test_the_states_of_an_lstm_are_c_and_h_in_linen():
    config = {"cell": {"class_name": "linen.LSTMCell", "config": {"features": 4}}, "return_carry": True}
    rnn = layer("r", "linen.RNN", config=config, shape=(None, 3, 5))
    lines = body(code(network(rnn, outputs=(Tensor("r"), Tensor("r", 0, 1), Tensor("r", 0, 2)))))
    made = 'nn.RNN(cell=nn.LSTMCell(features=4, parent=None), return_carry=True, name="r")'
    assert lines == [f"(c, h), x = {made}(x)", "return x, h, c"]
    assert "return_carry" not in "\n".join(body(code(network(rnn))))


def test_several_inputs_are_arguments():
    inputs = (Tensor("(input)"), Tensor("(input)", 0, 1))
    text = code(network(layer("m", "maximum", *inputs), inputs=inputs), weights="net.msgpack")
    assert "def __call__(self, x, y):" in text
    assert "Net().apply(load(), x, y)" in text
    assert body(text)[0] == "x = jnp.maximum(x, y)"


@pytest.mark.parametrize("class_name", ["linen.Dense", "relu"])
def test_a_name_of_a_file_stays_a_name(class_name):
    text = code(network(layer(EVIL, class_name, config={"features": 5} if "." in class_name else {}, times=2)), EVIL)
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    assert names <= {"_", "nn", "x", "y", "import_os__os_abort", "open", "path", "file", "msgpack_restore"}
    assert "import_os__os_abort(nn.Module)" in text


@pytest.mark.parametrize(
    ("class_name", "config"),
    [
        ("linen.Dense", {"features": 5, EVIL: 1}),
        ("linen.Dense", {"features": 5, "x": object()}),
        ("linen.RNN", {"cell": {"class_name": EVIL, "config": {}}}),
        ("linen.RNN", {"cell": {"class_name": "linen.SimpleCell", "config": {"features": 5, "activation_fn": EVIL}}}),
        ("take", {"axis": 1, "index": EVIL}),
        ("reshape", {"shape": (EVIL,)}),
        ("swapaxes", {"axis1": EVIL, "axis2": 1}),
        ("slice", {"axis": EVIL}),
        ("flatten", {"start": EVIL}),
        ("crop", {"around": ((EVIL, 0),)}),
        (EVIL, {}),
        ("nnx.Linear", {"out_features": 5}),
    ],
)
def test_what_is_no_setting_is_refused(class_name, config):
    with pytest.raises(UnsupportedError, match="layer_of_it"):
        code(network(layer("layer_of_it", class_name, config=config)))


def test_a_string_is_quoted():
    assert ast.literal_eval(literal(EVIL)) == EVIL
    assert literal((1,)) == "(1,)"
    assert literal([float("inf"), -float("inf"), True, None]) == "(jnp.inf, -jnp.inf, True, None)"


def test_names_are_free_of_pythons_own():
    assert [identifier(text, "x") for text in ("nn", "class", "ünï", "2a", "", "a/b")] == [
        "nn_",
        "class_",
        "n",
        "_2a",
        "x",
        "a_b",
    ]


@pytest.mark.parametrize(
    ("class_name", "config", "names", "expected"),
    [
        ("flatten", {"start": 2, "end": 3}, "x", "x.reshape(*x.shape[:2], -1, *x.shape[4:])"),
        ("crop", {"around": ((1, 2), (0, 0))}, "x", "x[:, 1:-2, :]"),
        ("take", {"axis": -2, "index": 3}, "x", "x[..., 3, :]"),
        ("slice", {"axis": 2, "start": 1, "end": None, "step": 2}, "x", "x[:, :, 1::2]"),
        ("split", {"axis": 1, "lengths": (2, 3, 4)}, "x", "jnp.split(x, [2, 5], axis=1)"),
        ("maximum", {}, "xyz", "jnp.maximum(jnp.maximum(x, y), z)"),
        ("average", {}, "xy", "(x + y) / 2"),
        ("rescale", {"scale": 2.0, "offset": -1.0}, "x", "x * 2.0 - 1.0"),
        ("rescale", {"scale": (1.0, 2.0)}, "x", "jnp.add(jnp.multiply(x, jnp.array([1.0, 2.0])), 0.0)"),
        ("clip", {"min_value": 0.0, "max_value": float("inf")}, "x", "jnp.clip(x, 0.0)"),
        ("thresholded_relu", {"threshold": 0.5}, "x", "jnp.where(x > 0.5, x, 0)"),
        ("sparse_plus", {}, "x", "jax.nn.sparse_plus(x)"),
        (
            "pad",
            {"pad_width": ((1, 2),), "mode": "reflect"},
            "x",
            'jnp.pad(x, ((0, 0), (1, 2), (0, 0)), mode="reflect")',
        ),
    ],
)
def test_functions_as_python_spells_them(class_name, config, names, expected):
    assert expression(class_name, config, names) == expected


def test_a_model_without_a_graph_has_no_code():
    with pytest.raises(UnsupportedError, match="no graph"):
        code(network(StoredLayer("d", "linen.Dense", {"features": 5})))


def test_items_are_apart_at_the_outermost_commas_alone():
    assert list(items('f(a, b), [c, (d, e)], "x, y", z=1,')) == ["f(a, b)", "[c, (d, e)]", '"x, y"', "z=1"]


def long_network():
    """Return a network whose lines are too long for one line each."""
    names = [f"a_branch_with_a_name_that_is_rather_long_{number}" for number in range(30)]
    branches = [layer(name, "linen.Dense", INPUT, config={"features": 5}) for name in names]
    whole = {"num_heads": 2, "qkv_features": 10, "out_features": 5, "use_bias": False, "normalize_qk": True}
    attention = layer("attention" * 6, "linen.MultiHeadDotProductAttention", INPUT, config=whole)
    reads = [Tensor(name) for name in names]
    rest = (
        layer("joined", "concatenate", *reads, config={"axis": -1}),
        layer("sum", "add", *reads),
        layer("most", "maximum", *reads),
        layer("scaled", "rescale", Tensor("sum"), config={"scale": tuple(map(float, range(40))), "offset": 1.0}),
        layer("more", "add", *reads[:28]),
    )
    outputs = tuple(Tensor(layer.name) for layer in (*rest, attention))
    return network(*branches, attention, *rest, outputs=outputs)


@pytest.mark.skipif(importlib.util.find_spec("ruff") is None, reason="ruff is an extra (check)")
def test_the_code_is_formatted(tmp_path):
    models = [long_network(), lowered(weightwise.open("examples/mnist_cnn.keras"), SPELLER).model]
    for fact in facts("keras_"):
        try:
            models.append(lowered(model(fact), SPELLER).model)
        except UnsupportedError:
            continue
    for number, found in enumerate(models):
        (tmp_path / f"net_{number}.py").write_text(code(found))
    assert len(models) > 400
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "--check", str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout[:2000]
