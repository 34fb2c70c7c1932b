"""What is wrong now, in sentences with what to do; and where nothing is, how that is known (SPEC TF-10, HT-6)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sealring_server.alarms import Alarm, find_alarms, renewal_due
from sealring_server.failures import KINDS
from sealring_server.operator.facts import Facts
from sealring_server.operator.words import clock, day, plural, relative, share, size, span
from sealring_server.tuf_repo import LIVES

Level = Literal["good", "soon", "bad"]

DISK_BAD, DISK_SOON = 0.05, 0.15  # of the file system
DISK_BAD_BYTES = 512 * 1024 * 1024
ROUND_SOON, ROUND_BAD = timedelta(minutes=15), timedelta(hours=2)
RECENT = timedelta(hours=1)
WEEKS = timedelta(days=14)  # for what a package's maker signs again
MONTH = timedelta(days=30)  # for what an authority signs again
MIRROR_LATE = timedelta(hours=30)  # each store makes an entry a day
NAMED = 2
_PACKAGE_KINDS = ("release", "stack")

PARTS = {
    "database": "See that the database runs and that this machine reaches it; the store goes on by itself then.",
    "images": "See that the folder or object store of the images is there and may be read; docs/operating.md.",
    "keys": "`sealring-store tuf show DIR` says which keys are needed; docs/store-keys.md says how to bring them back.",
    "tuf": "Devices take nothing from this store until it is signed again; docs/store-keys.md, section 5.",
}
KINDS_SAID = {
    "tuf": "TUF files",
    "read": "statements, views and proofs",
    "answer": "devices' checks",
    "image": "images",
    "publish": "publications",
    "report": "devices' reports",
    "other": "all else",
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    level: Level
    says: str
    todo: str = ""


def checks(facts: Facts) -> list[Check]:
    """Everything that was looked at, what is worst first."""
    found = [
        *_parts(facts),
        *_signatures(facts),
        *_rounds(facts),
        *_jobs(facts),
        *_claims(facts),
        *_mirror(facts),
        *_disk(facts),
        *_errors(facts),
        *_halts(facts),
        *_ends(facts),
    ]
    return sorted(found, key=lambda one: ("bad", "soon", "good").index(one.level))


def _parts(facts: Facts) -> Iterator[Check]:
    if facts.stopped is not None:
        yield Check("Stopped", "bad", _sentence(str(facts.stopped)), _sentence(facts.stopped.hint()))
    for one in facts.failing:
        if one.what != "tuf" or facts.entry is None:  # an expired role is an alarm of its own
            yield Check(one.what.capitalize(), "bad", f"Not ready: {one.reason}.", PARTS[one.what])
    if not facts.failing:
        whose = "a mirror needs no keys" if facts.mirror else "keys can be read"
        yield Check("Parts", "good", f"The database answers, images are there, {whose}; tried just now.")


def _signatures(facts: Facts) -> Iterator[Check]:
    if facts.entry is None:
        return
    found = [*find_alarms(facts.expires, facts.entry.time, facts.at)]
    for one in found:
        yield Check("Signatures", "bad" if one.over else "soon", _sentence(one.what), _todo(one, facts))
    if found:
        return
    due = min((renewal_due(role, ends), role) for role, ends in facts.expires.items() if role in LIVES)
    root = facts.expires.get("root")
    last = f" The root is good until {clock(root)}." if root else ""
    yield Check(
        "Signatures",
        "good",
        f"All roles are signed; {due[1]} is next, {relative(due[0], facts.at)} at the latest.{last}",
    )
    yield Check("Newest entry", "good", f"Entry {facts.entry.sequence} is {span(facts.at - facts.entry.time)} old.")


def _todo(alarm: Alarm, facts: Facts) -> str:
    if facts.mirror:
        return "This is the followed store's to mend; see that the mirror still reaches it."
    if "TUF root" in alarm.what:
        return "Its holders sign a new one: `sealring-store tuf request DIR`; docs/store-keys.md, section 3."
    return "The store signs this by itself and could not: see Rounds, Keys and Disk here, then docs/store-keys.md."


def _claims(facts: Facts) -> Iterator[Check]:
    """BK-2: a device that saw what this store has not; unsigned, so a question and no answer."""
    if facts.failures.claimed:
        said = f"{plural(facts.failures.claimed, 'question')} named a later entry than this store has, since the start."
        todo = "Was an old disk or database put back? `sealring-store resume DIR --from MIRROR --check` finds out."
        yield Check("Later entries", "soon", said, todo)


def _rounds(facts: Facts) -> Iterator[Check]:
    last, failed = facts.failures.last_maintained, facts.failures.maintenance
    since = f" {plural(failed, 'round')} failed since the start." if failed else " None failed since the start."
    if last is None:
        yield Check("Rounds", "soon", f"No round of the store's own work has ended yet.{since}", _ROUNDS)
        return
    level: Level = "good"
    if facts.at - last >= ROUND_SOON:
        level = "bad" if facts.at - last >= ROUND_BAD else "soon"
    said = f"The store last looked at what it must do by itself {relative(last, facts.at)}.{since}"
    yield Check("Rounds", level, said, _ROUNDS if level != "good" else "")
    if facts.failures.signing:
        said = f"{plural(facts.failures.signing, 'signature')} could not be made since the start"
        after = "; the round since then was good." if level == "good" else "."
        yield Check("Signing", level, said + after, PARTS["keys"] if level != "good" else "")


def _jobs(facts: Facts) -> Iterator[Check]:
    """Which part of the store's own work fails, and why; the others are done all the same."""
    for one in facts.jobs:
        if one.is_failing and one.failed is not None:
            since = f"; it last went well {relative(one.good, facts.at)}" if one.good else ""
            again = f" It is tried again {relative(one.next, facts.at)}." if one.next else ""
            said = f"The job {one.name}, which {one.does}, failed {relative(one.failed, facts.at)}: {one.why}{since}."
            yield Check("Jobs", "soon", said + again, _ROUNDS)


