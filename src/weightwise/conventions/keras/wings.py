"""Which module knows which class: a file's layers load the modules that they need, and no others.

Most of what a start costs would be the operations of layers that the file does not have. `tests/conventions` holds this
index against the modules' own tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from types import ModuleType

from weightwise.conventions.row import Row
from weightwise.conventions.rule import Rule

WINGS: Mapping[str, str] = {
    "dense": "Dense EinsumDense Embedding ReversibleEmbedding",
    "reshaping": (
        "ActivityRegularization AlphaDropout AugMix CutMix Dropout Equalization Flatten GaussianDropout "
        "GaussianNoise Identity InputLayer Masking MixUp Permute RandAugment RandomBrightness "
        "RandomColorDegeneration RandomColorJitter RandomContrast RandomElasticTransform RandomErasing RandomFlip "
        "RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization "
        "RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom RepeatVector "
        "Reshape Solarization SpatialDropout1D SpatialDropout2D SpatialDropout3D"
    ),
    "merging": (
        "Add Average Concatenate Dot Maximum Minimum Multiply Subtract keras.src.ops.numpy.Add "
        "keras.src.ops.numpy.Multiply keras.src.ops.numpy.Subtract"
    ),
    "activations": "Activation ELU LeakyReLU PReLU ReLU Softmax",
    "normalization": (
        "BatchNormalization GroupNormalization LayerNormalization Normalization RMSNormalization "
        "SpectralNormalization UnitNormalization"
    ),
    "convolution": (
        "Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose DepthwiseConv1D DepthwiseConv2D "
        "SeparableConv1D SeparableConv2D"
    ),
    "pooling": (
        "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D "
        "AdaptiveMaxPooling2D AdaptiveMaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D "
        "GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D "
        "GlobalMaxPooling2D GlobalMaxPooling3D MaxPooling1D MaxPooling2D MaxPooling3D"
    ),
    "spatial": (
        "CenterCrop Cropping1D Cropping2D Cropping3D Rescaling Resizing UpSampling1D UpSampling2D UpSampling3D "
        "ZeroPadding1D ZeroPadding2D ZeroPadding3D"
    ),
    "preprocessing": "CategoryEncoding Discretization",
    "recurrent": (
        "Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D GRU GRUCell LSTM LSTMCell RNN Sequential SimpleRNN "
        "SimpleRNNCell StackedRNNCells TimeDistributed"
    ),
    "attention": "AdditiveAttention Attention GroupQueryAttention GroupedQueryAttention MultiHeadAttention",
}


class Rules(Mapping[str, Rule]):
    """The rules of all classes, `own` ones first; the module of a class is imported when its rule is asked for."""

    def __init__(self, own: Mapping[str, Rule] | None = None) -> None:
        """Keep the rules of a generation of its own."""
        self._own = own or {}

    def __getitem__(self, class_name: str) -> Rule:
        if class_name in self._own:
            return self._own[class_name]
        rule: Rule = _wing(_index()[class_name]).RULES[class_name]
        return rule

    def __iter__(self) -> Iterator[str]:
        return iter({**_index(), **self._own})

    def __len__(self) -> int:
        return len({**_index(), **self._own})

    def __contains__(self, class_name: object) -> bool:
        return class_name in self._own or class_name in _index()


def rows_for(class_name: str) -> tuple[Row, ...]:
    """Return the rows of the module that knows a class; none for a class that no module knows."""
    wing = _index().get(class_name)
    return _wing(wing).ROWS if wing else ()


def all_rows() -> tuple[Row, ...]:
    """Return the rows of every module."""
    return tuple(row for wing in WINGS for row in _wing(wing).ROWS)


@cache
def _index() -> dict[str, str]:
    return {class_name: wing for wing, classes in WINGS.items() for class_name in classes.split()}


def _wing(name: str) -> ModuleType:
    return import_module(f"weightwise.conventions.keras.{name}")
