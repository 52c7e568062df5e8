"""The code of PyTorch models: as people read it, formatted, and of nothing but what the table of conventions knows."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import weightwise
from weightwise.conventions.pytorch.spelling import SPELLER
from weightwise.errors import UnsupportedError, WeightwiseError
from weightwise.naming import named
from weightwise.porting.porting import lowered
from weightwise.stored import Addressing, Call, StoredLayer, StoredModel, Tensor
from weightwise.views.code_pytorch import code
from weightwise.views.code_pytorch_functions import expression
from weightwise.views.code_pytorch_modules import SIGNATURES, arguments, literal
from weightwise.views.code_pytorch_names import identifier

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "mnist_cnn.keras"
SAMPLES = sorted(path for path in (ROOT / "tests" / "samples").iterdir() if path.suffix in (".keras", ".h5", ".pt2"))

QUESTION = '''\
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn


class MnistCnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv2d_1 = nn.Conv2d(1, 32, 3)
        self.conv2d_2 = nn.Conv2d(32, 64, 3)
        self.max_pooling2d_1 = nn.MaxPool2d(2)
        self.dropout_1 = nn.Dropout(0.25)
        self.dense_1 = nn.Linear(9216, 128)
        self.dropout_2 = nn.Dropout(0.5)
        self.dense_2 = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        # x: (batch, 1, 28, 28)
        x = F.relu(self.conv2d_1(x))  # (batch, 32, 26, 26)
        x = F.relu(self.conv2d_2(x))  # (batch, 64, 24, 24)
        x = self.max_pooling2d_1(x)  # (batch, 64, 12, 12)
        x = self.dropout_1(x)
        x = x.flatten(1)  # (batch, 9216)
        x = F.relu(self.dense_1(x))  # (batch, 128)
        x = self.dropout_2(x)
        return F.softmax(self.dense_2(x), dim=-1)


def load(path: str = "mnist_cnn.safetensors") -> MnistCnn:
    """Return the network with the weights of a file, as it is for inference."""
    network = MnistCnn()
    network.load_state_dict(load_file(path), strict=True)
    return network.eval()
'''


def of(*layers: StoredLayer, outputs: tuple[Tensor, ...] = ()):
    """Return a model of PyTorch whose layers read one another, the first one the input."""
    root = StoredLayer(
        "net", "", layers=layers, inputs=(Tensor("(input)"),), outputs=outputs or (Tensor(layers[-1].name),)
    )
    return named(StoredModel("net.pt", "made", "PyTorch", "", root, Addressing.PATH))


def layer(name: str, class_name: str, *reads: Tensor, **config) -> StoredLayer:
    """Return a layer that reads some tensors, or the input."""
    settings = {"parameters": [], "buffers": [], **config}
    return StoredLayer(name, class_name, settings, calls=(Call(reads or (Tensor("(input)"),)),))


def body(text: str) -> list[str]:
    """Return the lines of `forward` behind its comments."""
    lines = text.split("def forward")[1].splitlines()[1:]
    return [line.strip().partition("  # ")[0] for line in lines if not line.strip().startswith("#") and line.strip()]


def test_the_network_of_the_question():
    ported = lowered(weightwise.open(EXAMPLE), SPELLER)
    assert code(ported.model, "MnistCnn", "mnist_cnn.safetensors") == QUESTION


def codes():
    """Yield the code of every sample that PyTorch can have."""
    for path in (*SAMPLES, EXAMPLE):
        try:
            model = weightwise.open(path)
            if any(stored.calls for stored in model.root.stored.layers):
                yield path.name, code(lowered(model, SPELLER).model, "Net", "weights.safetensors")
        except WeightwiseError:
            continue


def test_code_is_formatted(tmp_path):
    pytest.importorskip("ruff")  # a tool of those who change the project, which its users need not have
    for name, text in codes():
        (tmp_path / f"{identifier(name)}.py").write_text(text)
    assert len(list(tmp_path.iterdir())) > 40
    for command in (["format", "--check"], ["check", "--select", "E,F,I,W,UP"]):
        options = ["--isolated", "--line-length", "120", str(tmp_path)]
        done = subprocess.run([sys.executable, "-m", "ruff", *command, *options], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_variables_of_branches():
    one = layer("one", "ReLU")
    two = layer("two", "Sigmoid")
    add = layer("sum", "add", Tensor("one"), Tensor("two"))
    both = layer("both", "cat", Tensor("sum"), Tensor("(input)"), dim=1)
    assert body(code(of(one, two, add, both))) == [
        "y = F.relu(x)",
        "z = torch.sigmoid(x)",
        "y = y + z",
        "return torch.cat([y, x], dim=1)",
    ]


def test_states_and_parts():
    lstm = layer(
        "rows", "LSTM", input_size=3, hidden_size=4, num_layers=1, bias=True, batch_first=True, bidirectional=False
    )
    last = layer("last", "select", Tensor("rows"), dim=1, index=-1)
    text = code(of(lstm, last, outputs=(Tensor("last"), Tensor("rows", 0, 2))))
    assert "self.rows = nn.LSTM(3, 4, batch_first=True)" in text
    assert body(text) == ["x, (_, c) = self.rows(x)", "x = x[:, -1]", "return x, c"]
    parts = layer("parts", "split", split_size_or_sections=(2, 3), dim=-1)
    second = layer("second", "exp", Tensor("parts", 0, 1))
    assert body(code(of(parts, second))) == ["_, x = x.split((2, 3), dim=-1)", "return torch.exp(x)"]


EVIL = (
    'x"] = __import__("os").system("true") #',
    "a\nimport os\n",
    "it's",
    "b\\",
    "type",
    "lambda",
    "ünder",
    "0",
    "a.0.b",
)


@pytest.mark.parametrize("name", EVIL)
def test_names_of_a_file_are_no_code(name):
    text = code(of(layer(name, "MaxPool2d", kernel_size=2, stride=2, padding=0)), name, name)
    tree = ast.parse(text)
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert called - {next(node.name for node in tree.body if isinstance(node, ast.ClassDef))} <= {"super", "load_file"}
    imported = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert all(node in tree.body for node in imported)
    assert {alias.name for node in imported for alias in node.names} <= {"Tensor", "nn", "load_file"}


@pytest.mark.parametrize("value", ['2, __import__("os")', object(), {"a": 1}, ("a\n", b"b")])
def test_settings_of_a_file_are_no_code(value):
    try:
        text = code(of(layer("pool", "MaxPool2d", kernel_size=value, stride=2, padding=0)))
    except UnsupportedError:
        return
    tree = ast.parse(text)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    assert {node.func.id for node in calls} == {"super"}


def test_what_cannot_be_written_is_said():
    with pytest.raises(UnsupportedError, match="no code can be written of a Gate"):
        code(of(layer("gate", "Gate")))
    with pytest.raises(UnsupportedError, match="its in_features is not known"):
        code(of(layer("dense", "Linear", out_features=3)))
    with pytest.raises(UnsupportedError, match="no graph"):
        code(of(StoredLayer("dense", "Linear", {"in_features": 2, "out_features": 3})))


def test_arguments():
    assert arguments("Linear", {"in_features": 2, "out_features": 3, "parameters": ["weight", "bias"]}) == ["2", "3"]
    pool = {"kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 1)}
    assert arguments("MaxPool2d", pool) == ["2", "padding=(0, 1)"]
    norm = {"normalized_shape": (4, 4), "eps": 1e-3, "parameters": ["weight"]}
    assert arguments("LayerNorm", norm) == ["(4, 4)", "eps=0.001", "bias=False"]
    assert set(SIGNATURES) >= {"Conv1d", "Conv2d", "Conv3d", "LSTM", "MultiheadAttention"}


@pytest.mark.parametrize(
    ("class_name", "config", "text"),
    [
        ("select", {"dim": -2, "index": 0}, "a.select(-2, 0)"),
        ("slice", {"dim": 2, "start": 1, "end": -1, "step": 2}, "a[:, :, 1:-1:2]"),
        ("slice", {"dim": -1, "start": 0, "end": 3}, "a[..., :3]"),
        ("reshape", {"shape": (None, -1, 8)}, "a.reshape(a.shape[0], -1, 8)"),
        ("permute", {"dims": (0, 3, 1, 2)}, "a.permute(0, 3, 1, 2)"),
        ("mean", {"dim": (1,), "keepdim": True}, "a.mean(dim=1, keepdim=True)"),
        ("flip", {"dim": (1,)}, "a.flip(1)"),
        ("clamp", {"min": 0.0, "max": None}, "a.clamp(min=0.0)"),
        ("rsub", {"other": 1.0}, "1.0 - a"),
        ("add", {"other": -0.5}, "a + -0.5"),
        ("ConstantPad1d", {"padding": (1, 0), "value": float("-inf")}, 'F.pad(a, (1, 0), value=-float("inf"))'),
        ("ReflectionPad1d", {"padding": (1, 0)}, 'F.pad(a, (1, 0), mode="reflect")'),
        ("GELU", {"approximate": "tanh"}, 'F.gelu(a, approximate="tanh")'),
        ("Unflatten", {"dim": -1, "unflattened_size": (2, 3)}, "a.unflatten(-1, (2, 3))"),
        ("MaxPool2d", {}, None),
    ],
)
def test_expressions(class_name, config, text):
    assert expression(class_name, config, ["a", "b"]) == text


def test_literals():
    for value in (None, True, 3, -0.5, 1e-05, "a 'b' \"c\"\n", ("x", (1, 2)), (3,)):
        assert ast.literal_eval(literal(value)) == value
    with pytest.raises(ValueError, match="no plain value"):
        literal(b"x")
