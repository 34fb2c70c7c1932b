"""Evidence: one file that shows a contradiction to anybody, without a network (SPEC CT-5).

A bundle. `kind` says what it is about and `digest` that it is whole; TUF files of the observations stand below `a/` and
`b/`; what is longer than a bundle's file may be is cut in parts `name/000`, `name/001`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from sealring.bundle import (
    Entry,
    PathEntry,
    ProofEntry,
    StatementEntry,
    TufEntry,
    ViewEntry,
    read_bundle,
    write_bundle,
)
from sealring_server.audit.errors import ProvesNothing
from sealring_server.audit.observation import MAX_FILE, Observation

_PART = 512 * 1024  # bytes


@dataclass(frozen=True)
class Evidence:
    """What stands in the file; `verdict.judge` says what it proves."""

    kind: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    more: tuple[Entry, ...] = ()

    def to_bytes(self) -> bytes:
        """The file.

        Raises:
            BundleTooLarge: more than one file holds.
        """
        entries: list[Entry] = [TufEntry("kind", self.kind.encode()), *self.more]
        for name, data in self.files.items():
            entries += _cut(name, data)
        # The signatures inside have more than one spelling; a file that rotted must not be judged at all.
        return write_bundle([*entries, TufEntry("digest", sha256(write_bundle(entries)).digest())])

    def observation(self, name: str) -> Observation:
        """Observation `a` or `b`."""
        return Observation.from_files(self.files, f"{name}/")

    def file(self, name: str) -> bytes:
        """One file, whole."""
        if name not in self.files:
            raise ProvesNothing(f"{name} is missing")
        return self.files[name]

    def statements(self) -> list[bytes]:
        """The envelopes."""
        return [one.envelope for one in self.more if isinstance(one, StatementEntry)]

    def proofs(self) -> list[ProofEntry]:
        """The proofs."""
        return [one for one in self.more if isinstance(one, ProofEntry)]

    def view(self) -> bytes | None:
        """The view's document, where there is one."""
        return next((one.data for one in self.more if isinstance(one, ViewEntry)), None)

    def path(self, under: int, sequence: int) -> bytes | None:
        """The log's path from one entry to another, where there is one."""
        found = (o.path for o in self.more if isinstance(o, PathEntry) and (o.under, o.sequence) == (under, sequence))
        return next(found, None)


def read_evidence(raw: bytes) -> Evidence:
    """What stands in such a file, if it is whole.

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    if len(raw) > MAX_FILE:
        raise ProvesNothing(f"more than {MAX_FILE} bytes")
    entries = read_bundle(raw)
    files = {one.name: one.data for one in entries if isinstance(one, TufEntry)}
    rest = [one for one in entries if not (isinstance(one, TufEntry) and one.name == "digest")]
    if files.pop("digest", b"") != sha256(write_bundle(rest)).digest():
        raise ProvesNothing("it is damaged")
    kind = files.pop("kind", b"").decode("ascii", "replace")
    more = tuple(one for one in rest if not isinstance(one, TufEntry))
    return Evidence(kind, _joined(files), more)


def _cut(name: str, data: bytes) -> Iterable[TufEntry]:
    if len(data) <= _PART:
        yield TufEntry(name, data)
        return
    for number, at in enumerate(range(0, len(data), _PART)):
        yield TufEntry(f"{name}/{number:03}", data[at : at + _PART])


def _joined(files: Mapping[str, bytes]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, data in sorted(files.items()):
        whole, _, part = name.rpartition("/")
        is_part = len(part) == 3 and part.isdecimal()
        found[whole if is_part else name] = found.get(whole, b"") + data if is_part else data
    return found
