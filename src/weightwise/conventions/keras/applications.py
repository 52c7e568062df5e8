"""Layers that architectures of keras.applications have of their own, known by their module.

Keras registers none of them, so that a class of somebody else's under the same name is told by its module alone
(https://github.com/keras-team/keras/blob/v3.15.1/keras/src/applications/convnext.py,
https://github.com/keras-team/keras/blob/v3.15.1/keras/src/applications/inception_resnet_v2.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.features import array_axes
from weightwise.ops.merge import ScaledSum
from weightwise.ops.operand import Operand
from weightwise.ops.reshaping import Identity

CONVNEXT = "keras.src.applications.convnext"
INCEPTION_RESNET = "keras.src.applications.inception_resnet_v2"


def _factors(config: Config, inputs: Shapes) -> Mapping[str, str]:
    return {"factors": array_axes((config["projection_dim"],))}


ROWS = (Row(f"{CONVNEXT}.LayerScale", "gamma", role="other", axes="...factors", expand=_factors),)


def _layer_scale(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Operand:
    return Operand("multiply", (config["projection_dim"],))


def _stochastic_depth(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Identity:
    rate = config["drop_path_rate"]
    return Identity(f"sets {rate:.0%} of its examples to zero while training, and passes them on afterwards")


def _scaled_sum(config: Config, inputs: Shapes, parts: Sequence[Description]) -> ScaledSum:
    return ScaledSum(float(config["scale"]))


RULES = {
    f"{CONVNEXT}.LayerScale": Rule(_layer_scale),
    f"{CONVNEXT}.StochasticDepth": Rule(_stochastic_depth),
    f"{INCEPTION_RESNET}.CustomScaleLayer": Rule(_scaled_sum),
}
