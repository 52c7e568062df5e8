"""The facts of known architectures are what the frameworks say; heads, pairs, parts and norms are as the axes have it.

Exchanging heads everywhere, along the named axes, leaves the outputs of a network as they are; exchanging what would be
heads in another order of the same factors does not. So does turning pairs that rotary positions turn, and not others.
What a part of a fused array is, is told by scaling it.
"""

from __future__ import annotations

import json

import numpy
import pytest

import weightwise
from tests.oracles.architectures import (
    DECODER,
    MNIST,
    TRANSFORMERS,
    declare_operators,
    facts,
    filed,
    meta_llama,
    mnist_network,
    transformer,
)
from tests.oracles.make_architecture_facts import FILE
from weightwise.axes import parse
from weightwise.errors import UnsupportedError

pytestmark = pytest.mark.oracle

HEADS = [3, 2, 0, 1]
"""An order of four heads in which pairs stay together, as they must where two heads share a key and a value."""
PAIRS = [1, 0]
META = "Llama of Meta"


def test_the_facts_are_what_the_frameworks_say(tmp_path):
    assert list(facts(tmp_path)) == [json.loads(line) for line in FILE.read_text().splitlines()]


@pytest.fixture(params=TRANSFORMERS)
def case(request, tmp_path):
    """Return a network, what weightwise says of its file, and which parameter each array of it is."""
    return opened(request.param, tmp_path)


def opened(name, folder):
    """Return a network, what weightwise says of its file, and which parameter each array of it is."""
    if name == META:
        network = meta_llama()
        saved_as_meta_does(network, folder)
        return network, weightwise.open(folder), {path: path for path in network.state_dict()}
    network = transformer(name)
    owners = filed(network, folder)
    return network, weightwise.open(folder), {path: ".".join(filter(None, owner)) for path, owner in owners.items()}


def outputs(network):
    """Return the outputs for one input that is the same in every test."""
    import torch

    images = hasattr(getattr(network, "config", None), "image_size")
    given = torch.linspace(-1, 1, 2 * 3 * 64).reshape(2, 3, 8, 8) if images else torch.tensor([[1, 5, 3, 7, 9]])
    with torch.no_grad():
        return network(given)[0].double().numpy()


def same(found, expected):
    return bool(numpy.abs(found - expected).max() <= 1e-4 * numpy.abs(expected).max())


def put(network, owners, weight, values):
    """Give a parameter other values."""
    import torch

    state = network.state_dict()
    with torch.no_grad():
        state[owners[weight.stored.path]].copy_(torch.from_numpy(numpy.ascontiguousarray(values)))


def attending(model):
    """Return the arrays that have heads."""
    return [weight for weight in model.weights if {"heads", "kv_heads"} & {*weight.bound.axes.names}]


def exchanged(weight, turned):
    """Return values with their heads in another order; `turned` takes the heads for what varies fastest."""
    axes = str(weight.bound.axes)
    name = "kv_heads" if "kv_heads" in axes else "heads"
    stored = axes
    for inner in ("head_dim", "half[re im] pairs") if turned else ():
        stored = stored.replace(f"{name} {inner}", f"{inner} {name}")
    bound = parse(stored).bind(weight.shape, weight.bound.sizes)
    apart = " ".join((name, *(str(factor.terms[0]) for factor in bound.factors if factor.name != name)))
    moved = bound.arrange(weight.values(), apart)[HEADS if name == "heads" else PAIRS]
    return parse(apart).bind(moved.shape, bound.sizes).arrange(moved, stored)


def test_heads_can_be_exchanged_along_their_axes_and_along_no_others(case):
    network, model, owners = case
    before = outputs(network)
    for turned in (False, True):
        for weight in attending(model):
            put(network, owners, weight, exchanged(weight, turned))
        assert same(outputs(network), before) is not turned
        for weight in attending(model):
            put(network, owners, weight, weight.values())


HALVES, NEIGHBOURS = "half[re im] pairs", "pairs half[re im]"
ROTARY = [
    META,
    *(name for name in TRANSFORMERS if name.split(",")[0].split()[0] in ("Llama", "Mistral", "Qwen", "Gemma")),
]


