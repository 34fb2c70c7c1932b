"""The device's own key, and the brand's word that it is one of its devices (SPEC SN-1)."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta
from nacl.signing import SigningKey

from sealring.approve import SerialMissing
from sealring.authentic import Authentic, WrongStatement, read_claim
from sealring.errors import SealringError, TrustError
from sealring.keys import PublicKey
from sealring.moment import Moment
from sealring.names import Name
from sealring.statement import SerialStatement
from sealring.strict import decode_strict, encode
from sealring_client.apply.install import Disk
from sealring_client.decide.state import StateDamaged, load_trust, read_small, save_trust
from sealring_client.decide.times import Times
from sealring_client.decide.trusted import Trusted
from sealring_client.device_file import Device
from sealring_client.disk import lock, write_durably
from sealring_client.stopped import kept_digests

FILE = "serial.key"
_LIMIT = 4096  # bytes


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    name: Name
    type: Literal["ed25519"]
    secret: Annotated[bytes, Meta(min_length=32, max_length=32)]


_decoder = msgspec.json.Decoder(_File)


@dataclass(eq=False)
class OtherKeyName(SealringError):
    """The device's key is made once, and so is its name (SPEC SN-1)."""

    path: Path
    held: str
    asked: str
    rule: ClassVar[str] = "SN-1"
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        return f"{self.path}: the key of this device is named {self.held}, {self.asked} asked for"

    def hint(self) -> str:
        return "leave --name out; a device has one key, made once"


class SerialKey:
    """The device's own key: it signs reports and requests of this device, and no statement."""

    def __init__(self, secret: SigningKey, name: str) -> None:
        self._secret = secret
        self.public = PublicKey(name, "ed25519", bytes(secret.verify_key))

    def sign(self, message: bytes, /) -> bytes:
        """The 64 bytes of the signature."""
        return bytes(self._secret.sign(message).signature)


def load_public(folder: Path) -> bytes | None:
    """The public half of the device's own key; None where it has none.

    Raises:
        StateDamaged.
    """
    found = _load(folder)
    return _public(found).public if found is not None else None


def load_key(folder: Path) -> SerialKey | None:
    """The device's own key, to sign with; None where it has none.

    Raises:
        StateDamaged.
    """
    found = _load(folder)
    return SerialKey(SigningKey(found.secret), found.name) if found is not None else None


def own_key(device: Device, name: str | None) -> PublicKey:
    """The device's own key, made now if there was none; the same one ever after.

    Args:
        name: for people; `device` where none is asked for.

    Raises:
        OtherKeyName: it is there, under another name.
    """
    with lock(device.folder):
        found = _load(device.folder)
        if found is None:
            found = _File(1, name or "device", "ed25519", bytes(SigningKey.generate()))
            raw = encode(found)
            decode_strict(raw, _decoder, limit=_LIMIT, what="name of the key")
            # 0600 from its first byte: whoever reads it is this device to its brand.
            write_durably(device.folder / FILE, raw, 0o600)
        if name is not None and name != found.name:
            raise OtherKeyName(device.folder / FILE, found.name, name)
        return _public(found)


def install_serial(device: Device, raw: bytes, now: datetime) -> Authentic[SerialStatement]:
    """Take the brand's word that this device is one of its model into the trust state.

    Raises:
        TrustError: it is not signed by the brand's keys of today, of another model or key, expired, or revoked.
    """
    with lock(device.folder):
        disk = Disk.of(device.folder)
        disk.generations.recover()
        state = load_trust(device.folder, repair=True)
        trusted = Trusted.begin(device.anchor, state.statements.values())
        claim = read_claim(raw)
        found = trusted.chain.authenticate(raw, SerialStatement, device.brand)
        said = found.statement
        if f"{said.authority}/{said.model}" != device.model:
            raise WrongStatement(said.title, f"model {said.authority}/{said.model}", f"model {device.model}", "SN-1")
        public = load_public(device.folder)
        if public is None or (said.key.type, said.key.public) != ("ed25519", public):
            raise SerialMissing(device.model, f"serial {claim.statement.subject} with another key")
        trusted = trusted.learn(found)
        clock = Moment(now.replace(microsecond=0), proven=device.clock == "trusted")
        Times.of(clock, trusted).verify(found)
        save_trust(device.folder, state, trusted.remembered(kept_digests(device.folder, disk)), state.stores)
        return found


def held_serial(trusted: Trusted, model: str) -> SerialStatement | None:
    """What the device holds about itself, whatever its state; only such a one is ever taken."""
    subjects = sorted(s for kind, s in trusted.floors.highest if kind == "serial" and s.startswith(f"{model}/"))
    found = [one.statement for s in subjects if (one := trusted.floors.get(SerialStatement, s)) is not None]
    return max(found, key=lambda one: one.issued, default=None)


def _load(folder: Path) -> _File | None:
    path = folder / FILE
    raw = read_small(path, _LIMIT)
    if raw is None:
        return None
    try:
        return decode_strict(raw, _decoder, limit=_LIMIT, what=FILE)
    except TrustError as err:
        raise StateDamaged(path, str(err)) from err


def _public(found: _File) -> PublicKey:
    return PublicKey(found.name, found.type, bytes(SigningKey(found.secret).verify_key))
