"""Which test runs which line: so that a mutant meets only tests that could see it, the quickest first."""

import json
import time
from dataclasses import dataclass, field
from importlib import import_module
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from tests.mutation.run import OPTIONS, apart

TESTS = ("tests/unit/trust", "tests/unit/catalogue", "tests/unit/bundle", "tests/vectors/test_vectors.py")
BUDGET = 20.0  # seconds that the tests of one mutant may take, as measured while they were watched
LIMIT = 900.0  # seconds for all tests once, watched


@dataclass
class Covered:
    """For each file its tests by line; seconds by test. Tests that fail without any change are none of them."""

    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def tests(self, file: str, line: int) -> list[str]:
        """Tests for a change of this line, the quickest first.

        The slowest are left out where there are more than the budget allows: a mutant that only they would kill is
        said to survive. A line that runs while its file is imported belongs to every test of that file.
        """
        by_line = self.lines.get(file, {})
        found = by_line.get(line) or {test for tests in by_line.values() for test in tests}
        quickest = sorted(found, key=lambda test: (self.seconds[test], test))
        sums = accumulate(self.seconds[test] for test in quickest)
        return [test for test, so_far in zip(quickest, sums, strict=True) if so_far <= BUDGET]


class _Watch:
    def __init__(self, coverage: Any) -> None:
        self._coverage = coverage
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self._coverage.switch_context(item.nodeid)
        began = time.monotonic()
        result = yield
        if item.nodeid in self.seconds:
            self.seconds[item.nodeid] = time.monotonic() - began
        self._coverage.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.seconds[report.nodeid] = 0.0


def cover(folder: Path, scratch: Path) -> Covered:
    """Run all tests once and see what each runs.

    Args:
        folder: the copy of the checkout that the tests run in.
        scratch: a file for the answer; one that is there is read instead.
    """

    def work() -> str:
        # Typed as anything: the sweep's environment alone has it.
        coverage: Any = import_module("coverage").Coverage(
            data_file=None, include=[f"{folder}/trust/*"], config_file=False
        )
        watch = _Watch(coverage)
        coverage.start()
        pytest.main([*OPTIONS, *TESTS], [watch])
        if not watch.seconds:
            return "none passes"  # and every mutant would survive
        coverage.stop()
        data, lines = coverage.get_data(), dict[str, dict[int, list[str]]]()
        for path in data.measured_files():
            name = str(Path(path).relative_to(folder / "trust" / "sealring").with_suffix(""))
            by_line = data.contexts_by_lineno(path)
            lines[name] = {line: [one for one in names if one in watch.seconds] for line, names in by_line.items()}
        scratch.write_text(json.dumps([lines, watch.seconds]))
        return "done"

    answer = "done" if scratch.exists() else apart(work, limit=LIMIT)
    if answer != "done":
        raise RuntimeError(f"the tests did not run: {answer}")
    lines, seconds = json.loads(scratch.read_text())
    by_file = {file: {int(line): tests for line, tests in found.items()} for file, found in lines.items()}
    return Covered(by_file, seconds)
