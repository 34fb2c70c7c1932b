"""The entry that a store shows now, by the steps of a TUF client (SPEC TF-3 to TF-6)."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

from sealring.catalogue.entry import MAX_ENTRY
from sealring.errors import SealringError
from sealring.tuf_form import MAX_TIMESTAMP, MAX_TUF_FILE, NotVouched
from sealring.tuf_set import (
    CATALOGUE,
    MAX_ROOTS,
    Vouched,
    catalogue_of,
    check_snapshot,
    check_targets,
    check_timestamp,
    targets_of,
    verify_roots,
)
from sealring_server.audit.asking import Asking
from sealring_server.audit.errors import NotThere
from sealring_server.audit.observation import Observation


@dataclass(eq=False)
class OtherPin(SealringError):
    """A store under another TUF root than the one that was pinned (SPEC TF-8)."""

    wanted: str
    rule: ClassVar[str] = "TF-8"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"the store shows no TUF root with sha256 {self.wanted}"

    def hint(self) -> str:
        return "the pin stands in the brand's newest `store` assertion; check the address too"


def first_root(ask: Asking, pin: str | None) -> bytes:
    """The root with this digest; without one, the store's first: trust on first use.

    Raises:
        OtherPin, NoAnswer, UsedUp.
    """
    for version in range(1, MAX_ROOTS + 1):
        raw = ask.find(f"/tuf/{version}.root.json", limit=MAX_TUF_FILE)
        if raw is None:
            break
        if pin is None or sha256(raw).hexdigest() == pin:
            return raw
    raise OtherPin(pin or "any")


def read_shown(ask: Asking, roots: tuple[bytes, ...]) -> tuple[Observation, Vouched]:
    """What the store shows now, from these roots on.

    Raises:
        TrustError, NoAnswer, UsedUp.
    """
    roots = with_newer_roots(roots, lambda version: ask.find(f"/tuf/{version}.root.json", limit=MAX_TUF_FILE))
    root = verify_roots(roots)
    raw = _get(ask, "timestamp.json", MAX_TIMESTAMP)
    timestamp = check_timestamp(root, raw)
    snapshot_raw = _get(ask, f"{timestamp.snapshot_meta.version}.snapshot.json", MAX_TUF_FILE)
    snapshot = check_snapshot(root, timestamp, snapshot_raw)
    targets_raw = _get(ask, f"{targets_of(snapshot).version}.targets.json", MAX_TUF_FILE)
    targets = check_targets(root, snapshot, targets_raw)
    digest = catalogue_of(targets).hashes["sha256"]
    found = Observation(roots, raw, snapshot_raw, targets_raw, _get(ask, f"targets/{digest}.{CATALOGUE}", MAX_ENTRY))
    return found, found.verify()


def with_newer_roots(roots: tuple[bytes, ...], get: Callable[[int], bytes | None]) -> tuple[bytes, ...]:
    """The chain, and every root that follows it (TF-3).

    Raises:
        NotVouched: one of them does not follow, or they have no end.
    """
    version, found = verify_roots(roots).version, list(roots)
    while (raw := get(version + len(found) - len(roots) + 1)) is not None:
        found.append(raw)
        if len(found) > MAX_ROOTS:
            raise NotVouched("root.json", f"more than {MAX_ROOTS} roots", "TF-3")
        verify_roots(found[-2:])
    return tuple(found)


def _get(ask: Asking, name: str, limit: int) -> bytes:
    try:
        return ask.get(f"/tuf/{name}", limit=limit)
    except NotThere:
        raise NotVouched(name, "not there", "TF-2") from None
