"""What a module, pickled or in memory, says of its arrays that are computed from others."""

from __future__ import annotations

from types import SimpleNamespace

from weightwise.formats.pickles.values import Global, Instance
from weightwise.formats.pytorch.configuration import configuration
from weightwise.formats.pytorch.modules import modules_in


def instance(package, called, /, **state):
    made = Instance(Global(package, called))
    made.state = state
    return made


def pickled(*hooks):
    """Return the configuration of a pickled module that calls these before it computes."""
    named = dict(enumerate(hooks))
    linear = instance("torch.nn.modules.linear", "Linear", _modules={}, in_features=3, _forward_pre_hooks=named)
    return modules_in(linear).described[""].config


def test_a_pickled_module_tells_the_dimension_by_its_hook():
    norm = instance("torch.nn.utils.weight_norm", "WeightNorm", name="weight", dim=1)
    vectors = instance("torch.nn.utils.spectral_norm", "SpectralNorm", name="bias", dim=0, eps=1e-12)
    assert pickled(norm, vectors)["_dims"] == {"weight": 1, "bias": 0}


def test_hooks_that_say_nothing_are_passed_over():
    other = instance("elsewhere", "Watch", name="weight", dim=0)
    without = instance("torch.nn.utils.weight_norm", "WeightNorm", name=["weight"], dim="0")
    assert "_dims" not in pickled(other, without, "text", None)


class WeightNorm(SimpleNamespace):
    """A hook in memory, called as PyTorch's."""


class _SpectralNorm(SimpleNamespace):
    """A parametrization in memory, called as PyTorch's."""


def test_a_module_in_memory_tells_it_by_its_hook():
    attributes = {"_parameters": {}, "_forward_pre_hooks": {3: WeightNorm(name="weight", dim=0), 4: print}}
    assert configuration(attributes)["_dims"] == {"weight": 0}


def parametrized(*steps):
    chain = SimpleNamespace(_parameters={"original": 1}, _modules=dict(enumerate(steps)))
    holder = SimpleNamespace(_modules={"weight": chain})
    return configuration({"_parameters": {"bias": 1}, "_modules": {"parametrizations": holder}})


def test_a_module_in_memory_tells_it_by_its_parametrization():
    vectors = _SpectralNorm(dim=1, _buffers={"_u": 1, "_v": 1})
    below = "parametrizations.weight"
    assert parametrized(vectors) == {
        "parameters": ["bias", f"{below}.original"],
        "buffers": [f"{below}.0._u", f"{below}.0._v"],
        "_dims": {"weight": 1},
    }
    twice = parametrized(vectors, vectors)
    assert "_dims" not in twice
    assert twice["buffers"][2:] == [f"{below}.1._u", f"{below}.1._v"]
