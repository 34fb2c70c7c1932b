"""What the device is, runs and trusts, from its disk alone: no store is asked and nothing is written (SPEC DV-10)."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from tuf.api.metadata import Timestamp

from sealring.authentic import Authentic, read_claim
from sealring.catalogue.entry import parse_entry
from sealring.end_of_life import final_ids
from sealring.errors import TrustError
from sealring.moment import Moment
from sealring.names import spell
from sealring.revocation import ListInForce
from sealring.statement import Delegation, Model, Release, Stack, Store, UnknownFormat
from sealring_client.apply.install import Disk
from sealring_client.apply.mount import is_mounted
from sealring_client.decide.evidence import load_disputes
from sealring_client.decide.paranoid import accused
from sealring_client.decide.reach import in_words, stopped_lines, vulnerable
from sealring_client.decide.state import TrustState, load_trust, read_small
from sealring_client.decide.store_view import CATALOGUE, StoreFiles
from sealring_client.decide.times import Times
from sealring_client.decide.trusted import Trusted
from sealring_client.decide.tuf.metadata import parse_metadata
from sealring_client.device_file import Device
from sealring_client.failures import load_failures
from sealring_client.part import Part
from sealring_client.report import Vulnerable
from sealring_client.reports import load_reports
from sealring_client.serial import held_serial
from sealring_client.stopping import still_stopped

INTEGRITY = "digest checked at mount"
# Not a revision, which says nothing that a release does not; and a list stays in force when it has expired (RK-2).
_ACTED_UPON = frozenset(("root", "brand", "delegation", "model", "store", "release", "stack", "serial"))


@dataclass(frozen=True)
class PackageStatus:
    """One package of the current generation."""

    package: str
    revision: int
    version: str
    sequence: int | None
    integrity: str


@dataclass(frozen=True)
class StoreStatus:
    """One store: its last catalogue seen, and whether that still counts now (`fresh`, `stale`, `never seen`)."""

    store: str
    word: str
    catalogue: int | None
    time: str | None
    urls: list[str]


@dataclass(frozen=True)
class Status:
    """Everything that `status` says."""

    model: str
    root: int
    current: int | None
    good: int | None
    previous: int | None
    packages: list[PackageStatus]
    time: str
    time_floor: str | None
    stores: list[StoreStatus]
    deadline: str | None
    failures: list[dict[str, Any]]
    warnings: list[str]
    vulnerable: list[Vulnerable]
    stopped: list[Vulnerable]
    delegations: list[dict[str, Any]]
    revocations: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    accused: list[str]
    serial: str | None
    groups: list[str]
    reports: int | None
    """How many wait to be sent; None where this device makes none."""

    def as_json(self) -> dict[str, Any]:
        """One object, for `--json`."""
        return {"schema": 1, **asdict(self)}


def read_status(device: Device, now: datetime) -> Status:
    """The device's status at this instant."""
    disk, state = Disk.of(device.folder), load_trust(device.folder, repair=False)
    trusted = Trusted.begin(device.anchor, state.statements.values())
    times = Times.of(Moment(now.replace(microsecond=0), proven=device.clock == "trusted"), trusted)
    generations = disk.generations
    parts = disk.parts_of(generations.current())
    model, serial = trusted.floors.get(Model, device.model), held_serial(trusted, device.model)
    runs = {part.package for part in parts}
    return Status(
        device.model,
        trusted.chain.root.statement.sequence,
        generations.current(),
        generations.good(),
        generations.previous_good(),
        [_package(part, disk, state) for part in parts],
        "proven" if times.proven else "unproven",
        spell(times.floor) if times.floor is not None else None,
        [_store(device, name, trusted, times) for name in (model.statement.stores if model is not None else [])],
        _deadline(device),
        [_failure(one) for one in load_failures(device.folder).values()],
        _warnings(trusted, times, model.statement if model is not None else None),
        vulnerable(trusted, device.model, parts),
        stopped_lines(trusted, still_stopped(device.folder, trusted, runs)),
        [_delegation(one) for one in trusted.chain.delegations.values()],
        [_list(one) for one in trusted.chain.revocations.lists],
        [pair.as_json(trusted) for pair in load_disputes(device.folder).pairs],
        [str(path) for path in accused(device.folder)],
        serial.subject if serial is not None else None,
        list(device.groups),
        len(load_reports(device.folder).queue) if device.reports else None,
    )


