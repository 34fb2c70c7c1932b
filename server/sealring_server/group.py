"""Work that arrives together is done together: whoever comes first works for all who wait (SPEC PB-10).

No thread of its own: the first caller leads, takes what waits by then, oldest first and never more than one round's
bounds, and answers each. It leads until its own is settled; then one of those still waiting leads on. A caller that
breaks off, waiting or leading, leaves nobody waiting behind it.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

MAX_JOBS = 64  # in one round
MAX_WEIGHT = 1024  # in one round; one job may weigh more, and is then a round of its own

J = TypeVar("J")
A = TypeVar("A")


class Ticket(Generic[J, A]):
    """One caller's job, and in time its outcome."""

    def __init__(self, job: J, weight: int) -> None:
        self.job = job
        self.weight = weight
        self._answer: tuple[A] | None = None
        self._error: Exception | None = None

    @property
    def is_settled(self) -> bool:
        """Whether there is an outcome."""
        return self._answer is not None or self._error is not None

    def answer(self, found: A) -> None:
        """Settle it: its caller returns this."""
        self._answer = (found,)

    def fail(self, err: Exception) -> None:
        """Settle it: its caller raises this."""
        self._error = err

    def outcome(self) -> A:
        """The answer, or its error raised."""
        if self._error is not None:
            raise self._error
        assert self._answer is not None
        return self._answer[0]


Work = Callable[[Sequence[Ticket[J, A]]], None]
"""Settles the first of these tickets and any of the others; those left are first in the next round."""


class Group(Generic[J, A]):
    """Callers with jobs that one of them can do for several."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Ticket[J, A]] = deque()
        self._is_led = False

    def share(self, job: J, weight: int, work: Work[J, A]) -> A:
        """The outcome of this job, done in whichever round.

        Args:
            weight: 1 or more; what a round holds is bounded by `MAX_WEIGHT`.
            work: does a round; what it raises is the error of every ticket that it has not settled.
        """
        ticket: Ticket[J, A] = Ticket(job, weight)
        if self._follow(ticket):
            return ticket.outcome()
        try:
            while not ticket.is_settled:
                self._lead(work)
        finally:
            with self._changed:
                self._is_led = False
                self._forget(ticket)
                self._changed.notify_all()
        return ticket.outcome()

    def _follow(self, ticket: Ticket[J, A]) -> bool:
        """Wait until it is settled (true), or until nobody leads: then the caller does (false)."""
        with self._changed:
            self._waiting.append(ticket)
            try:
                while self._is_led and not ticket.is_settled:
                    self._changed.wait()
            except BaseException:
                self._forget(ticket)
                raise
            if ticket.is_settled:
                return True
            self._is_led = True
            return False

    def _lead(self, work: Work[J, A]) -> None:
        """One round."""
        with self._changed:
            tickets = self._take()
        try:
            work(tickets)
            if not tickets[0].is_settled:
                raise AssertionError("a round without any outcome")
        except Exception as err:  # noqa: BLE001 - whatever it is, those who wait are told
            for ticket in tickets:
                if not ticket.is_settled:
                    ticket.fail(err)
        finally:
            # What is left was put off, or the leader is being broken off: then another one does it again.
            with self._changed:
                self._waiting.extendleft(ticket for ticket in reversed(tickets) if not ticket.is_settled)
                self._changed.notify_all()

    def _take(self) -> list[Ticket[J, A]]:
        """The oldest that waits, and what follows it within the bounds of a round."""
        found = [self._waiting.popleft()]
        weight = found[0].weight
        while self._waiting and len(found) < MAX_JOBS:
            weight += self._waiting[0].weight
            if weight > MAX_WEIGHT:
                break
            found.append(self._waiting.popleft())
        return found

    def _forget(self, ticket: Ticket[J, A]) -> None:
        with suppress(ValueError):
            self._waiting.remove(ticket)
