"""A store in memory that answers the HTTP interface's paths over the core, honestly until a test changes it."""

import gzip
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

from sealring.bundle import Entry, ReportEntry, StatementEntry, in_order, read_bundle, write_bundle
from sealring.catalogue.entry import CatalogueEntry, first_entry, next_entry
from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.log import Frontier, inclusion_path
from sealring.catalogue.sparse import SparseMap
from sealring.catalogue.view import Subjects, make_view, view_key
from sealring.chain import read_claim
from sealring.envelope import Envelope
from sealring.halt import Halt, halt_head
from sealring.report import ShownReport, open_report
from sealring.statement import Brand, Common, Model, Root
from sealring.strict import encode
from sealring_client.fetch.errors import NoAnswer, NotThere, TooMuch
from sealring_client.fetch.fetcher import Answer, Body, Stream
from sealring_client.outside import Sign
from tests.answers import answer_of
from tests.tuf_repository import TufRepository


class SimulatedStore:
    """Publishes what it is given, unverified: a store may say anything. It keeps everything that it ever had."""

    def __init__(self, root_id: str, at: datetime, name: str = "main") -> None:
        self.root = bytes.fromhex(root_id)
        self.at = at
        self.name = name
        self.tuf = TufRepository(at, name)
        self.files: dict[str, bytes] = {}
        self.heads: dict[Subjects, Head] = {}
        self.models: list[Model] = []
        self.map = SparseMap.empty()
        self.maps: dict[str, SparseMap] = {}
        self.entries: list[CatalogueEntry] = []
        self.asked: list[str] = []
        self.down = False
        self.reports: list[ShownReport] = []
        """What devices have sent, each time that they sent it."""
        self.post_status = 204
        self.answer: Callable[[list[Entry]], list[Entry] | bytes] | None = list
        """What becomes of the honest entries of an answer; None: it knows of no answers, as an older store."""
        self.listed: Callable[[dict[Subjects, Head]], dict[Subjects, Head]] = dict
        """What of the map's heads its views list."""

    @property
    def pin(self) -> tuple[int, str]:
        """What a `store` statement pins."""
        return self.tuf.pin()

    def publish(self, statements: Iterable[Envelope], images: Iterable[bytes] = ()) -> None:
        """Make these current, as one new catalogue entry."""
        for image in images:
            self.files[f"v1/blobs/{sha256(image).hexdigest()}"] = image
        for envelope in statements:
            self._add(envelope, read_claim(envelope.raw).statement)
        self.publish_heads()

    def publish_heads(self) -> None:
        """A new entry for the heads as they are; a test may have changed them."""
        sequence = len(self.entries) + 1
        updates = {map_key(self.root, *about): head for about, head in self.heads.items()}
        for model in self.models:
            rows = {about: head for about, head in self.listed(self.heads).items() if about[0] != "halt"}
            view = make_view(self.root, model.name, rows)
            self.files[f"v1/views/{view.digest.hex()}"] = view.raw
            updates[view_key(self.root, model.name)] = view.leaf(sequence)
        self.map = SparseMap.empty().with_updates(updates)
        self.maps[self.map.root.hex()] = self.map
        self.entries.append(self._entry())
        self.tuf.at = self.at.replace(microsecond=0)
        self.tuf.publish(self.entries[-1].raw)

    def halt(self, halted: Envelope, at: datetime, /, reason: str = "3 of 9 failed", **more: Any) -> bytes:
        """Say that this release is to be begun no more, as a leaf of the map; the document."""
        said = read_claim(halted.raw).statement
        base = {"root": self.root.hex(), "release": said.subject, "id": halted.id, "reason": reason, "time": at}
        raw = encode(Halt(format=1, **{**base, **more}))
        self.heads["halt", 1, said.subject] = halt_head(raw, len(self.entries) + 1)
        self.files[f"v1/halts/{sha256(raw).hexdigest()}"] = raw
        self.publish_heads()
        return raw

    def _entry(self) -> CatalogueEntry:
        if not self.entries:
            return first_entry(root=self.root, map=self.map.root, size=len(self.map), time=self.at)
        log = Frontier()
        for entry in self.entries:
            log = log.append(entry.leaf)
        return next_entry(self.entries[-1], map=self.map.root, size=len(self.map), time=self.at, log=log.root)

    def _add(self, envelope: Envelope, statement: Common) -> None:
        about = (statement.type, 1, statement.subject)
        self.heads[about] = Head(statement.sequence, bytes.fromhex(envelope.id), bytes.fromhex(envelope.digest))
        self.files[f"v1/statements/{envelope.digest}"] = envelope.raw
        self.files[f"v1/heads/{statement.type}/1/{statement.subject}"] = envelope.raw
        if isinstance(statement, Root):
            self.files[f"v1/roots/{statement.sequence}"] = envelope.raw
        if isinstance(statement, Brand):
            self.files[f"v1/brands/{statement.brand}/{statement.sequence}"] = envelope.raw
        if isinstance(statement, Model):
            self.models = [one for one in self.models if one.name != statement.name] + [statement]

    # --- what a device sees

    def fetch(self, path: str, *, limit: int) -> bytes:
        self.asked.append(path)
        if self.down:
            raise NoAnswer(self.name, path, "down")
        found = self._file(path)
        if found is None:
            raise NotThere(self.name, path, 404)
        if len(found) > limit:
            raise TooMuch(self.name, path, limit)
        return found

    def fetch_if_changed(self, path: str, *, etag: str | None, limit: int) -> Answer:
        body = self.fetch(path, limit=limit)
        found = self.tag_of(body)
        return Answer(None if found == etag else body, found)

    @staticmethod
    def tag_of(body: bytes) -> str:
        """The ETag of these bytes."""
        return f'"{sha256(body).hexdigest()}"'

    def fetch_answer(self, path: str, *, limit: int) -> Body:
        body = self.fetch(path, limit=limit)
        return Body(body, len(gzip.compress(body, mtime=0)))

    def stream(self, path: str, *, offset: int, size: int, rate: int | None = None, sign: Sign | None = None) -> Stream:
        assert rate is None or rate > 0
        assert sign is None or callable(sign)
        raw = memoryview(self.fetch(path, limit=2 * size))
        return Stream(offset, iter([raw[offset:]]))

    def post(self, path: str, body: bytes, *, seconds: float) -> int:
        assert seconds > 0
        self.asked.append(path)
        if self.down:
            raise NoAnswer(self.name, path, "down")
        if path != "v1/reports" or self.post_status >= 300:
            return self.post_status if path == "v1/reports" else 404
        self.reports += [open_report(entry.data) for entry in read_bundle(body) if isinstance(entry, ReportEntry)]
        return self.post_status

    def close(self) -> None:
        """There is no connection."""

    def _file(self, path: str) -> bytes | None:
        if path in self.files:
            return self.files[path]
        if path.startswith("tuf/"):
            return self.tuf.files.get(path.removeprefix("tuf/"))
        if asked := re.fullmatch(r"v1/authorities/([a-z0-9-]+)", path):
            return self._said_by(asked[1])
        if self.answer and (asked := re.fullmatch(r"v1/answers/([^/?]+/[^/?]+)(?:\?(.*))?", path)):
            found = self.answer(answer_of(self, asked[1], asked[2] or ""))
            return found if isinstance(found, bytes) else write_bundle(in_order(found), parts=True)
        if asked := re.fullmatch(r"v1/proofs/([0-9a-f]{64})/([0-9a-f,]+)", path):
            held = self.maps.get(asked[1])
            return held.prove([bytes.fromhex(key) for key in asked[2].split(",")]) if held is not None else None
        if asked := re.fullmatch(r"v1/log/([0-9]+)/([0-9]+)", path):
            return inclusion_path([entry.leaf for entry in self.entries[: int(asked[1])]], int(asked[2]))
        return None

    def _said_by(self, authority: str) -> bytes:
        """What it holds of an authority's delegations and revocations; a test may take any of them out of `heads`."""
        kinds = ("delegation", "revocations")
        subjects = [about for about in self.heads if about[0] in kinds and about[2].split("/")[0] == authority]
        raws = [self.files[f"v1/heads/{kind}/1/{subject}"] for kind, _, subject in sorted(subjects)]
        return write_bundle([StatementEntry(raw) for raw in raws])
