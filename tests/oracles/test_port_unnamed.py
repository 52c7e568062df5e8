"""Variables of linen ported into a state dict where no file says a class: by linen's names, or as the caller says."""

from __future__ import annotations

import numpy
import pytest

import weightwise

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]


NAMES = ("first", "second", "norm", "wide", "head")
SAID = {f"{layer}/kernel": "kh kw in/groups out" for layer in ("first", "second")}


@pytest.mark.parametrize(("named", "axes"), [(False, {}), (True, SAID)], ids=["linen's names", "names of one's own"])
def test_variables_fill_a_state_dict(named, axes, tmp_path):
    import flax
    import flax.linen as nn
    import jax
    import torch
    from torch import nn as torch_nn

    class Images(nn.Module):
        @nn.compact
        def __call__(self, x):
            first, second, norm, wide, head = ({"name": name} if named else {} for name in NAMES)
            x = nn.relu(nn.Conv(5, (3, 2), padding="VALID", **first)(x))
            x = nn.BatchNorm(use_running_average=True, **norm)(nn.Conv(7, (2, 3), padding="VALID", **second)(x))
            x = nn.max_pool(x, (2, 2), (2, 2)).reshape(len(x), -1)
            return nn.Dense(3, **head)(nn.relu(nn.Dense(11, **wide)(x)))

    class Ours(torch_nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch_nn.Conv2d(2, 5, (3, 2)), torch_nn.Conv2d(5, 7, (2, 3))
            self.norm = torch_nn.BatchNorm2d(7)
            self.wide, self.head = torch_nn.Linear(7 * 4 * 3, 11), torch_nn.Linear(11, 3)

        def forward(self, x):
            x = self.norm(self.second(torch.relu(self.first(x))))
            x = torch.max_pool2d(x, 2).flatten(1)
            return self.head(torch.relu(self.wide(x)))

    random = numpy.random.default_rng(3)
    x = random.random((4, 11, 10, 2), dtype=numpy.float32)
    variables = Images().init(jax.random.key(1), x)
    variables = jax.tree.map(lambda array: random.uniform(0.1, 0.9, array.shape).astype("float32"), variables)
    (tmp_path / "images.msgpack").write_bytes(flax.serialization.to_bytes(variables))
    torch.save(Ours().state_dict(), tmp_path / "ours.pt")
    weightwise.port(
        tmp_path / "images.msgpack",
        into=tmp_path / "ours.pt",
        out=tmp_path / "filled.pt",
        rows={"wide" if named else "Dense_1": "c 7 h 4 w 3"},
        axes=axes,
    )
    ours = Ours().eval()
    ours.load_state_dict(torch.load(tmp_path / "filled.pt", weights_only=True), strict=True)
    theirs = numpy.asarray(Images().apply(variables, x))
    with torch.no_grad():
        found = ours(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy()
    assert numpy.abs(found - theirs).max() <= 1e-5 * numpy.abs(theirs).max()
