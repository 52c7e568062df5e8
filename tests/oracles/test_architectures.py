"""The facts of known architectures are what the frameworks say, and heads, parts and norms are as the axes have it.

Exchanging heads everywhere, along the named axes, leaves the outputs of a network as they are; exchanging what would be
heads in another order of the same factors does not. What a part of a fused array is, is told by scaling it.
"""

from __future__ import annotations

import json

import numpy
import pytest

import weightwise
from tests.oracles.architectures import MNIST, TRANSFORMERS, facts, filed, mnist_network, transformer
from tests.oracles.make_architecture_facts import FILE
from weightwise.axes import parse

pytestmark = pytest.mark.oracle

HEADS = [3, 2, 0, 1]
"""An order of four heads in which pairs stay together, as they must where two heads share a key and a value."""
PAIRS = [1, 0]


def test_the_facts_are_what_the_frameworks_say(tmp_path):
    assert list(facts(tmp_path)) == [json.loads(line) for line in FILE.read_text().splitlines()]


@pytest.fixture(params=TRANSFORMERS)
def case(request, tmp_path):
    """Return a network, what weightwise says of its file, and which parameter each array of it is."""
    network = transformer(request.param)
    owners = filed(network, tmp_path)
    return network, weightwise.open(tmp_path), {name: ".".join(filter(None, owner)) for name, owner in owners.items()}


def outputs(network):
    """Return the outputs for one input that is the same in every test."""
    import torch

    images = hasattr(network.config, "image_size")
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
    stored = axes.replace(f"{name} head_dim", f"head_dim {name}") if turned else axes
    bound = parse(stored).bind(weight.shape, weight.bound.sizes)
    rest = [factor.name for factor in bound.factors if factor.name != name]
    labelled = stored.split("part[")[1].split("]")[0] if "part[" in stored else ""
    merged = " ".join(f"part[{labelled}]" if one == "part" else one for one in rest)
    apart = bound.arrange(weight.values(), f"{name} {merged}".strip())
    moved = apart[HEADS if name == "heads" else PAIRS]
    return parse(f"{name} {merged}".strip()).bind(moved.shape, bound.sizes).arrange(moved, stored)


def test_heads_can_be_exchanged_along_their_axes_and_along_no_others(case):
    network, model, owners = case
    before = outputs(network)
    for turned in (False, True):
        for weight in attending(model):
            put(network, owners, weight, exchanged(weight, turned))
        assert same(outputs(network), before) is not turned
        for weight in attending(model):
            put(network, owners, weight, weight.values())


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
