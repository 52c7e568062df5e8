"""Networks of torchvision as graphs of operators: every layer is connected, and the outputs are PyTorch's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest

import weightwise
from tests.oracles.architectures import declare_operators
from weightwise.answers.forward import forward

pytestmark = pytest.mark.oracle

NETWORKS = ("resnet18", "mobilenet_v2", "mobilenet_v3_small", "densenet121", "efficientnet_b0", "shufflenet_v2_x0_5")
KINDS = ("exported.pt2", "any_batch.pt2", "traced.pt", "scripted.pt")
OPEN = {("shufflenet_v2_x0_5", "scripted.pt")}
"""Graphs that reshape what they read by sizes that are known only when they run."""


def network(name: str) -> Any:
    """Return a network with random weights and statistics, in float64 at inference."""
    import torch

    declare_operators()
    from torchvision import models

    torch.manual_seed(3)
    found = getattr(models, name)(num_classes=5)
    for key, buffer in found.named_buffers():
        if key.endswith(("running_mean", "running_var")):
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    return found.double().eval()


def written(found: Any, kind: str, image: Any, path: Path) -> None:
    """Write a network as a graph."""
    import torch

    if kind == "traced.pt":
        torch.jit.save(torch.jit.trace(found, image), path)
    elif kind == "scripted.pt":
        torch.jit.save(torch.jit.script(found), path)
    else:
        sizes = ({0: torch.export.Dim("batch", min=1, max=64)},) if kind == "any_batch.pt2" else None
        torch.export.save(torch.export.export(found, (image,), dynamic_shapes=sizes), path)


@pytest.mark.filterwarnings("ignore")  # PyTorch's, of TorchScript and of what torchvision calls
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_computes_what_pytorch_computes(name, tmp_path):
    import torch

    found, image = network(name), torch.cos(torch.arange(2 * 3 * 35 * 33, dtype=torch.float64)).reshape(2, 3, 35, 33)
    with torch.no_grad():
        expected = found(image).numpy()
    for kind in KINDS:
        if (name, kind) in OPEN:
            continue
        written(found, kind, image, tmp_path / kind)
        model = weightwise.open(tmp_path / kind)
        unnamed = [weight.path for weight in model.weights if weight.bound is None]
        (output,) = forward(model, [image.numpy()])
        assert not unnamed
        assert numpy.abs(output - expected).max() <= 1e-10 * numpy.abs(expected).max(), kind
