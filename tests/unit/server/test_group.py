"""Work that arrives together is done together, and nobody waits for ever (SPEC PB-10)."""

import random
import threading
from collections.abc import Callable, Sequence

import pytest

from sealring_server.group import MAX_JOBS, MAX_WEIGHT, Group, Ticket

Tickets = Sequence[Ticket[int, int]]


class Callers:
    """Threads that share a group, each with one job; `outcomes` holds what each got."""

    def __init__(self) -> None:
        self.group: Group[int, int] = Group()
        self.outcomes: dict[int, int | BaseException] = {}
        self.threads: list[threading.Thread] = []

    def call(self, job: int, work: Callable[[Tickets], None], weight: int = 1) -> None:
        def run() -> None:
            try:
                self.outcomes[job] = self.group.share(job, weight, work)
            except BaseException as err:  # noqa: BLE001 - what a caller got is what is looked at
                self.outcomes[job] = err

        thread = threading.Thread(target=run)
        self.threads.append(thread)
        thread.start()

    def wait_for(self, waiting: int) -> None:
        """Until so many wait."""
        while len(self.group._waiting) < waiting:
            pass

    def join(self) -> None:
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()


class Held:
    """Work whose first round waits until the test lets it go; then each job is answered with its double."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.rounds: list[list[int]] = []
        self.first: BaseException | None = None

    def __call__(self, tickets: Tickets) -> None:
        self.rounds.append([ticket.job for ticket in tickets])
        if len(self.rounds) == 1:
            self.begun.set()
            assert self.go.wait(20)
            if self.first is not None:
                raise self.first
        for ticket in tickets:
            ticket.answer(2 * ticket.job)


@pytest.fixture
def callers() -> Callers:
    return Callers()


def test_what_arrives_while_one_works_is_one_round(callers: Callers) -> None:
    """PB-10: one leads; those who came meanwhile are done together, each with its own answer."""
    work = Held()
    callers.call(0, work)
    assert work.begun.wait(20)
    for job in range(1, 11):
        callers.call(job, work)
        callers.wait_for(job)
    work.go.set()
    callers.join()
    assert work.rounds == [[0], list(range(1, 11))]
    assert callers.outcomes == {job: 2 * job for job in range(11)}


def test_a_round_is_bounded_in_number_and_weight_and_keeps_the_order(callers: Callers) -> None:
    """PB-10: no leader takes without bound, one heavy job is a round of its own, and the oldest is always in it."""
    work = Held()
    callers.call(0, work)
    assert work.begun.wait(20)
    weights = [1] * (MAX_JOBS + 6) + [5 * MAX_WEIGHT, MAX_WEIGHT, 1]
    for job, weight in enumerate(weights, 1):
        callers.call(job, work, weight)
        callers.wait_for(job)
    work.go.set()
    callers.join()
    last = len(weights)
    assert work.rounds[1:] == [
        list(range(1, MAX_JOBS + 1)),
        list(range(MAX_JOBS + 1, last - 2)),
        [last - 2],
        [last - 1],
        [last],
    ]
    assert len(callers.outcomes) == last + 1


def test_what_stops_a_round_is_told_to_all_in_it_and_to_nobody_else(callers: Callers) -> None:
    """PB-10: a full disk fails those who shared the round; the next round is not touched by it."""
    work, failure = Held(), OSError("no space")
    work.first = failure
    callers.call(0, work)
    assert work.begun.wait(20)
    callers.call(1, work)
    callers.wait_for(1)
    work.go.set()
    callers.join()
    assert callers.outcomes == {0: failure, 1: 2}


def test_a_leader_that_is_broken_off_leaves_nobody_waiting(callers: Callers) -> None:
    """PB-10: the attack: a worker's thread ends in the middle of a round; another one does that round again."""
    calls: list[list[int]] = []
    begun, go = threading.Event(), threading.Event()

    def work(tickets: Tickets) -> None:
        calls.append([ticket.job for ticket in tickets])
        if len(calls) == 1:
            begun.set()
            assert go.wait(20)
        if len(calls) == 2:
            raise SystemExit
        for ticket in tickets:
            ticket.answer(2 * ticket.job)

    callers.call(0, work)
    assert begun.wait(20)
    for job in (1, 2, 3):
        callers.call(job, work)
        callers.wait_for(job)
    go.set()
    callers.join()
    assert [len(jobs) for jobs in calls] == [1, 3, 2]
    (ended,) = [job for job, found in callers.outcomes.items() if isinstance(found, SystemExit)]
    assert {job: found for job, found in callers.outcomes.items() if job != ended} == {
        job: 2 * job for job in (0, 1, 2, 3) if job != ended
    }
    assert not callers.group._waiting


def test_what_is_put_off_comes_first_in_the_next_round(callers: Callers) -> None:
    """PB-10: a round may settle its first jobs only; nothing overtakes those that it leaves."""
    rounds: list[list[int]] = []
    begun, go = threading.Event(), threading.Event()

    def work(tickets: Tickets) -> None:
        rounds.append([ticket.job for ticket in tickets])
        if len(rounds) == 1:
            begun.set()
            assert go.wait(20)
        tickets[0].answer(2 * tickets[0].job)

    for job in range(4):
        callers.call(job, work)
        assert begun.wait(20)
        callers.wait_for(job)
    go.set()
    callers.join()
    assert rounds == [[0], [1, 2, 3], [2, 3], [3]]


def test_work_that_settles_nothing_is_an_error_and_not_an_endless_loop(callers: Callers) -> None:
    """PB-10: a mistake in what a round does must not keep a thread busy for ever."""
    callers.call(0, lambda _: None)
    callers.join()
    assert isinstance(callers.outcomes[0], AssertionError)


def test_many_threads_and_rounds_lose_no_answer() -> None:
    """PB-10: 24 threads, each with 200 jobs, some of which fail: each gets the outcome of its own job."""
    group: Group[int, int] = Group()
    wrong: list[object] = []

    def work(tickets: Tickets) -> None:
        for ticket in tickets:
            if ticket.job % 7 == 0:
                ticket.fail(ValueError(ticket.job))
            else:
                ticket.answer(2 * ticket.job)

    def run(seed: int) -> None:
        numbers = random.Random(seed)
        for _ in range(200):
            job = numbers.randrange(1, 10_000)
            try:
                found = group.share(job, 1, work)
                wrong.extend([job] if found != 2 * job or job % 7 == 0 else [])
            except ValueError as err:
                wrong.extend([job] if err.args != (job,) or job % 7 else [])

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not wrong
