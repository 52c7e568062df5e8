"""Code of Keras that ports print, run by real Keras in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.oracle


def test_the_code_of_ports_computes_the_same():
    command = [sys.executable, "-W", "ignore", "-m", "tests.oracles.coded_in_keras"]
    done = subprocess.run(
        command, env={**os.environ, "KERAS_BACKEND": "torch"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    print(done.stdout)
    assert int(re.search(r"^(\d+) computed", done.stdout, re.MULTILINE)[1]) >= 50
