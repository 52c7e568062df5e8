"""Every array of whole networks of PyTorch has a row, and every module of PyTorch that has arrays has rows."""

from __future__ import annotations

import inspect

import pytest

from weightwise.axes import parse
from weightwise.conventions.pytorch import configuration, describe

pytestmark = pytest.mark.oracle

OTHERS = {"Module", "RNNBase", "RNNCellBase", "ParameterDict", "ParameterList"}
"""What other modules are made from, and modules that hold arrays without saying what they are."""


def networks():
    """Yield networks that are made of several modules."""
    from torch import nn

    yield nn.TransformerEncoderLayer(8, 2, 12)
    yield nn.TransformerEncoderLayer(8, 2, 12, bias=False, norm_first=True, activation="gelu", batch_first=True)
    yield nn.TransformerDecoderLayer(8, 4, 12)
    yield nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12), 2, nn.LayerNorm(8), enable_nested_tensor=False)
    yield nn.Transformer(8, 2, 1, 2, 12, batch_first=True)
    yield nn.Sequential(nn.Conv2d(2, 4, 3, groups=2), nn.BatchNorm2d(4), nn.PReLU(4), nn.Flatten(), nn.LazyLinear(3))


def test_every_array_of_a_network_has_a_row():
    import torch

    for network in networks():
        for module in network.modules():
            own = [name for name in module.state_dict() if "." not in name]
            if not own or isinstance(module, torch.nn.LazyLinear):
                continue
            description = describe(type(module).__name__, configuration(module.__dict__), ())
            assert [slot.key for slot in description.slots] == own
            for slot, array in zip(description.slots, module.state_dict().values(), strict=False):
                parse(slot.axes).bind(tuple(array.shape), slot.sizes)


def with_arrays():
    """Yield the classes of modules whose constructors register arrays."""
    from torch import nn
    from torch.nn.modules.lazy import LazyModuleMixin

    for name, module in vars(nn).items():
        if not inspect.isclass(module) or not issubclass(module, nn.Module) or issubclass(module, LazyModuleMixin):
            continue
        if "Loss" not in name and "Parameter(" in inspect.getsource(module) and name not in OTHERS:
            yield name


def test_every_module_with_arrays_has_a_rule():
    from weightwise.conventions.pytorch import RULES

    assert len(list(with_arrays())) > 5
    assert [name for name in with_arrays() if name not in RULES] == []
