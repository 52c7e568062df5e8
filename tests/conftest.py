"""Settings of the whole suite."""

from __future__ import annotations

from hypothesis import settings

# The same examples in every run, so that a change is judged by what it changes; `--hypothesis-profile=default` looks
# for new ones.
settings.register_profile("suite", derandomize=True, database=None, deadline=None)
settings.load_profile("suite")
