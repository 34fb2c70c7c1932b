"""What a device is born with: its model and the root that it trusts (SPEC DV-11)."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from sealring.chain import Authentic, begin_with_root
from sealring.envelope import MAX_ENVELOPE
from sealring.errors import SealringError, TrustError
from sealring.names import FullName, Name
from sealring.statement import Root
from sealring.strict import decode_strict, encode
from sealring_client.decide.state import StateDamaged, read_small
from sealring_client.disk import make_folder_durably, write_durably

Clock = Literal["trusted", "poor"]
SECRET = 32  # bytes


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    format: Literal[1]
    model: FullName
    clock: Clock
    groups: Annotated[tuple[Name, ...], Meta(max_length=32)] = ()
    paranoid: bool = False
    reports: bool = True


_decoder = msgspec.json.Decoder(_File)


@dataclass(frozen=True)
class Device:
    """One device. `clock` is `poor` where nothing keeps the time while the power is off.

    By its `groups` a rollout may choose it before its turn (RO-1). A `paranoid` one has every view proved row by row
    (VW-4). One without `reports` says nothing to anybody of what it installs (RP-1).
    """

    folder: Path
    model: str
    clock: Clock
    anchor: Authentic[Root]
    groups: tuple[str, ...] = ()
    paranoid: bool = False
    reports: bool = True

    @property
    def brand(self) -> str:
        """The brand of its model."""
        return self.model.partition("/")[0]


@dataclass(eq=False)
class NotProvisioned(SealringError):
    """There is no device in this folder (SPEC DV-11)."""

    folder: Path
    rule: ClassVar[str] = "DV-11"
    exit_code: ClassVar[int] = 11

    def __str__(self) -> str:
        return f"{self.folder}: no device is provisioned here"

    def hint(self) -> str:
        return "run `sealring-device provision`, or name another folder with --state"


@dataclass(eq=False)
class AlreadyProvisioned(SealringError):
    """A device is never provisioned over: that would forget every floor (SPEC DV-11)."""

    folder: Path
    rule: ClassVar[str] = "DV-11"
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        return f"{self.folder}: a device is provisioned here already"

    def hint(self) -> str:
        return "name another folder with --state, or remove this one first"


def load_device(folder: Path) -> Device:
    """The device in this folder.

    Raises:
        NotProvisioned, StateDamaged.
    """
    raw, anchor = read_small(folder / "device.json", 4096), read_small(folder / "root.json", MAX_ENVELOPE)
    if raw is None:
        raise NotProvisioned(folder)
    try:
        found = decode_strict(raw, _decoder, limit=4096, what="device.json")
        root = begin_with_root(anchor or b"")
    except TrustError as err:
        raise StateDamaged(folder / "device.json", str(err)) from err
    return Device(folder, found.model, found.clock, root, found.groups, found.paranoid, found.reports)


def load_secret(folder: Path) -> bytes:
    """What decides when it is this device's turn in a rollout, and never leaves it (RO-1).

    Raises:
        StateDamaged.
    """
    secret = read_small(folder / "secret", SECRET)
    if secret is None or len(secret) != SECRET:
        raise StateDamaged(folder / "secret", f"not {SECRET} bytes")
    return secret


def write_device(
    folder: Path,
    model: str,
    clock: Clock,
    anchor: bytes,
    groups: tuple[str, ...] = (),
    *,
    paranoid: bool = False,
    reports: bool = True,
) -> None:
    """Write what makes this folder a device; `device.json` comes last, so a half-made one is none."""
    make_folder_durably(folder)
    write_durably(folder / "root.json", anchor)
    write_durably(folder / "secret", secrets.token_bytes(SECRET), 0o600)
    raw = encode(_File(1, model, clock, tuple(sorted(set(groups))), paranoid, reports))
    decode_strict(raw, _decoder, limit=4096, what="model and groups")
    write_durably(folder / "device.json", raw)
