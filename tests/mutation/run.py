"""One run of tests in a process of its own: forked, with one file changed in memory only.

The process that forks has imported what takes long, and nothing of sealring, so that a run costs what its tests cost.
"""

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from hypothesis import Phase, settings

SEED = 20260301
MEMORY = 4 * 1024**3  # bytes
OPTIONS = (
    *("-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--hypothesis-profile=mutation"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # what was imported before the fork is no test
)
# The same inputs in every run, and no search for the least one that fails.
settings.register_profile(
    "mutation", deadline=None, database=None, derandomize=True, phases=(Phase.explicit, Phase.generate)
)


class Changed:
    """Finds one module, with other source than its file has."""

    def __init__(self, module: str, path: Path, source: str) -> None:
        self._module, self._path, self._source = module, path, source

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        """The changed module by its name, and no other."""
        if name != self._module:
            return None
        loader = _Loader(name, str(self._path), self._source)
        return spec_from_file_location(name, self._path, loader=loader)


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._changed = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._changed, self.get_filename(fullname), "exec", dont_inherit=True)


class Chosen:
    """Only these tests, in this order; `failed` is the first that says no, or what kept them from being run."""

    def __init__(self, wanted: Sequence[str]) -> None:
        self._place = {name: n for n, name in enumerate(wanted)}
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """All that was collected and is not wanted goes."""
        items[:] = sorted(
            (item for item in items if item.nodeid in self._place), key=lambda item: self._place[item.nodeid]
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the first that fails."""
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """What can't be imported any more is found too."""
        if report.failed and not self.failed:
            self.failed = report.nodeid


def run_tests(wanted: Sequence[str], changed: Changed | None, *, limit: float) -> str:
    """The first of these tests that fails, `time` where the limit was reached, or nothing where all hold.

    Args:
        limit: seconds.
    """

    assert "sealring" not in sys.modules, "it would be tried unchanged"

    def work() -> str:
        if changed is not None:
            sys.meta_path.insert(0, changed)
        chosen = Chosen(wanted)
        files = list(dict.fromkeys(name.partition("::")[0] for name in wanted))
        code = pytest.main([*OPTIONS, "-x", *files], plugins=[chosen])
        return chosen.failed or ("" if code == 0 else f"pytest ended with {int(code)}")

    return apart(work, limit=limit)


def apart(work: Callable[[], str], *, limit: float) -> str:
    """What this work answers in a process of its own; `time` where it takes longer, `ended` where it dies.

    Args:
        limit: seconds.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(work, writing)
    os.close(writing)
    deadline = time.monotonic() + limit
    ended = 0
    while ended == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
        ended, _ = os.waitpid(child, os.WNOHANG)
    if ended == 0:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        raw = pipe.read()
    return str(json.loads(raw)) if raw else "ended" if ended else "time"


def _answer(work: Callable[[], str], writing: int) -> None:
    """Never returns."""
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        os.write(writing, json.dumps(work()).encode())
    finally:
        os._exit(0)
