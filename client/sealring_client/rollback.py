"""Back to the last good generation by hand, and the release that was left stays away (SPEC DV-10, DV-12)."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from sealring.envelope import parse_envelope
from sealring.errors import SealringError
from sealring_client.apply.install import Disk
from sealring_client.decide.reach import stopped_by
from sealring_client.decide.state import load_trust
from sealring_client.decide.trusted import Trusted
from sealring_client.device_file import Device
from sealring_client.disk import lock
from sealring_client.failures import Failure, load_failures, save_failures
from sealring_client.reports import by_hand, load_reports, save_reports
from sealring_client.stopping import stop_what_is_revoked
from sealring_client.telling import speaker


@dataclass(eq=False)
class NoWayBack(SealringError):
    """There is no earlier generation that was good (SPEC DV-12)."""

    folder: Path
    rule: ClassVar[str] = "DV-12"
    exit_code: ClassVar[int] = 11

    def __str__(self) -> str:
        return f"{self.folder}: no earlier good generation is kept"

    def hint(self) -> str:
        return "`sealring-device list` shows what there is; a newer release may mend what is wrong"


@dataclass(frozen=True)
class RolledBack:
    """From which generation to which, and the packages whose release is kept away."""

    left: int
    current: int
    packages: tuple[str, ...]


def find_way_back(device: Device) -> RolledBack:
    """What `roll_back` would do; nothing has changed."""
    disk = Disk.of(device.folder)
    left, target = disk.generations.good(), disk.generations.previous_good()
    if left is None or target is None or _is_stopped(device, disk, target):
        raise NoWayBack(device.folder)
    before = {(part.package, part.sha256) for part in disk.parts_of(target)}
    changed = [part.package for part in disk.parts_of(left) if (part.package, part.sha256) not in before]
    return RolledBack(left, target, tuple(changed))


def roll_back(device: Device, now: datetime | None = None) -> RolledBack:
    """Make the good generation before this one the current and good one. Asks no store (DV-10).

    Args:
        now: when that is, for the report about it (RP-1); None makes none. Nothing is decided by it.

    Raises:
        NoWayBack, or what stands in the way of mounting the earlier images: nothing has changed.
    """
    with lock(device.folder):
        disk = Disk.of(device.folder)
        disk.generations.recover()
        # RK-6: a way that leads back to what was stopped is none; what runs and is stopped goes too.
        state = load_trust(device.folder, repair=True)
        stop_what_is_revoked(device.folder, disk, Trusted.begin(device.anchor, state.statements.values()))
        way = find_way_back(device)
        for part in disk.parts_of(way.current):
            disk.mount(part)
        # DV-12 first: a kill after the switch must not bring the release back at the next refresh.
        _keep_away(device, disk, way)
        disk.generations.try_(way.current)
        disk.generations.commit(way.current)
        if now is not None and device.reports:
            with suppress(SealringError):  # RP-4
                _tell(device, disk, way, now)
        return way


def _tell(device: Device, disk: Disk, way: RolledBack, now: datetime) -> None:
    trusted = Trusted.begin(device.anchor, load_trust(device.folder, repair=False).statements.values())
    left = [(part.package, part.revision) for part in disk.parts_of(way.left) if part.package in way.packages]
    at, reports = now.replace(microsecond=0), load_reports(device.folder)
    save_reports(device.folder, by_hand(reports, speaker(device, trusted), at, left))


def _is_stopped(device: Device, disk: Disk, number: int) -> bool:
    statements = load_trust(device.folder, repair=False).statements
    return bool(stopped_by(Trusted.begin(device.anchor, statements.values()), disk.parts_of(number)))


def _keep_away(device: Device, disk: Disk, way: RolledBack) -> None:
    statements = load_trust(device.folder, repair=True).statements
    failures = load_failures(device.folder)
    for part in disk.parts_of(way.left):
        raw = statements.get(part.release)
        if part.package in way.packages and raw is not None:
            failures[part.package] = Failure(part.package, parse_envelope(raw).id, 1, None)
    save_failures(device.folder, failures)
