"""Files that PyTorch writes now hold what it holds: the forms that people save, views of any kind, old formats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy
import pytest

from tests.samples import arrays
from weightwise.errors import UnsupportedError
from weightwise.formats import open_stored
from weightwise.stored import StoredModel

pytestmark = pytest.mark.oracle
torch = pytest.importorskip("torch", reason="PyTorch is an extra (oracles)")


@pytest.fixture(params=[True, False], ids=["zip", "legacy"])
def stored(request, tmp_path) -> Iterator[Any]:
    def write(value: Any) -> StoredModel:
        torch.save(value, tmp_path / "m.pt", _use_new_zipfile_serialization=request.param)
        found = open_stored(tmp_path / "m.pt")
        assert found.problems == ()
        return found

    return write


def same(found: StoredModel, expected: dict[str, Any]) -> None:
    listed = {array.path: array for layer in (*found.root.layers, found.root) for array in layer.arrays}
    assert list(found.listing or listed) == list(expected)
    for name, tensor in expected.items():
        numpy.testing.assert_array_equal(listed[name].read(), tensor.detach().numpy(), strict=True)


def network() -> Any:
    nn = torch.nn
    return nn.Sequential(nn.Conv2d(3, 4, 2), nn.Sequential(nn.BatchNorm2d(4), nn.PReLU()), nn.Linear(4, 2))


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "net", "ema", "params"])
def test_a_state_dict_under_a_likely_key(key, stored):
    expected = network().state_dict()
    found = stored({"epoch": 1, key: expected, "loss": torch.tensor(0.5)})
    same(found, expected)
    assert found.remarks == (f"the weights are what the file holds as {key}",)
    assert [array.path for array in found.state] == ["loss"]


def test_weights_come_before_their_average(stored):
    expected = network().state_dict()
    found = stored({"ema": network().state_dict(), "model": expected})
    same(found, expected)
    assert {array.path.partition(".")[0] for array in found.state} == {"ema"}


def test_several_state_dicts_are_one_model(stored):
    first, second = network().state_dict(), torch.nn.Linear(2, 3).state_dict()
    found = stored({"encoder": first, "decoder": second, "optimizer_g": {"state": {}, "param_groups": [{"lr": 1}]}})
    same(found, {f"encoder.{key}": first[key] for key in first} | {f"decoder.{key}": second[key] for key in second})


@pytest.mark.parametrize("kind", ["SGD", "Adam", "RMSprop", "Adagrad", "Adadelta"])
def test_optimizers_are_told_apart(kind, stored):
    model = network()
    optimizer = getattr(torch.optim, kind)(model.parameters(), **({"momentum": 0.9} if kind == "SGD" else {}))
    model[0](torch.ones(1, 3, 5, 5)).sum().backward()
    optimizer.step()
    found = stored({"model": model.state_dict(), "optimizer": optimizer.state_dict()})
    moments = {
        f"optimizer.state.{place}.{name}": value
        for place, state in optimizer.state_dict()["state"].items()
        for name, value in state.items()
        if isinstance(value, torch.Tensor)
    }
    assert moments
    assert {array.path: array.shape for array in found.optimizer} == {
        name: tuple(value.shape) for name, value in moments.items()
    }
    alone = stored(optimizer.state_dict())
    assert (alone.format.partition(" (")[0], len(alone.optimizer)) == ("PyTorch optimizer state", len(moments))
    assert arrays(alone) == {}


def test_what_lightning_writes(stored):
    expected = {f"net.{key}": value for key, value in network().state_dict().items()}
    state = {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    found = stored({"epoch": 3, "state_dict": expected, "optimizer_states": [state], "callbacks": {}})
    same(found, expected)
    assert [array.path for array in found.optimizer] == ["optimizer_states.0.state.0.exp_avg"]


def test_a_module_among_other_things(stored):
    module = network()
    found = stored({"generator": module, "step": torch.tensor(3)})
    same(found, module.state_dict())
    assert found.format.startswith("PyTorch module Sequential")
    assert [layer.class_name for layer in found.root.layers] == ["Conv2d", "BatchNorm2d", "PReLU", "Linear"]


def test_every_module_with_parameters(stored):
    nn = torch.nn
    modules = {
        "bilinear": nn.Bilinear(2, 3, 4),
        "lstm": nn.LSTM(3, 4, num_layers=2, proj_size=2, bidirectional=True),
        "cell": nn.GRUCell(2, 3),
        "attention": nn.MultiheadAttention(6, 2, kdim=3),
        "encoder": nn.TransformerEncoderLayer(6, 2, 5),
        "bag": nn.EmbeddingBag(5, 3),
        "transposed": nn.ConvTranspose1d(4, 6, 3, groups=2),
        "norm": nn.GroupNorm(2, 4),
        "several": nn.ParameterList([nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))]),
        "by_name": nn.ParameterDict({"a": nn.Parameter(torch.ones(4))}),
        "normed": torch.nn.utils.spectral_norm(nn.Linear(3, 2)),
    }
    module = nn.ModuleDict(modules)
    found = stored(module)
    same(found, module.state_dict())
    described = {layer.name: (layer.class_name, layer.config) for layer in found.root.layers}
    for name, inner in module.named_modules():
        if name and name in described:
            assert described[name][0] == type(inner).__name__
            parameters = [key for key, value in inner._parameters.items() if value is not None]
            assert described[name][1]["parameters"] == parameters
    assert described["encoder.self_attn"][1]["num_heads"] == 2
    assert {name for name, inner in module.named_modules() if list(inner.parameters(recurse=False))} <= set(described)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta state")
def test_sparse_tensors_are_their_parts(stored):
    dense = torch.tensor([[0.0, 2.0, 0.0], [3.0, 0.0, 5.0]])
    for sparse, names in (
        (dense.to_sparse_coo(), ["w.indices", "w.values"]),
        (dense.to_sparse_csr(), ["w.compressed_indices", "w.plain_indices", "w.values"]),
    ):
        found = arrays(stored({"w": sparse}))
        assert list(found) == names
        numpy.testing.assert_array_equal(found["w.values"].read(), [2.0, 3.0, 5.0])


def test_views_of_every_kind(stored):
    whole = torch.arange(2 * 3 * 4 * 5, dtype=torch.int32).reshape(2, 3, 4, 5)
    views = {
        "channels_last": whole.to(memory_format=torch.channels_last),
        "cut": whole[:, 1:, ::2, 1:4],
        "turned": whole.transpose(1, 3),
        "diagonal": whole[0, 0].diagonal(),
        "expanded": whole[:1].expand(4, 3, 4, 5),
        "windows": whole.flatten().unfold(0, 7, 3),
        "one": whole[1, 2, 3, 4],
        "ones": whole[:, :1, :, :1],
        "nothing": whole[:, :0],
    }
    same(stored(views), views)


def test_modules_that_share(stored):
    nn = torch.nn
    embedding, out = nn.Embedding(7, 3), nn.Linear(3, 7, bias=False)
    out.weight = embedding.weight
    found = stored(nn.ModuleDict({"embedding": embedding, "out": out}))
    listed = arrays(found)
    assert (listed["embedding.weight"].tied, listed["out.weight"].tied) == ("", "embedding.weight")
    assert listed["out.weight"].offset == listed["embedding.weight"].offset


@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
def test_every_protocol(protocol, tmp_path):
    """But 0, whose persistent ids are texts: PyTorch itself cannot load what it writes then."""
    expected = network().state_dict()
    for new in (True, False):
        path = tmp_path / "m.pt"
        torch.save(expected, path, pickle_protocol=protocol, _use_new_zipfile_serialization=new)
        same(open_stored(path), expected)


def test_shards_without_a_table(tmp_path):
    state = network().state_dict()
    names = list(state)
    for number, part in enumerate((names[:3], names[3:]), 1):
        torch.save({name: state[name] for name in part}, tmp_path / f"pytorch_model-0000{number}-of-00002.bin")
    same(open_stored(tmp_path), state)
    (tmp_path / "pytorch_model-00001-of-00002.bin").unlink()
    assert open_stored(tmp_path).problems == (f"{tmp_path}: expected 2 shards, found 1; get the others too.",)


class Marked(torch.Tensor):
    """A tensor of a class of its own."""


def test_tensors_of_other_kinds(stored):
    parameter = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
    parameter.note = "kept"
    marked = torch.arange(4).as_subclass(Marked)
    tagged = torch.arange(5, dtype=torch.int16)
    tagged.tag = "x"
    same(
        stored({"a.weight": parameter, "b.weight": marked, "c.weight": tagged}),
        {
            "a.weight": parameter,
            "b.weight": marked.as_subclass(torch.Tensor),
            "c.weight": tagged,
        },
    )
    alone = stored(torch.arange(3.0))
    assert (alone.format.partition(" (")[0], [array.path for array in alone.root.arrays]) == (
        "PyTorch tensor",
        ["tensor"],
    )


def test_tensors_without_values_have_shapes(stored):
    (array,) = arrays(stored({"a.weight": torch.empty(3, 2, device="meta", dtype=torch.float16)})).values()
    assert (array.shape, array.dtype, array.nbytes) == ((3, 2), "float16", 12)
    with pytest.raises(UnsupportedError, match=r"a.weight cannot be read: the file says its shape alone"):
        array.read()