_ROUNDS = (
    "It tries again within the hour. See Keys and Disk here; `sealring-store sign DIR` tries at once and says why."
)


def _mirror(facts: Facts) -> Iterator[Check]:
    if not facts.mirror or facts.entry is None:
        return
    age = facts.at - facts.entry.time
    if age >= MIRROR_LATE:
        said = f"The newest entry that was mirrored is {span(age)} old; a store makes one each day."
        yield Check(
            "Mirror", "soon", said, "See that this machine reaches the followed store: `sealring-store status URL`."
        )
    else:
        yield Check("Mirror", "good", f"The newest entry that was mirrored is {span(age)} old.")


def _disk(facts: Facts) -> Iterator[Check]:
    if facts.disk is None:
        yield Check("Disk", "bad", "The store's folder can't be looked at.", "See that its file system is mounted.")
        return
    free, part = facts.disk.free, facts.disk.free_share
    level: Level = "good"
    if part < DISK_SOON:
        level = "bad" if part < DISK_BAD or free < DISK_BAD_BYTES else "soon"
    said = f"{size(free)} are free, {share(free, facts.disk.size)} of the file system."
    yield Check("Disk", level, said, "Make room, or move the images to a larger place." if level != "good" else "")


def _errors(facts: Facts) -> Iterator[Check]:
    bad = False
    for kind in KINDS:
        last, count = facts.failures.last_failed(kind), facts.failures.requests(kind, "5xx")
        if last is not None and facts.at - last < RECENT:
            bad = True
            said = f"Requests for {KINDS_SAID[kind]} failed: {plural(count, 'answer')} with 5xx since the start"
            yield Check("Requests", "soon", f"{said}, the last {relative(last, facts.at)}.", _ERRORS)
    if not bad:
        answered = sum(facts.failures.requests(kind, "2xx") + facts.failures.requests(kind, "3xx") for kind in KINDS)
        yield Check(
            "Requests", "good", f"{plural(answered, 'good answer')} since the start, and no failure in an hour."
        )


_ERRORS = "See Database, Images and Disk here. Where these are good, the server's log names the request."


def _halts(facts: Facts) -> Iterator[Check]:
    for one in facts.halts:
        yield Check(
            "Rollouts",
            "bad",
            f"{one.release} is halted since {clock(one.time)}: {one.reason}.",
            f"Its brand, {one.release.partition('/')[0]}, ends that with its next release of this channel.",
        )
    if not facts.halts and facts.entry is not None:
        yield Check("Rollouts", "good", "No release is halted.")


def _ends(facts: Facts) -> Iterator[Check]:
    ends = facts.ends
    if ends is None:
        if facts.entry is not None:
            yield Check("Expiry", "good", "What expires when is still being counted; look again in a minute.")
        return
    for kind, count in sorted(ends.expired.items()):
        said = f"{plural(count, f'{kind} statement')} expired; devices install nothing new by {_it(count)}."
        yield Check("Expiry", "soon", said, f"Whoever signs {_it(count)} issues {_it(count)} again: see the calendar.")
    for kind in sorted(ends.first, key=lambda one: ends.first[one]):
        soon = [one for one in ends.soonest if one.type == kind and one.at - facts.at < _notice(kind)]
        if soon:
            names = ", ".join(f"{kind} {one.subject}" for one in soon[:NAMED])
            more = f" and {plural(len(soon) - NAMED, 'other')}" if len(soon) > NAMED else ""
            verb = ": the first expires" if len(soon) > 1 else " expires"
            said = f"{names}{more}{verb} {relative(soon[0].at, facts.at)}, on {day(soon[0].at)}."
            said = said[0].upper() + said[1:]
            yield Check("Expiry", "soon", said, f"Tell {_whose(soon[0].authority)}; the page Expiry has all of them.")
    if not any(at - facts.at < _notice(kind) for kind, at in ends.first.items()) and not ends.expired:
        yield Check(
            "Expiry",
            "good",
            f"No release that devices need ends within {WEEKS.days} days, nothing else within {MONTH.days}.",
        )


def _notice(kind: str) -> timedelta:
    """How long before its end somebody should hear of it."""
    return WEEKS if kind in _PACKAGE_KINDS else MONTH


def _whose(authority: str) -> str:
    return "the root's holders" if authority == "root" else f"the brand {authority}"


def _it(count: int) -> str:
    return "it" if count == 1 else "them"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
