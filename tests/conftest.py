"""What holds for every test: none is ever left out in silence, and none asserts on a time."""

import pytest
from hypothesis import settings

settings.register_profile("sealring", deadline=None)
settings.load_profile("sealring")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in which something was skipped has failed: the set-up brings every component, so nothing may be missing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # a worker: the run that started it sees its skips
        return
    left_out = [report for kind in ("skipped", "xfailed", "xpassed") for report in reporter.stats.get(kind, [])]
    if left_out:
        reporter.write_line("")
        reporter.write_line(f"failed: {len(left_out)} left out, and nothing may be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
