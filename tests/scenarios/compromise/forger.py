"""A thief of all keys of a store: he shows whatever history he likes, signed as the store itself would sign it.

Entries, map, log, view and TUF files are made by the product's own code and python-tuf, with the online keys from the
store's folder and, where he wants it, the key of its TUF root. Only what brands and the root must sign he can't make.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from securesystemslib.signer import Signer
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

from sealring.bundle import StatementEntry, read_bundle, write_bundle
from sealring.catalogue.entry import CatalogueEntry, make_entry, parse_entry
from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.log import inclusion_path, root_of
from sealring.catalogue.sparse import SparseMap
from sealring.catalogue.view import make_view, view_key
from sealring.envelope import Envelope
from sealring.halt import halt_head, halt_key
from sealring.keyfile import load_key_file, open_key
from sealring.keyfile.tuf import TufSigner
from sealring.statement import parse_statement
from sealring_server.catalogue import last_entry
from sealring_server.here import open_store
from sealring_server.key_folder import KeyFolder
from sealring_server.schema import entries
from tests.hostile import Reply
from tests.scenarios.devices import MODEL

FAR = timedelta(days=3650)
_compact = JSONSerializer(compact=True)


@dataclass
class Forger:
    """One history of one store, as files by path. What he does not forge he leaves as it is (`change`)."""

    keys: Mapping[str, Signer]
    """Of each online role."""
    root: bytes
    log: list[CatalogueEntry]
    version: int
    """Of timestamp, snapshot and targets that he signed last."""
    at: datetime
    files: dict[str, bytes] = field(default_factory=dict)
    alias: dict[str, str] = field(default_factory=dict)
    """The subject under which an envelope is listed, by its digest, where it is not its own."""

    @classmethod
    def of(cls, folder: Path, at: datetime) -> "Forger":
        """The thief of this folder's keys, who knows its history so far."""
        here = open_store(folder, lambda: at)
        with here.database.reading() as connection:
            raws = connection.scalars(entries.select().with_only_columns(entries.c.raw).order_by(entries.c.sequence))
            log = [parse_entry(raw) for raw in raws]
            root = last_entry(connection).root
        here.database.close()
        return cls(online_signers(folder), root, log, 1000, at)

    def change(self, path: str, reply: Reply) -> Reply:
        """The answers of his store; for a line to the device."""
        found = self.files.get(path)
        return reply if found is None else Reply(200, (("ETag", f'"{sha256(found).hexdigest()}"'),), found)

    def list(self, *statements: Envelope, at: datetime | None = None, model: str = MODEL) -> CatalogueEntry:
        """One more entry after the last: a map and a view that list exactly these statements."""
        entry = self.entry(self.commit(statements, model), at=at)
        self.show(entry)
        return entry

    def commit(self, statements: Sequence[Envelope], model: str = MODEL) -> SparseMap:
        """A map whose view of `model` lists these; its files are served from now on."""
        heads = {}
        powers: dict[str, list[StatementEntry]] = {}
        for envelope in statements:
            said = parse_statement(envelope.payload)
            head = Head(said.sequence, bytes.fromhex(envelope.id), bytes.fromhex(envelope.digest))
            heads[str(said.type), 1, self.alias.get(envelope.digest, said.subject)] = head
            self.files[f"/v1/statements/{envelope.digest}"] = envelope.raw
            if said.type in ("brand", "model", "store"):
                self.files[f"/v1/heads/{said.type}/1/{said.subject}"] = envelope.raw
            if said.type == "brand":
                self.files[f"/v1/brands/{said.subject}/{said.sequence}"] = envelope.raw
            if said.type == "root":
                self.files[f"/v1/roots/{said.sequence}"] = envelope.raw
            found = powers.setdefault(said.authority, [])
            found += [StatementEntry(envelope.raw)] if said.type in ("delegation", "revocations") else []
        self.files |= {f"/v1/authorities/{name}": write_bundle(found) for name, found in powers.items()}
        view = make_view(self.root, model, heads)
        self.files[f"/v1/views/{view.digest.hex()}"] = view.raw
        leaves = {map_key(self.root, kind, 1, subject): head for (kind, _, subject), head in heads.items()}
        key = view_key(self.root, model)
        made = SparseMap.empty().with_updates({**leaves, key: view.leaf(1)})
        self.files[f"/v1/proofs/{made.root.hex()}/{key.hex()}"] = made.prove([key])
        return made

    def list_halted(
        self, statements: Sequence[Envelope], release: Envelope, halt: bytes | None, at: datetime | None = None
    ) -> CatalogueEntry:
        """As `list`, with this halt of this release in the map, or the proof that there is none."""
        made = self.commit(statements)
        key = halt_key(self.root, parse_statement(release.payload).subject)
        if halt is not None:
            made = made.with_updates({key: halt_head(halt, 1)})
            self.files[f"/v1/halts/{sha256(halt).hexdigest()}"] = halt
        for one in (key, view_key(self.root, MODEL)):
            self.files[f"/v1/proofs/{made.root.hex()}/{one.hex()}"] = made.prove([one])
        entry = self.entry(made, at=at)
        self.show(entry)
        return entry

    def add_power(self, authority: str, raw: bytes) -> None:
        """Show one envelope more among what this authority delegates and revokes, whatever it holds."""
        path = f"/v1/authorities/{authority}"
        shown = read_bundle(self.files[path]) if path in self.files else ()
        self.files[path] = write_bundle([*shown, StatementEntry(raw)])

    def entry(
        self, found: SparseMap, *, at: datetime | None = None, after: Sequence[CatalogueEntry] | None = None
    ) -> CatalogueEntry:
        """The entry after these (the true ones by default), for this map; it becomes his newest."""
        log = list(self.log if after is None else after)
        made = make_entry(
            root=self.root,
            map=found.root,
            size=len(found),
            sequence=len(log) + 1,
            time=at or self.at,
            previous=log[-1].digest if log else bytes(32),
            log=root_of([one.leaf for one in log]),
        )
        self.log = [*log, made]
        for index in range(len(log)):
            leaves = [one.leaf for one in log]
            self.files[f"/v1/log/{len(log)}/{index}"] = inclusion_path(leaves, index)
        return made

    def show(self, entry: CatalogueEntry) -> None:
        """Targets, snapshot and timestamp over this entry, each higher than any before, and good for ten years."""
        self.version += 1
        self.files[f"/tuf/targets/{entry.digest.hex()}.catalogue.json"] = entry.raw
        self.show_target(TargetFile(len(entry.raw), {"sha256": entry.digest.hex()}, "catalogue.json"))

    def show_target(self, target: TargetFile) -> None:
        """As `show`, whatever the targets say."""
        version, until = self.version, self.at + FAR
        self.sign(Targets(version=version, expires=until, targets={"catalogue.json": target}))
        self.sign(Snapshot(version=version, expires=until, meta={"targets.json": MetaFile(version)}))
        self.timestamp(version, version)

    def timestamp(self, version: int, snapshot: int, *, expires: datetime | None = None) -> None:
        """A timestamp that names this version of the snapshot."""
        until = expires or self.at + FAR
        self.sign(Timestamp(version=version, expires=until, snapshot_meta=MetaFile(snapshot)))

    def sign(self, signed: Timestamp | Snapshot | Targets, *signers: Signer) -> None:
        """One role's file, by its role's key or by these."""
        name = "timestamp.json" if signed.type == "timestamp" else f"{signed.version}.{signed.type}.json"
        self.files[f"/tuf/{name}"] = tuf_bytes(signed, *(signers or (self.keys[signed.type],)))