@pytest.mark.parametrize("name", ROTARY)
def test_pairs_can_be_turned_as_rotary_positions_turn_them_and_no_others(name, tmp_path):
    """Each by an angle of its own, the same in queries and keys: turns in one plane commute, and scores stay."""
    network, model, owners = opened(name, tmp_path)
    turning = [weight for weight in model.weights if "pairs" in weight.bound.axes.names and weight.role != "-"]
    assert {weight.layer.rpartition(".")[2][-6:] for weight in turning} >= ({"wq", "wk"} if name == META else QK)
    for reading in (HALVES, NEIGHBOURS):
        right = reading in str(turning[0].bound.axes)
        read = [(weight, read_as(weight, reading)) for weight in turning]
        for weight, bound in read:
            put(network, owners, weight, evened(weight, bound) if norm_of_heads(weight) else weight.values())
        before = outputs(network)
        for weight, bound in read:
            if not norm_of_heads(weight):
                put(network, owners, weight, rotated(weight.values(), bound))
        assert same(outputs(network), before) is right


QK = {"q_proj", "k_proj"}


def norm_of_heads(weight):
    return "heads" not in str(weight.bound.axes)


def read_as(weight, reading):
    """Return the axes of an array with pairs that lie so."""
    axes = str(weight.bound.axes).replace(HALVES, reading).replace(NEIGHBOURS, reading)
    return parse(axes).bind(weight.shape, weight.bound.sizes)


def evened(weight, bound):
    """Return the weights of a norm with one value for both numbers of a pair, so that a turn commutes with it."""
    apart = bound.arrange(weight.values(), HALVES)
    return parse(HALVES).bind(apart.shape).arrange(numpy.broadcast_to(apart.mean(0), apart.shape), bound.axes)


def rotated(values, bound):
    """Return queries or keys with every pair turned by an angle of its own, the same for heads that share a key."""
    heads = next(name for name in ("kv_heads", "heads") if name in bound.axes.names)
    axes = " ".join((HALVES, heads, *(name for name in ("in",) if name in bound.axes.names)))
    re, im = apart = bound.arrange(values, axes)
    pairs, count = apart.shape[1:3]
    angles = numpy.linspace(-2, 3, pairs * 2).reshape(pairs, 2).repeat(count // 2, axis=1)
    cos, sin = (
        made.reshape(*angles.shape, *(1,) * (apart.ndim - 3)) for made in (numpy.cos(angles), numpy.sin(angles))
    )
    turned = numpy.stack([cos * re - sin * im, sin * re + cos * im]).astype(values.dtype)
    return parse(axes).bind(turned.shape, bound.sizes).arrange(turned, bound.axes)


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 1e-5), ("float64", 1e-10)])
@pytest.mark.parametrize("tied", [False, True])
def test_meta_s_llama_computes_what_that_of_transformers_does_with_its_weights(tmp_path, dtype, bound, tied):
    import torch

    kind = getattr(torch, dtype)
    network, other = transformer_as_meta_s(tied).to(kind), meta_llama().to(kind)
    network.save_pretrained(tmp_path / "transformers")
    saved_as_meta_does(other, tmp_path / "meta")
    out = tmp_path / "consolidated.00.pth"
    weightwise.port(tmp_path / "transformers", into=tmp_path / "meta", out=out)
    other.load_state_dict(torch.load(out))
    given = torch.tensor([[1, 5, 3, 7, 9, 2, 0, 4]])
    with torch.no_grad():
        ours, theirs = other(given), network(given).logits
    assert (ours - theirs).abs().max() <= bound * theirs.abs().max()


def test_a_module_in_memory_is_filled_through_its_state_dict(tmp_path):
    import torch

    network, other = transformer_as_meta_s(tied=False), meta_llama()
    network.save_pretrained(tmp_path)
    given = torch.tensor([[1, 5, 3, 7, 9]])
    with pytest.raises(UnsupportedError, match=r"into what its state_dict\(\) returns"):
        weightwise.port(tmp_path, into=other)
    weightwise.port(tmp_path, into=other.state_dict())
    with torch.no_grad():
        ours, theirs = other(given), network(given).logits
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()


