"""Layers of Keras that rearrange or pass on (https://github.com/keras-team/keras/tree/v3.15.1/keras/src/layers/reshaping)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weightwise.conventions.keras.configuration import channels_first
from weightwise.conventions.row import Config, Description, Row, Shapes
from weightwise.conventions.rule import Rule
from weightwise.ops.operation import ShapeError
from weightwise.ops.reshaping import Flatten, Identity, Input, Masking, Permute, Repeat, Reshape, dropping

ROWS: tuple[Row, ...] = ()


def _input(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Input:
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    if not isinstance(shape, (list, tuple)):
        raise ShapeError(f"expected the shape of the input, found {shape!r}")
    return Input(tuple(shape))


def _flatten(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Flatten:
    return Flatten(channels_first(config))


def _reshape(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Reshape:
    target = config["target_shape"]
    if not isinstance(target, (list, tuple)) or not all(size is None or isinstance(size, int) for size in target):
        raise ShapeError(f"expected the sizes of the output, found {target!r}")
    return Reshape(tuple(target))


def _permute(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Permute:
    return Permute(tuple(config["dims"]))


def _repeat(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Repeat:
    return Repeat(config["n"])


def _masking(config: Config, inputs: Shapes, parts: Sequence[Description]) -> Masking:
    value = config.get("mask_value", 0.0)
    if isinstance(value, Mapping):  # a tensor, as Keras serialises it
        value = value.get("config", {}).get("value")
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, (int, float)):
        raise ShapeError(f"expected one number as the mask's value, found {value!r}")
    return Masking(float(value))


def _passes(text: str) -> Rule:
    """Return the rule of a class that passes its input on at inference, its sentence with the settings put in."""
    return Rule(lambda config, inputs, parts: Identity(text.format_map(config)))


def _drops(channels: bool) -> Rule:
    """Return the rule of a class that sets values, or whole channels, to zero while training."""
    return Rule(lambda config, inputs, parts: dropping(config["rate"], channels))


_AFTERWARDS = "while training, and passes them on afterwards"
_AUGMENTING = f"changes its images at random {_AFTERWARDS}"
_AUGMENTATIONS = (
    "AugMix CutMix Equalization MixUp RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter"
    " RandomContrast RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue"
    " RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear"
    " RandomTranslation RandomZoom Solarization"
)

RULES = {
    "InputLayer": Rule(_input),
    "Flatten": Rule(_flatten),
    "Reshape": Rule(_reshape),
    "Permute": Rule(_permute),
    "RepeatVector": Rule(_repeat),
    "Masking": Rule(_masking),
    "Identity": _passes("passes its input on unchanged"),
    "Dropout": _drops(channels=False),
    "AlphaDropout": _passes(f"sets {{rate:.0%}} of its inputs to the lowest value of a SELU {_AFTERWARDS}"),
    "GaussianDropout": _passes(f"multiplies its inputs by random numbers around 1 {_AFTERWARDS}"),
    "GaussianNoise": _passes(f"adds noise of deviation {{stddev:g}} to its inputs {_AFTERWARDS}"),
    "ActivityRegularization": _passes("adds a penalty on its inputs to the loss while training, and passes them on"),
    **{f"SpatialDropout{rank}D": _drops(channels=True) for rank in (1, 2, 3)},
    **dict.fromkeys(_AUGMENTATIONS.split(), _passes(_AUGMENTING)),
}
