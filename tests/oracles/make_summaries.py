"""Makes `tests/golden/summaries.json`: what Keras 3 prints of samples on terminals of several widths.

    KERAS_BACKEND=jax python tests/oracles/make_summaries.py

Needs the `oracles` extra. The frameworks' summaries at the usual width are in `tests/samples/facts.json`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
GOLDEN = TESTS / "golden" / "summaries.json"
SAMPLES = ("keras3_cnn.keras", "keras3_nested.keras", "keras3_residual.keras")
COLUMNS = (30, 47, 60, 92, 140)


def printed(model: Any, columns: int = 80, **options: Any) -> str:
    """Return what `summary()` prints on a terminal of so many columns; Keras and rich ask the environment for it."""
    lines: list[str] = []
    os.environ["COLUMNS"] = str(columns)
    try:
        model.summary(print_fn=lambda line, **_: lines.append(line), **options)
    finally:
        del os.environ["COLUMNS"]
    return "\n".join(lines).removesuffix("\n") + "\n"


def summaries() -> dict[str, dict[str, str]]:
    """Return the texts by sample and width, all with the layers of nested models."""
    import keras

    models = {name: keras.saving.load_model(TESTS / "samples" / name) for name in SAMPLES}
    return {
        name: {str(columns): printed(model, columns, expand_nested=True) for columns in COLUMNS}
        for name, model in models.items()
    }


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(summaries(), indent=1, ensure_ascii=False) + "\n")
