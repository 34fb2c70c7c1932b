"""What this device has to say about releases that it has begun, until its stores have heard it (SPEC RP-1, RP-4).

```
reports.json   the envelopes that wait, oldest first, at most 64; and what was said last to each store of each package
```
Nothing rests on it. Whether a report can be made, kept or sent changes nothing of what the device does: whoever writes
here has done, or is about to do, what the report says, and goes on where the disk is full.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from sealring.errors import TrustError
from sealring.names import Count, FullName, Revision, Sequence, Sha256Hex
from sealring.report import MAX_REPORT_ENVELOPE, Event, Report, report_bytes, report_name
from sealring.signing import Signer
from sealring.strict import decode_strict, encode
from sealring_client.decide.state import read_small
from sealring_client.disk import write_durably

FILE = "reports.json"
MAX_WAITING = 64
MAX_TOLD = 2048  # eight stores, of 256 packages each
MAX_PAUSES = 8  # stores
LONGEST_PAUSE = 86_400  # seconds; also for a device whose clock was set back since
_LIMIT = 2 * 1024 * 1024  # bytes


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The last word to one store about one package."""

    store: FullName
    package: FullName
    ground: Sha256Hex
    revision: Revision
    event: Event
    number: Sequence
    previous: Revision | UnsetType = UNSET


class Waiting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One envelope for one store."""

    store: FullName
    envelope: Annotated[bytes, Meta(min_length=1, max_length=MAX_REPORT_ENVELOPE)]


class Pause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A store that asked to be left alone until then."""

    store: FullName
    until: Count
    """Seconds since 1970."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    format: Literal[1]
    told: Annotated[tuple[Told, ...], Meta(max_length=MAX_TOLD)]
    queue: Annotated[tuple[Waiting, ...], Meta(max_length=MAX_WAITING)]
    pauses: Annotated[tuple[Pause, ...], Meta(max_length=MAX_PAUSES)] = ()


_decoder = msgspec.json.Decoder(_File)


@dataclass(frozen=True)
class Trial:
    """One package of a trial: the release or stack by which it is installed, and the stores that have shown that."""

    package: str
    ground: str
    revision: int
    previous: int | None
    stores: tuple[str, ...]


@dataclass(frozen=True)
class Speaker:
    """Who speaks: all that a report says of the device itself.

    Args:
        secret: makes its name towards each store, and never leaves it.
        serial: its name for the brand, and `key`, which signs: only where the model wants devices to be known.
    """

    root: str
    model: str
    secret: bytes
    serial: str | None = None
    key: Signer | None = None


@dataclass(frozen=True)
class Reports:
    """What waits, what was said last, and who wants to hear nothing for a while."""

    told: tuple[Told, ...] = ()
    queue: tuple[Waiting, ...] = ()
    pauses: tuple[Pause, ...] = ()

    def open(self) -> list[Told]:
        """What was begun, and has not been said to have ended."""
        return [one for one in self.told if one.event == "begun"]

    def said(self, store: str, package: str) -> Told | None:
        """The last word to this store about this package."""
        return next((one for one in self.told if (one.store, one.package) == (store, package)), None)

    def with_event(self, by: Speaker, trial: Trial, event: Event, at: datetime, reason: str = "") -> "Reports":
        """With one more report for each of the trial's stores; of more than 64 the oldest are dropped (RP-4)."""
        found = self
        for store in trial.stores:
            found = found._with(by, trial, store, event, at, reason)
        return found

    def without(self, sent: Collection[Waiting]) -> "Reports":
        """After these have been sent."""
        return replace(self, queue=tuple(one for one in self.queue if one not in sent))

    def is_paused(self, store: str, at: datetime) -> bool:
        """Whether this store has asked not to be sent anything now (`Retry-After`)."""
        return any(one.store == store and 0 < one.until - at.timestamp() <= LONGEST_PAUSE for one in self.pauses)

    def with_pause(self, store: str, until: datetime) -> "Reports":
        """With this store left alone until then."""
        others = [one for one in self.pauses if one.store != store]
        return replace(self, pauses=(*others, Pause(store, int(until.timestamp())))[-MAX_PAUSES:])

    def _with(self, by: Speaker, trial: Trial, store: str, event: Event, at: datetime, reason: str) -> "Reports":
        report = Report(
            format=1,
            root=by.root,
            store=store,
            model=by.model,
            serial=by.serial if by.serial is not None and by.key is not None else UNSET,
            device=report_name(by.secret, store).hex(),
            number=self._next_number(store, at),
            at=at,
            package=trial.package,
            ground=trial.ground,
            revision=trial.revision,
            previous=trial.previous if trial.previous is not None else UNSET,
            event=event,
            reason=reason or UNSET,
        )
        told = Told(store, trial.package, trial.ground, trial.revision, event, report.number, report.previous)
        others = [one for one in self.told if (one.store, one.package) != (store, trial.package)]
        signed = report_bytes(report, by.key if report.serial is not UNSET else None)
        queue = (*self.queue, Waiting(store, signed))
        return replace(self, told=(*others, told)[-MAX_TOLD:], queue=queue[-MAX_WAITING:])

    def _next_number(self, store: str, at: datetime) -> int:
        """Above all that went before; by the clock, so that a lost file does not begin again below what a store has."""
        last = max((one.number for one in self.told if one.store == store), default=0)
        return max(last + 1, int(at.timestamp()))


def load_reports(folder: Path) -> Reports:
    """What waits and what was said; nothing where the file is damaged (SPEC DV-13)."""
    raw = read_small(folder / FILE, _LIMIT)
    if raw is None:
        return Reports()
    try:
        found = decode_strict(raw, _decoder, limit=_LIMIT, what=FILE)
    except TrustError:
        return Reports()
    return Reports(found.told, found.queue, found.pauses)


def save_reports(folder: Path, reports: Reports) -> None:
    """Keep them, durably; nothing is written where nothing has changed.

    Raises:
        DiskError, NoSpace: those that are there stay.
    """
    if reports != load_reports(folder):
        write_durably(folder / FILE, encode(_File(1, reports.told, reports.queue, reports.pauses)))


def ended(reports: Reports, by: Speaker, at: datetime, runs: Callable[[Told], bool]) -> Reports:
    """After a process was killed in a trial: what runs of it was good, and the rest was left (GN-3).

    Args:
        runs: whether what was begun is part of the good generation.
    """
    for one in reports.open():
        previous = one.previous if isinstance(one.previous, int) else None
        trial = Trial(one.package, one.ground, one.revision, previous, (one.store,))
        good = runs(one)
        reports = reports.with_event(by, trial, "good" if good else "rolled-back", at, "" if good else "interrupted")
    return reports


def by_hand(reports: Reports, by: Speaker, at: datetime, left: Iterable[tuple[str, int]]) -> Reports:
    """After a person went back: said to whoever was told that it is good.

    Args:
        left: packages that were left, each with the revision that no longer runs.
    """
    wanted = set(left)
    for one in reports.told:
        if one.event == "good" and (one.package, one.revision) in wanted:
            previous = one.previous if isinstance(one.previous, int) else None
            trial = Trial(one.package, one.ground, one.revision, previous, (one.store,))
            reports = reports.with_event(by, trial, "rolled-back", at, "by hand")
    return reports
