"""Networks of PyTorch with weight_norm and spectral_norm: as modules in files and in memory, and as state dicts."""

from __future__ import annotations

import numpy
import pytest

import weightwise
from weightwise.answers.forward import layer_outputs
from weightwise.model import Evidence

pytestmark = pytest.mark.oracle


def network(norms):
    """Return a network of float64 at inference, with these norms in turn."""
    from torch import nn

    from tests.oracles.pytorch_reparametrised import normed

    layers = [
        nn.Conv2d(4, 6, (3, 2), groups=2),
        nn.ReLU(),
        nn.ConvTranspose2d(6, 5, (2, 3)),
        nn.Flatten(),
        nn.Linear(140, 7),
    ]
    owners = [layer for layer in layers if list(layer.parameters())]
    for layer, norm in zip(owners, norms, strict=True):
        normed(norm, layer)
    return nn.Sequential(*layers).double().eval()


OLD = ("old weight_norm", "old spectral_norm", "old weight_norm")
NEW = ("spectral_norm", "weight_norm", "spectral_norm")


def check_whole(model, real):
    """Assert that every array is declared, and that the model computes what the real one does."""
    import torch

    assert [weight.stored.path for weight in model.weights] == list(real.state_dict())
    assert all(weight.evidence is Evidence.DECLARED and weight.bound for weight in model.weights)
    assert not model.problems
    x = torch.linspace(-1, 1, 2 * 4 * 5 * 6, dtype=torch.float64).reshape(2, 4, 5, 6)
    (ours,), theirs = outputs(model, x.numpy()), real(x).detach().numpy()
    assert numpy.abs(ours - theirs).max() <= 1e-10 * numpy.abs(theirs).max()


def outputs(model, x):
    """Return what the layers compute one after another: a Sequential names no input."""
    values = (x,)
    for layer in model.layers:
        values = layer_outputs(layer, values)
    return values


@pytest.mark.parametrize("norms", [OLD, NEW])
def test_a_module_in_memory(norms):
    real = network(norms)
    check_whole(weightwise.open(real), real)


def test_a_module_in_a_file(tmp_path):
    import torch

    real = network(OLD)
    torch.save(real, tmp_path / "module.pt")
    check_whole(weightwise.open(tmp_path / "module.pt"), real)


@pytest.mark.parametrize("norms", [OLD, NEW])
def test_a_state_dict_is_never_told_otherwise(norms, tmp_path):
    import torch

    real = network(norms)
    torch.save(real.state_dict(), tmp_path / "weights.pt")
    known = {weight.stored.path: weight for weight in weightwise.open(real).weights}
    found = weightwise.open(tmp_path / "weights.pt").weights
    assert [weight.stored.path for weight in found] == list(known)
    told = [weight for weight in found if weight.bound]
    assert len(told) > len(found) / 2
    for weight in told:
        twin = known[weight.stored.path]
        if weight.layer != "4":  # whose inputs are laid in a row, which only the network tells
            assert str(weight.bound.axes) == str(twin.bound.axes)
        assert (weight.role, weight.trainable, weight.shape) == (twin.role, twin.trainable, twin.shape)
