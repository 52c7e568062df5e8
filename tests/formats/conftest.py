"""Says in one line when the corpus of real files is not there."""

from tests.samples import CORPUS


def pytest_terminal_summary(terminalreporter):
    if not CORPUS.is_dir():
        terminalreporter.write_line(f"Skipped: tests of real files, because {CORPUS} is not there (WEIGHTWISE_CORPUS).")
