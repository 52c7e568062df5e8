"""The explanations and locations that people read, word for word: the cases of `tests/golden/*.txt`.

`python -m tests.views.answers` writes them anew; what changed is then read in the diff.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from weightwise.cli import main

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
EXAMPLE = "examples/mnist_cnn.keras"
SAMPLES = "tests/samples"

CASES: Mapping[str, tuple[str, ...]] = {
    "explain_model": ("explain", EXAMPLE),
    "explain_conv2d_2": ("explain", EXAMPLE, "conv2d_2"),
    "explain_max_pooling2d_1": ("explain", EXAMPLE, "max_pooling2d_1"),
    "explain_dense_1": ("explain", EXAMPLE, "dense_1"),
    "explain_2": ("explain", EXAMPLE, "[2]"),
    "explain_3": ("explain", EXAMPLE, "[3]"),
    "explain_bidirectional": ("explain", f"{SAMPLES}/keras3_recurrent.keras", "both_ways"),
    "explain_norms": ("explain", f"{SAMPLES}/keras3_norms.keras", "no_gamma"),
    "explain_nested": ("explain", f"{SAMPLES}/keras3_nested.keras", "middle"),
    "explain_convolutions": ("explain", f"{SAMPLES}/keras3_convolutions.keras"),
    "explain_unknown": ("explain", f"{SAMPLES}/keras3_custom.keras"),
    "explain_unknown_array": ("explain", f"{SAMPLES}/keras3_custom.keras", "[0]"),
    "explain_recognised": ("explain", f"{SAMPLES}/llama_transformers"),
    "explain_recognised_layer": ("explain", f"{SAMPLES}/llama_transformers", "model.layers.0.self_attn.k_proj"),
    "locate_kernel": ("locate", EXAMPLE, "[2][0,1,5,17]"),
    "locate_kernel_by_name": ("locate", EXAMPLE, "conv2d_2/kernel[kh=0, kw=1, in=5, out=17]"),
    "locate_bias": ("locate", EXAMPLE, "conv2d_2/bias[17]"),
    "locate_after_flatten": ("locate", EXAMPLE, "dense_1/kernel[1234, 3]"),
    "locate_filter": ("locate", EXAMPLE, "conv2d_2/kernel[in=5, out=17]"),
    "locate_array": ("locate", EXAMPLE, "[7]"),
    "locate_lstm": (
        "locate",
        f"{SAMPLES}/keras3_recurrent.keras",
        "both_ways/forward_lstm/kernel[in=2, gate=f, units=1]",
    ),
    "locate_unknown": ("locate", f"{SAMPLES}/keras3_custom.keras", "[0][3, 5]"),
}


if __name__ == "__main__":
    import contextlib
    import io
    import os

    os.chdir(ROOT)
    os.environ["COLUMNS"] = "80"
    for name, arguments in CASES.items():
        with contextlib.redirect_stdout(io.StringIO()) as text:
            main(arguments)
        (GOLDEN / f"{name}.txt").write_text(text.getvalue())