def generations_of(device: Device) -> list[dict[str, Any]]:
    """Every generation on the disk with what it holds, oldest first; for `list`."""
    disk, state = Disk.of(device.folder), load_trust(device.folder, repair=False)
    generations = disk.generations
    current, good, previous = generations.current(), generations.good(), generations.previous_good()
    return [
        {
            "generation": number,
            "current": number == current,
            "good": number == good,
            "way_back": number == previous,
            "packages": [asdict(_package(part, disk, state)) for part in generations.parts(number)],
        }
        for number in generations.numbers()
    ]


def _package(part: Part, disk: Disk, state: TrustState) -> PackageStatus:
    raw, sequence = state.statements.get(part.release), None
    if raw is not None:
        with suppress(UnknownFormat):  # ST-8: installed by a newer updater, which was rolled back
            claim = read_claim(raw).statement
            sequence = claim.sequence if isinstance(claim, Release | Stack) else None
    mounted = is_mounted(disk.generations.mount_point(part)) is not None
    return PackageStatus(part.package, part.revision, part.version, sequence, INTEGRITY if mounted else "not mounted")


def _store(device: Device, name: str, trusted: Trusted, times: Times) -> StoreStatus:
    files, store = StoreFiles(device.folder / "stores" / name), trusted.floors.get(Store, name)
    urls = store.statement.urls if store is not None else []
    raw, stamp = files.load(CATALOGUE), files.load("timestamp.json")
    if raw is None or stamp is None or store is None:
        return StoreStatus(name, "never seen", None, None, urls)
    try:
        entry = parse_entry(raw)
        expires = parse_metadata(stamp, Timestamp, limit=1024 * 1024, file="timestamp.json").content.expires
    except TrustError:
        return StoreStatus(name, "damaged", None, None, urls)
    until = min(expires, entry.time + timedelta(seconds=store.statement.max_age), store.statement.expires)
    word = "fresh" if times.of_statement(store).raised(entry.time).at < until else "stale"
    return StoreStatus(name, word, entry.sequence, spell(entry.time), urls)


def _deadline(device: Device) -> str | None:
    raw = read_small(device.folder / "poll.json", 64 * 1024)
    try:
        found = json.loads(raw)["deadline"] if raw is not None else None
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def _failure(one: Any) -> dict[str, Any]:
    not_before = spell(one.not_before) if one.not_before is not None else None
    return {"package": one.package, "release": one.release, "count": one.count, "not_before": not_before}


def _delegation(one: Authentic[Delegation]) -> dict[str, Any]:
    said = one.statement
    return {
        "delegation": said.subject,
        "sequence": said.sequence,
        "roles": list(said.roles),
        "expires": spell(said.expires),
    }


def _list(one: ListInForce) -> dict[str, Any]:
    """A list that no longer counts is weakened: it stops nothing, and still lets nothing new in (RK-3)."""
    said = one.statement
    return {"issuer": said.subject, "sequence": said.sequence, "lines": len(said.revoked), "counts": one.counts}


def _lifted(trusted: Trusted) -> frozenset[str]:
    """Ids whose expiry the held final releases have lifted (EL-2)."""
    found: frozenset[str] = frozenset()
    for kind, subject in trusted.floors.highest:
        release = trusted.floors.get(Release, subject) if kind == "release" else None
        with suppress(TrustError):
            found |= final_ids(trusted.chain, release) if release is not None else frozenset()
    return found


def _warnings(trusted: Trusted, times: Times, model: Model | None) -> list[str]:
    """What has expired, or is near its end: new installations stop, and nothing else does (DV-10)."""
    held = [trusted.chain.root, *trusted.chain.brands.values(), *trusted.floors.highest.values()]
    found, lifted = [], _lifted(trusted)
    for one in held:
        statement = one.statement
        if statement.type not in _ACTED_UPON:
            continue
        line = trusted.chain.revocations.strongest(statement, one.envelope.id)
        if line is not None:
            found.append(f"{statement.title} {in_words(line)}: nothing new is installed by it")
        if times.is_over(one):
            what = "a final release has lifted that" if one.envelope.id in lifted else "nothing new is installed by it"
            found.append(f"{statement.title} expired {spell(times.end_of(one))}: {what}")
    if model is not None and times.of_brand(model.authority).at >= model.end_of_support:
        found.append(f"model {model.name}: support ended {spell(model.end_of_support)}")
    return found
