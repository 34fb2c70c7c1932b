"""What the device remembers of whom it trusts: the trust state (SPEC DV-2).

```
trust.0.json trust.1.json   two copies: which statements are held, and what each store has shown
statements/<sha256>         the envelopes that they name
```
Order of a change: the statements, each durable; then copy 0; then copy 1; then what no copy names any more is
deleted. A store's own TUF files are written before the copy that names them. So at any kill at least one copy
is whole, and all that it names is there; what neither names is deleted at the next start. The whole copy with the
higher counter counts; the other is written again. With both damaged the device refuses: beginning anew would forget
every floor (an attacker who can break two files could roll the device back).
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from sealring.envelope import MAX_ENVELOPE
from sealring.errors import SealringError, TrustError
from sealring.names import FullName, Sequence, Sha256Hex
from sealring.strict import decode_strict, encode
from sealring_client.disk import disk_errors, make_folder_durably, remove_durably, write_durably

MAX_COPY = 8 * 1024 * 1024  # bytes
COPIES = ("trust.0.json", "trust.1.json")
_NO_CHECK = "0" * 64


@dataclass(eq=False)
class StateDamaged(SealringError):
    """The trust state can't be read, and is never begun anew by itself (SPEC DV-2)."""

    path: Path
    reason: str
    rule: ClassVar[str] = "DV-2"
    exit_code: ClassVar[int] = 12

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"

    def hint(self) -> str:
        return "what runs is untouched; restore the state folder from a copy, or provision the device anew"


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file exactly: its version or sequence, and its SHA-256."""

    number: Sequence
    sha256: Sha256Hex


class StoreSeen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one store has shown: the pin it began with, its highest root, its last catalogue entry."""

    name: FullName
    pin: Mark
    root: Mark
    catalogue: Mark | None


class _Copy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    counter: Sequence
    statements: Annotated[list[Sha256Hex], Meta(max_length=65536)]
    stores: Annotated[list[StoreSeen], Meta(max_length=1024)]
    check: Sha256Hex


_decoder = msgspec.json.Decoder(_Copy)


@dataclass(frozen=True)
class TrustState:
    """The statements held, by digest, and what each store has shown, by name."""

    counter: int = 0
    statements: Mapping[str, bytes] = field(default_factory=dict)
    stores: Mapping[str, StoreSeen] = field(default_factory=dict)


def load_trust(folder: Path, *, repair: bool) -> TrustState:
    """The trust state as it was written last.

    Args:
        repair: write a damaged or older copy again, and delete what neither names; the caller then holds the lock.

    Raises:
        StateDamaged: both copies, or a statement that the better one names.
        DiskError, NoSpace: only with `repair`.
    """
    try:
        return _load(folder, repair=repair)
    except StateDamaged:
        if repair:
            raise
        # Without the lock a change may have come between a copy and what it named: look once more.
        return _load(folder, repair=False)


def _load(folder: Path, *, repair: bool) -> TrustState:
    copies = [_read_copy(folder / name) for name in COPIES]
    whole = [copy for copy in copies if copy is not None]
    if not whole:
        raise StateDamaged(folder / COPIES[0], "neither copy of the trust state is whole")
    best = max(whole, key=lambda copy: copy.counter)
    state = TrustState(
        best.counter,
        {digest: _read_statement(folder, digest) for digest in best.statements},
        {store.name: store for store in best.stores},
    )
    for name, copy in zip(COPIES, copies, strict=True):
        if repair and copy != best:
            write_durably(folder / name, encode(best))
    if repair:
        _delete_unnamed(folder, best)
    return state


def save_trust(
    folder: Path, held: TrustState, statements: Mapping[str, bytes], stores: Mapping[str, StoreSeen]
) -> TrustState:
    """The state with these contents, durable when this returns; nothing is written where nothing has changed.

    Args:
        held: what `load_trust` or the last `save_trust` gave.

    Raises:
        DiskError, NoSpace: the old state stands, or the new one.
    """
    if held.counter and statements.keys() == held.statements.keys() and stores == held.stores:
        return held
    make_folder_durably(folder / "statements")
    for digest in sorted(statements.keys() - held.statements.keys()):
        write_durably(folder / "statements" / digest, statements[digest])
    listed = [stores[name] for name in sorted(stores)]
    draft = _Copy(1, held.counter + 1, sorted(statements), listed, _NO_CHECK)
    raw = encode(msgspec.structs.replace(draft, check=_check_of(draft)))
    for name in COPIES:
        write_durably(folder / name, raw)
    for digest in sorted(held.statements.keys() - statements.keys()):
        remove_durably(folder / "statements" / digest)
    return TrustState(draft.counter, dict(statements), dict(stores))


def _delete_unnamed(folder: Path, copy: _Copy) -> None:
    """What a kill between the envelopes and the copies left, which nobody would ever look at again."""
    try:
        found = os.listdir(folder / "statements")
    except OSError:
        return
    for name in sorted(set(found) - set(copy.statements)):
        with suppress(SealringError):  # it costs room, not safety
            remove_durably(folder / "statements" / name)


def _check_of(copy: _Copy) -> str:
    return sha256(encode(msgspec.structs.replace(copy, check=_NO_CHECK))).hexdigest()


def _read_copy(path: Path) -> _Copy | None:
    """One copy, or None where it is not exactly what was written."""
    with suppress(OSError, TrustError):
        with path.open("rb") as file:
            found = decode_strict(file.read(MAX_COPY + 1), _decoder, limit=MAX_COPY, what="trust state")
        if found.check == _check_of(found):
            return found
    return None


def _read_statement(folder: Path, digest: str) -> bytes:
    path = folder / "statements" / digest
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_ENVELOPE + 1)
    except OSError as err:
        raise StateDamaged(path, (err.strerror or "unreadable").lower()) from err
    if sha256(raw).hexdigest() != digest:
        raise StateDamaged(path, "not the statement of that digest")
    return raw


def read_small(path: Path, limit: int) -> bytes | None:
    """The bytes of a state file, or None where there is none; one byte above `limit` at most is read."""
    with disk_errors(path):
        try:
            with path.open("rb") as file:
                return file.read(limit + 1)
        except FileNotFoundError:
            return None
