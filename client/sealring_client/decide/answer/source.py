"""One bundle, read as if each of its parts had come from its own path (SPEC AN-3, BN-3).

Whoever asks for a path gets the same verification afterwards, wherever the bytes came from: a store's answer, a file
on a stick, or the path itself. What may change and is not in the bundle counts as not there. What is named by content
or version, and not in it, comes from what stands behind the bundle; behind a stick there is nothing.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import Protocol

from sealring.authentic import Claim, read_claim
from sealring.bundle import (
    Entry,
    HaltEntry,
    PathEntry,
    ProofEntry,
    StatementEntry,
    TufEntry,
    ViewDifferenceEntry,
    ViewEntry,
    open_entries,
    write_bundle,
)
from sealring.catalogue.shelved_log import ShelvedLog
from sealring.catalogue.view import View
from sealring.catalogue.view_difference import apply_difference, parse_view_difference
from sealring.errors import TrustError
from sealring.statement import Brand, Delegation, Revocations, Root
from sealring_client.decide.answer.shelf import Shelf
from sealring_client.fetch.errors import LogTooShort, NotThere, TooMuch
from sealring_client.fetch.fetcher import Answer

MAX_ANSWER = 16 * 1024 * 1024  # bytes, packed and unpacked: the statements of a model with thousands of packages
_TIMESTAMP = "tuf/timestamp.json"
_TUF_ROOT = re.compile(r"tuf/([1-9][0-9]{0,15})\.root\.json")
_LOG_PATH = re.compile(r"v1/log/([1-9][0-9]{0,15})/([0-9]{1,16})")
_MAY_CHANGE = ("v1/roots/", "v1/brands/", "v1/heads/", "v1/authorities/", _TIMESTAMP)


class Reads(Protocol):
    """Brings a store's files, from wherever. Nothing that it returns is trusted."""

    def fetch(self, path: str, *, limit: int) -> bytes:
        """At most `limit` bytes, or NotThere / Unreachable; it never returns a part."""

    def fetch_if_changed(self, path: str, *, etag: str | None, limit: int) -> Answer:
        """As `fetch`, unless what the caller holds is still the newest."""


