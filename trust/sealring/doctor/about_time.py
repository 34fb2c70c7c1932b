"""Findings about dates: what has ended, what ends soon, what waits, what lives longer than is usual (SPEC TM, ST-5)."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from sealring.authentic import Authentic
from sealring.doctor.commands import renew
from sealring.doctor.deadlines import Deadline
from sealring.doctor.findings import Finding, Level
from sealring.doctor.rests import Rests
from sealring.errors import TrustError
from sealring.moment import FromTheFuture, Moment, TooEarly, check_time
from sealring.names import spell
from sealring.statement import Common, Model

USUAL_DAYS: Final = {
    "root": 1825,
    "brand": 730,
    "delegation": 365,
    "model": 730,
    "revision": 1095,
    "release": 90,
    "stack": 90,
    "store": 365,
    "serial": 7300,
    "revocations": 365,
}
"""What `sealring create` proposes: who wants longer lives decides it, and is reminded."""


def about_deadlines(found: Iterable[Deadline]) -> Iterator[Finding]:
    """`expired`, `ends-soon` and `end-of-support`, in the order of the deadlines."""
    for one in found:
        if one.state == "later":
            continue
        if one.event == "end of support":
            done = "ended" if one.state == "ended" else "ends"
            yield Finding("end-of-support", "warning", one.title, f"support {done} {spell(one.ends)}", one.next)
            continue
        words = f"{'expired' if one.state == 'ended' else 'expires'} {spell(one.ends)}"
        if one.lifted:
            words += ", which a final release lets pass"
        elif one.stops:
            words += f": {'; '.join(one.stops)}"
        else:
            words += ", and nothing here rests on it"
        ended: Level = "ended" if one.fails else "note"
        level = ended if one.state == "ended" else _soon(one)
        yield Finding("expired" if one.state == "ended" else "ends-soon", level, one.title, words, one.next)


def _soon(one: Deadline) -> Level:
    # A revocation list stays in force past its expiry, and still shows that somebody looks after it.
    return "warning" if (one.stops or one.type == "revocations") and not one.lifted else "note"


def about_waiting(rests: Rests, at: datetime) -> Iterator[Finding]:
    """`not-yet`: what devices would take later."""
    for subject, one in rests.world.held.items():
        if not rests.matters(subject):
            continue
        try:
            check_time(one.statement, Moment(at))
        except (FromTheFuture, TooEarly) as err:
            yield Finding("not-yet", "note", one.statement.title, str(err), err.hint())
        except TrustError:
            continue


def about_lives(rests: Rests) -> Iterator[Finding]:
    """`lifetime-too-long-for-type`, and a model that would outlive its support."""
    for subject, one in rests.world.held.items():
        if rests.matters(subject):
            yield from _life(rests, one)


def _life(rests: Rests, one: Authentic[Common]) -> Iterator[Finding]:
    said = one.statement
    life, usual = said.expires - said.issued, timedelta(days=USUAL_DAYS[said.type])
    if life > usual:
        words = f"it lives {life.days} days, {usual.days} are usual: a thief's work with its keys lasts as long"
        yield Finding(
            "lifetime-too-long-for-type", "note", said.title, words, f"{renew(rests.world, one)} --days {usual.days}"
        )
    if isinstance(said, Model) and said.end_of_support < said.issued:
        words = f"support ended {spell(said.end_of_support)}, before it was issued"
        yield Finding("end-of-support", "warning", said.title, words, renew(rests.world, one))
