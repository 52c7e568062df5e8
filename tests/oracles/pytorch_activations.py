"""Cases of PyTorch's activations."""

from __future__ import annotations

from torch import nn

from tests.oracles.case import Case, Input

X = Input((2, 3, 4), scale=3.0)
PLAIN = (
    *("Hardsigmoid", "Hardswish", "LogSigmoid", "Mish", "ReLU", "ReLU6", "SELU"),
    *("Sigmoid", "SiLU", "Softsign", "Tanh", "Tanhshrink"),
)
SETTINGS = {
    "CELU": {"alpha": 0.5},
    "ELU": {"alpha": 0.5},
    "Hardshrink": {"lambd": 0.8},
    "Hardtanh": {"min_val": -0.7, "max_val": 2.2},
    "LeakyReLU": {"negative_slope": 0.3},
    "Softplus": {"beta": 2.0, "threshold": 1.5},
    "Softshrink": {"lambd": 0.8},
    "RReLU": {"lower": 0.2, "upper": 0.6},
}
LARGE = Input((2, 3), scale=6.0)

CASES = [
    *(Case(name, lambda name=name: getattr(nn, name)(), [LARGE if name == "ReLU6" else X]) for name in PLAIN),
    *(Case(name, lambda name=name: getattr(nn, name)(), [X]) for name in SETTINGS),
    *(
        Case(f"{name} set", lambda name=name, options=options: getattr(nn, name)(**options), [X])
        for name, options in SETTINGS.items()
    ),
    Case("ReLU in place", lambda: nn.ReLU(inplace=True), [X]),
    Case("Threshold", lambda: nn.Threshold(0.5, -2.0), [X]),
    Case("GELU", lambda: nn.GELU(), [X]),
    Case("GELU tanh", lambda: nn.GELU("tanh"), [X]),
    Case("GLU", lambda: nn.GLU(), [Input((2, 3, 4))]),
    Case("GLU of channels", lambda: nn.GLU(1), [Input((2, 6, 4))]),
    Case("GLU of images", lambda: nn.GLU(-3), [Input((2, 4, 3, 2))]),
    *(
        Case(f"{name} along {axis}", lambda name=name, axis=axis: getattr(nn, name)(axis), [X])
        for name in ("Softmax", "LogSoftmax")
        for axis in (1, 2, -1, -2)
    ),
    Case("Softmax2d", lambda: nn.Softmax2d(), [Input((2, 3, 2, 4))]),
    Case("PReLU", lambda: nn.PReLU(), [X]),
    Case("PReLU of channels", lambda: nn.PReLU(3), [X]),
    Case("PReLU of channels, square", lambda: nn.PReLU(3), [Input((2, 3, 3, 3))]),
    Case("PReLU of features", lambda: nn.PReLU(4), [Input((2, 4))]),
    Case("PReLU of one channel", lambda: nn.PReLU(1), [Input((2, 1, 4))]),
]