def online_signers(folder: Path) -> dict[str, Signer]:
    """The secret online keys in a store's folder, by role."""
    keys = KeyFolder(folder)
    found: dict[str, Signer] = {}
    for one in keys.read():
        raw = (keys.folder / one.secret.removeprefix("file:")).read_bytes()
        found[one.role] = TufSigner(open_key(load_key_file(keys.folder / one.place), raw))
    return found


def tuf_bytes(signed: Root | Timestamp | Snapshot | Targets, *signers: Signer) -> bytes:
    """One file of a TUF repository, signed by these."""
    metadata: Metadata[Any] = Metadata(signed)
    metadata.signatures.clear()
    for signer in signers:
        metadata.sign(signer, append=True)
    return metadata.to_bytes(_compact)


def endless_roots(first: bytes, root_signer: Signer) -> "EndlessRoots":
    """A chain of genuine TUF roots without an end."""
    return EndlessRoots(Metadata[Root].from_bytes(first).signed, root_signer)


@dataclass
class EndlessRoots:
    """Answers each question for one more root with one."""

    root: Root
    signer: Signer

    def change(self, path: str, reply: Reply) -> Reply:
        """For a line to the device."""
        name, _, rest = path.removeprefix("/tuf/").partition(".")
        if rest != "root.json" or not name.isdigit() or int(name) < 2:
            return reply
        self.root.version = int(name)
        return replace(Reply(200), body=tuf_bytes(self.root, self.signer))
