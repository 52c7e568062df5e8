"""Cases of Keras's layers that rearrange or pass on."""

from __future__ import annotations

from typing import Any

from keras import layers

from tests.oracles.case import Case, Input

IMAGES = [Input((2, 3, 4, 3))]
SEQUENCES = [Input((2, 3, 4))]
FIRST = "channels_first"

REARRANGING = [
    Case("Flatten", lambda: layers.Flatten(), [Input((2, 3, 4, 5))]),
    Case("Flatten of numbers", lambda: layers.Flatten(), [Input((3,))]),
    Case("Flatten of vectors", lambda: layers.Flatten(), [Input((2, 3))]),
    Case("Flatten of volumes", lambda: layers.Flatten(), [Input((2, 2, 3, 1, 4))]),
    Case("Flatten channels first", lambda: layers.Flatten(data_format=FIRST), [Input((2, 3, 4, 5))]),
    Case("Flatten channels first of sequences", lambda: layers.Flatten(data_format=FIRST), SEQUENCES),
    Case("Flatten channels first of vectors", lambda: layers.Flatten(data_format=FIRST), [Input((2, 3))]),
    Case("Reshape", lambda: layers.Reshape((4, 3, 3)), IMAGES),
    Case("Reshape with a rest", lambda: layers.Reshape((2, -1)), SEQUENCES),
    Case("Reshape to a row", lambda: layers.Reshape((-1,)), SEQUENCES),
    Case("Reshape to a number", lambda: layers.Reshape(()), [Input((3, 1))]),
    Case("Permute", lambda: layers.Permute((2, 1)), SEQUENCES),
    Case("Permute in a circle", lambda: layers.Permute((3, 1, 2)), [Input((2, 3, 4, 5))]),
    Case("RepeatVector", lambda: layers.RepeatVector(3), [Input((2, 4))]),
    Case("Masking", lambda: layers.Masking(), [Input((3, 6, 2), below=2)]),
    Case("Masking of a number", lambda: layers.Masking(mask_value=2), [Input((3, 6, 2), below=4)]),
]

PASSING = [
    Case("Identity", lambda: layers.Identity(), SEQUENCES),
    Case("Dropout", lambda: layers.Dropout(0.25), SEQUENCES),
    Case("AlphaDropout", lambda: layers.AlphaDropout(0.25), SEQUENCES),
    Case("GaussianDropout", lambda: layers.GaussianDropout(0.25), SEQUENCES),
    Case("GaussianNoise", lambda: layers.GaussianNoise(0.25), SEQUENCES),
    Case("SpatialDropout1D", lambda: layers.SpatialDropout1D(0.25), SEQUENCES),
    Case("SpatialDropout2D", lambda: layers.SpatialDropout2D(0.25), IMAGES),
    Case("SpatialDropout3D", lambda: layers.SpatialDropout3D(0.25), [Input((2, 2, 3, 1, 4))]),
    Case("ActivityRegularization", lambda: layers.ActivityRegularization(l2=0.1), SEQUENCES),
]

SETTINGS: dict[str, dict[str, Any]] = {
    "AugMix": {},
    "CutMix": {},
    "Equalization": {},
    "MixUp": {},
    "RandAugment": {},
    "RandomBrightness": {"factor": 0.3},
    "RandomColorDegeneration": {"factor": 0.3},
    "RandomColorJitter": {"brightness_factor": 0.3},
    "RandomContrast": {"factor": 0.3},
    "RandomElasticTransform": {"factor": 0.5},
    "RandomErasing": {"factor": 0.9},
    "RandomFlip": {},
    "RandomGaussianBlur": {"factor": 0.9},
    "RandomGrayscale": {"factor": 0.9},
    "RandomHue": {"factor": 0.3},
    "RandomInvert": {"factor": 0.9},
    "RandomPerspective": {"factor": 0.9},
    "RandomPosterization": {"factor": 4},
    "RandomRotation": {"factor": 0.3},
    "RandomSaturation": {"factor": 0.3},
    "RandomSharpness": {"factor": 0.3},
    "RandomShear": {"x_factor": 0.3},
    "RandomTranslation": {"height_factor": 0.3, "width_factor": 0.3},
    "RandomZoom": {"height_factor": 0.3},
    "Solarization": {},
}


def augmentation(name: str) -> Case:
    """Return the case of a layer that changes images while training."""
    layer = getattr(layers, name)
    return Case(name, lambda: layer(**SETTINGS[name]), [Input((2, 3, 4, 3))], arguments={"training": False})


CASES = [*REARRANGING, *PASSING, *map(augmentation, SETTINGS)]