def transformer_as_meta_s(tied):
    """Return the network of transformers with the settings of Meta's."""
    import torch

    declare_operators()
    import transformers

    settings = {**DECODER, "hidden_size": 24, "head_dim": 6, "intermediate_size": 28, "tie_word_embeddings": tied}
    torch.manual_seed(3)
    network = transformers.LlamaForCausalLM(transformers.LlamaConfig(**settings, attn_implementation="sdpa")).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    return network


def saved_as_meta_does(network, folder):
    import torch

    folder.mkdir(exist_ok=True)
    torch.save(network.state_dict(), folder / "consolidated.00.pth")
    (folder / "params.json").write_text(json.dumps(dict(network.params)))


def part_of(weight):
    """Return which of queries, keys and values an array makes, as its module is called."""
    return weight.layer.rpartition(".")[2][0]


def scaled(weight, factors):
    """Return values with those of queries, keys and values multiplied by what is given for each."""
    bound = weight.bound
    if "part" not in [factor.name for factor in bound.factors]:
        return weight.values() * factors[part_of(weight)]
    values = weight.values().copy()
    for part, factor in factors.items():
        chosen, _ = bound.select(values, {"part": part})
        chosen *= factor
    return values


@pytest.mark.parametrize("order", [("q", "k"), ("k", "q")])
def test_queries_and_keys_are_told_from_values(case, order):
    """Larger queries, and keys smaller by as much, both turned round, change nothing; larger queries and values do."""
    network, model, owners = case
    before = outputs(network)
    made = [weight for weight in attending(model) if "out" not in weight.bound.axes.names]
    for factors, unchanged in (
        ({order[0]: -2, order[1]: -0.5, "v": 1}, True),
        ({order[0]: -2, order[1]: 1, "v": -0.5}, False),
        ({order[0]: -2, order[1]: 1, "v": 1}, False),
    ):
        for weight in made:
            put(network, owners, weight, scaled(weight, factors))
        assert same(outputs(network), before) is unchanged, factors
        for weight in made:
            put(network, owners, weight, weight.values())


def test_norms_scale_as_their_roles_and_notes_say(case):
    import torch

    network, model, owners = case
    found = 0
    for weight in model.weights:
        if len(weight.shape) != 1 or weight.name != "weight":
            continue
        module = network.get_submodule(owners[weight.stored.path].rpartition(".")[0])
        given = torch.linspace(-2, 3, 3 * weight.size).reshape(3, -1)
        made = []
        with torch.no_grad():
            for scale in (0.0, 1.0):
                module.weight.fill_(scale)
                shift = getattr(module, "bias", None)
                made.append(module(given) - (0 if shift is None else shift))
        one_more = "it scales by 1 + w" in weight.note
        assert torch.allclose(made[1], 2 * made[0], atol=1e-4) is one_more
        assert torch.allclose(made[0], torch.zeros(()), atol=1e-6) is not one_more
        assert weight.role == ("" if one_more else "gamma")
        found += 1
    assert found > 3


@pytest.mark.parametrize("name", MNIST)
def test_rows_behind_a_flatten_are_exchanged_with_the_channels_that_they_read(name, tmp_path):
    """Channels exchanged where they are made and where they are read leave the outputs; read otherwise they do not."""
    import torch

    network = mnist_network(name)
    torch.save(network.state_dict(), tmp_path / "mnist_cnn.pt")
    model = weightwise.open(tmp_path / "mnist_cnn.pt")
    images = torch.linspace(-1, 1, 2 * 28 * 28).sin().reshape(2, 1, 28, 28)
    before = network(images).detach().numpy()
    made, read = (model["conv2"]["weight"], model["conv2"]["bias"]), model["fc1"]["weight"]
    for weight in made:
        put(network, owners_of(model), weight, weight.values()[::-1])
    rows = read.bound.sizes
    for order, unchanged in (("out c h w", True), ("out h w c", False)):
        sizes = [rows[axis] for axis in order.split()]
        values = read.values().reshape(sizes)
        turned = numpy.flip(values, order.split().index("c")).reshape(read.shape)
        put(network, owners_of(model), read, turned)
        assert same(network(images).detach().numpy(), before) is unchanged


def owners_of(model):
    """Return the name of each array's parameter: that of a state dict is its own."""
    return {weight.stored.path: weight.stored.path for weight in model.weights}