@dataclass
class AnswerSource:
    """The files of one store that one bundle holds.

    Args:
        behind: asked for what is named by content or version and is not in the bundle; None for nothing.
        tuf_root: the version up to which the asker has the store's TUF roots; later ones are in the bundle or nowhere.
        stamp: the timestamp as the store itself showed it just now, for where the bundle has none that is newer.
        held: the one that is held, which the store may still show.
    """

    name: str
    behind: Reads | None = None
    tuf_root: int = 0
    stamp: Answer | None = None
    held: bytes | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    statements: dict[str, bytes] = field(default_factory=dict)
    log: ShelvedLog = field(default_factory=ShelvedLog)
    """On a stick."""
    shown: set[str] = field(default_factory=set)
    """Digests of the statements that were asked for as the current ones of their subjects, and so have been judged."""
    _said: dict[str, dict[str, bytes]] = field(default_factory=dict)
    _heads: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        name: str,
        raw: bytes,
        shelf: Shelf,
        *,
        behind: Reads | None = None,
        tuf_root: int = 0,
        stamp: Answer | None = None,
        held: bytes | None = None,
    ) -> "AnswerSource":
        """The files that an answer makes, together with what the asker said that it has.

        Args:
            shelf: the statements of the view that was named in the question count as shown again.

        Raises:
            TrustError: these bytes are no whole bundle; nothing of it counts.
        """
        found = cls(name, behind, tuf_root, stamp, held)
        for entry in list(open_entries(BytesIO(raw), image_limit=0)):
            found._add(entry, shelf)
        for statement in shelf.named:
            found._add_statement(statement)
        if shelf.whole is not None:
            found.files.setdefault(f"v1/views/{shelf.whole.digest.hex()}", shelf.whole.raw)
        return found

    @classmethod
    def of_stick(cls, name: str, entries: Iterable[Entry]) -> "AnswerSource":
        """The files of one store on a stick, where the names of TUF files begin with the store's (BN-6)."""
        found, own, log = cls(name), f"{name}/", f"{name}/log/"
        files: dict[str, bytes] = {}
        for entry in entries:
            if not isinstance(entry, TufEntry):
                found._add(entry, Shelf())
            elif entry.name.startswith(log):
                files[entry.name.removeprefix(log)] = entry.data
            elif entry.name.startswith(own):
                found._add(TufEntry(entry.name.removeprefix(own), entry.data), Shelf())
        found.log = ShelvedLog.of(files)
        return found

    def fetch(self, path: str, *, limit: int) -> bytes:
        """One file, as its own path would give it."""
        found = self._file(path)
        if found is None:
            if self.behind is None or self._may_change(path):
                raise NotThere(self.name, path, 404)
            return self.behind.fetch(path, limit=limit)
        if len(found) > limit:
            raise TooMuch(self.name, path, limit)
        return found

    def fetch_if_changed(self, path: str, *, etag: str | None, limit: int) -> Answer:
        """As `fetch`, with the tag of a timestamp that did not come in the bundle.

        That a bundle has none is not taken as "no newer one": a word left out would freeze the device.
        """
        if path != _TIMESTAMP or path in self.files:
            return Answer(self.fetch(path, limit=limit), None)
        if self.stamp is None and self.behind is not None:
            known = f'"{sha256(self.held).hexdigest()}"' if self.held is not None else None
            answer = self.behind.fetch_if_changed(path, etag=known, limit=limit)
            return answer if answer.body is not None else Answer(self.held, known)
        if self.stamp is not None:
            return self.stamp if etag is None or etag != self.stamp.etag else Answer(None, etag)
        if self.held is not None:
            return Answer(self.held, None)
        raise NotThere(self.name, path, 404)

    def _file(self, path: str) -> bytes | None:
        authority = path.removeprefix("v1/authorities/")
        if authority != path:
            said = self._said.get(authority, {}).values()
            self.shown |= {sha256(raw).hexdigest() for raw in said}
            return write_bundle([StatementEntry(raw) for raw in said]) if said else None
        found = self.files.get(path)
        if found is not None and path.startswith("v1/heads/"):
            self.shown.add(sha256(found).hexdigest())
        return self._path_in_log(path) if found is None else found

    def _path_in_log(self, path: str) -> bytes | None:
        """LG-2: which entry a device saw last, who makes a stick can't know; from all leaves it finds its own way."""
        asked = _LOG_PATH.fullmatch(path)
        if asked is None:
            return None
        size, index = int(asked[1]), int(asked[2])
        if self.behind is None and index < self.log.first:
            raise LogTooShort(self.name, path, 404, index + 1, self.log.first + 1)
        return self.log.path(size, index)

    def _may_change(self, path: str) -> bool:
        # Whether there is a next root changes too: an answer that has none says that there is none.
        root = _TUF_ROOT.fullmatch(path)
        return path.startswith(_MAY_CHANGE) or (root is not None and int(root[1]) > self.tuf_root)

    def _add(self, entry: Entry, shelf: Shelf) -> None:
        match entry:
            case StatementEntry(envelope):
                self._add_statement(envelope)
            case TufEntry(name, data):
                self.files[f"tuf/{name}"] = data
            case ViewEntry(data):
                self.files[f"v1/views/{sha256(data).hexdigest()}"] = data
            case ViewDifferenceEntry(base, to, data):
                for view in _applied(shelf.view, base, to, data):
                    self.files[f"v1/views/{to.hex()}"] = view.raw
            case ProofEntry(root, keys, proof):
                self.files[f"v1/proofs/{root.hex()}/{','.join(key.hex() for key in keys)}"] = proof
            case PathEntry(under, sequence, path):
                self.files[f"v1/log/{under - 1}/{sequence - 1}"] = path
            case HaltEntry(data):
                self.files[f"v1/halts/{sha256(data).hexdigest()}"] = data

    def _add_statement(self, raw: bytes) -> None:
        digest = sha256(raw).hexdigest()
        if digest in self.statements:
            return
        self.statements[digest] = self.files[f"v1/statements/{digest}"] = raw
        with suppress(TrustError):  # ST-8: of a newer format, or rubbish: nobody asks for it but by its digest
            claim = read_claim(raw)
            for path, sequence in _places(claim):
                # The newest of a subject is what a store would show; which of them counts is not decided here.
                if sequence > self._heads.get(path, 0):
                    self._heads[path], self.files[path] = sequence, raw
                    if isinstance(claim.statement, Delegation | Revocations):
                        self._said.setdefault(claim.statement.authority, {})[path] = raw


def _places(claim: Claim) -> Iterator[tuple[str, int]]:
    """The paths at which a store would show this statement, and its sequence there."""
    said = claim.statement
    if isinstance(said, Root):
        yield f"v1/roots/{said.sequence}", said.sequence
        return
    if isinstance(said, Brand):
        yield f"v1/brands/{said.brand}/{said.sequence}", said.sequence
    yield f"v1/heads/{said.type}/{said.format}/{said.subject}", said.sequence


def _applied(held: View | None, base: bytes, to: bytes, data: bytes) -> Iterable[View]:
    """BN-5: the view that a difference makes of the held one; none where it was made for another."""
    if held is not None and held.digest == base:
        with suppress(TrustError):
            return [apply_difference(held, parse_view_difference(data), to)]
    return []
