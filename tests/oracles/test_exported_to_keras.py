"""Programs that PyTorch exports become models of Keras, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.oracle


def test_exported_programs_become_models_of_keras():
    command = [sys.executable, "-W", "ignore", "-m", "tests.oracles.exported_to_keras"]
    done = subprocess.run(
        command, env={**os.environ, "KERAS_BACKEND": "torch"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count(": ") == 4
