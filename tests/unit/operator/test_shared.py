"""Counters of many processes: none is lost or locked by whoever is killed (SPEC HT-6)."""

import multiprocessing
import os
import signal
from datetime import UTC, datetime

import pytest

from sealring_server.failures import Failures, outcome_of
from sealring_server.shared import SLOTS, Shared

FORK = multiprocessing.get_context("fork")


def test_counts_of_all_processes_are_one_sum_and_outlive_them() -> None:
    """HT-6: a worker that ended has counted all the same, and its place is used again."""
    shared = Shared(["a", "b"])
    shared.add("b", 5)
    for _ in range(4):
        worker = FORK.Process(target=shared.add, args=("a", 2))
        worker.start()
        worker.join()
    assert (shared.total("a"), shared.total("b")) == (8, 5)


@pytest.mark.timeout(60)
def test_a_worker_killed_while_it_counts_holds_up_nobody() -> None:
    """HT-6: SIGKILL at any instruction of a count leaves no lock; `multiprocessing.Value` would wait for ever."""
    shared = Shared(["a"])

    def count() -> None:
        while True:
            shared.add("a")

    for _ in range(5):
        worker = FORK.Process(target=count)
        worker.start()
        before = shared.total("a")
        while shared.total("a") < before + 1000:
            pass
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
    before = shared.total("a")
    for _ in range(SLOTS):
        shared.add("a")
    assert shared.total("a") == before + SLOTS


def test_more_processes_than_slots_lose_a_count_at_most() -> None:
    """HT-6: the last slot is shared; nobody fails for want of one."""
    shared = Shared(["a"])
    reading, writing = os.pipe()

    def hold() -> None:
        shared.add("a")
        os.close(writing)
        os.read(reading, 1)

    workers = [FORK.Process(target=hold) for _ in range(SLOTS + 2)]
    for worker in workers:
        worker.start()
    while shared.total("a") < SLOTS:
        pass
    os.close(writing)
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    os.close(reading)
    assert SLOTS <= shared.total("a") <= SLOTS + 2


def test_the_newest_instant_of_all_processes_counts() -> None:
    """TF-10: whichever process did the store's own work last."""
    failures, at = Failures(), datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert failures.last_maintained is None
    failures.maintained(at)
    worker = FORK.Process(target=failures.maintained, args=(at.replace(hour=11),))
    worker.start()
    worker.join()
    assert failures.last_maintained == at


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "2xx"), (206, "2xx"), (304, "3xx"), (404, "4xx"), (429, "429"), (500, "5xx"), (507, "5xx"), (100, "5xx")],
)
def test_every_status_has_one_outcome(status: int, outcome: str) -> None:
    """HT-6: labels are a fixed set."""
    assert outcome_of(status) == outcome


def test_durations_are_cumulative_as_a_monitor_wants_them() -> None:
    """HT-6: of a kind, how many took at most each bound."""
    failures, at = Failures(), datetime(2026, 3, 1, 12, tzinfo=UTC)
    for seconds in (0.001, 0.01, 0.05, 5.0, 60.0):
        failures.answered("read", 200, seconds, at)
    counts, seconds = failures.durations("read")
    assert counts == [2, 3, 3, 4, 5]
    assert seconds == pytest.approx(65.061)
    assert failures.last_failed("read") is None
    failures.answered("read", 503, 0.1, at)
    assert failures.last_failed("read") == at
