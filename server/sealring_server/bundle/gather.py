"""Gathers and verifies what devices of some models need, from one store (SPEC BN-6, MP-4, VW-3, TF-3 to TF-5)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from msgspec import UNSET

from sealring.authentic import Claim, read_claim
from sealring.bundle import Entry, HaltEntry, ProofEntry, StatementEntry, TufEntry, ViewEntry
from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.leaf import map_key
from sealring.catalogue.proof import MAX_KEYS, verify_proof
from sealring.catalogue.view import View, verify_view, view_key
from sealring.doctor.world import Piece, World, gather
from sealring.errors import TrustError
from sealring.halt import halt_key
from sealring.names import ROOT
from sealring.statement import (
    FORMATS,
    Common,
    Delegation,
    Model,
    Release,
    RevisionStatement,
    Stack,
    Store,
    UnknownFormat,
)
from sealring.tuf_set import (
    CATALOGUE,
    MAX_ROOTS,
    catalogue_of,
    check_catalogue,
    check_snapshot,
    check_targets,
    check_timestamp,
    targets_of,
    verify_roots,
)
from sealring_server.bundle.log_leaves import MAX_KEPT, shelved_log
from sealring_server.bundle.source import Source
from sealring_server.bundle.told import NotInStore
from sealring_server.views.rules import About, needed, released, stacked

MAX_VERSIONS: Final = 4096  # of the root, and of one brand


@dataclass
class Gathered:
    """What one bundle holds, but for the bytes of its images."""

    statements: dict[str, bytes] = field(default_factory=dict)
    """Envelopes by their digests."""
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    """All else, by kind and name."""
    images: dict[str, int] = field(default_factory=dict)
    """Sizes of images by their digests."""
    stores: dict[str, int] = field(default_factory=dict)
    """The newest entry of each store."""
    told: list[str] = field(default_factory=list)
    log_blocks: int = MAX_KEPT
    """How much of each store's log goes along."""

    def add(self, kind: str, name: str, entry: Entry) -> bool:
        """Take an entry in; whether its name was free, or had the same bytes."""
        return self.entries.setdefault((kind, name), entry) == entry

    def add_statement(self, raw: bytes) -> None:
        """Take an envelope in."""
        self.statements.setdefault(sha256(raw).hexdigest(), raw)


@dataclass(frozen=True)
class Catalogue:
    """One store's newest entry, and the TUF files that lead to it from the pinned root, by their names."""

    store: str
    entry: CatalogueEntry
    files: Mapping[str, bytes]


def gather_models(source: Source, anchor: bytes, models: Sequence[str], into: Gathered) -> None:
    """Add what devices of these models need, verified from the root, as far as this store has it.

    Args:
        anchor: the root that the person trusts, of any version.

    Raises:
        NotInStore, TrustError: something is not there, or does not verify.
        Unreachable: by URL.
    """
    for model in models:
        _Model(source, anchor, model, into).gather()


class _Model:
    def __init__(self, source: Source, anchor: bytes, model: str, into: Gathered) -> None:
        self.source, self.anchor, self.model, self.into = source, anchor, model, into
        self.pieces: dict[str, bytes] = {}

    def gather(self) -> None:
        said = self._model()
        world = self._authorities(said)
        catalogue = self._catalogue(said, world)
        root = bytes.fromhex(world.chain.root_id)
        view = self._view(catalogue, root)
        listed = [self._listed(head.envelope.hex()) for head in view.heads.values()]
        claims = [claim for claim in listed if claim is not None]
        self._check_vouched(claims)
        for raw in self.pieces.values():
            self.into.add_statement(raw)
        self.into.add("view", view.digest.hex(), ViewEntry(view.raw))
        self._proofs(catalogue.entry, view, claims, said)
        self._tuf(catalogue)
        self._images(said, claims)

    # --- who speaks, and which store this is

    def _model(self) -> Model:
        raw = self.source.head("model", self.model)
        if raw is None:
            raise NotInStore(self.source.name, f"no model {self.model}")
        said = self._keep(raw).statement
        if not isinstance(said, Model) or said.name != self.model:
            raise NotInStore(self.source.name, f"what it shows as model {self.model} is {said.title}")
        return said

    def _authorities(self, said: Model) -> World:
        """Roots one by one, brands' versions and what they delegate: enough to know whom to believe (DV-3)."""
        for version in range(1, MAX_VERSIONS):
            raw = self.source.root(version)
            if raw is None:
                break
            self._keep(raw)
        for brand in sorted({said.authority, *(one.package.partition("/")[0] for one in said.packages)}):
            raw = self.source.head("brand", brand)
            last = self._keep(raw).statement.sequence if raw is not None else 0
            for sequence in range(1, min(last, MAX_VERSIONS)):
                # BR-2: versions may be missing; a device walks over those that are there.
                raw = self.source.brand(brand, sequence)
                if raw is not None:
                    self._keep(raw)
        for store in said.stores:
            raw = self.source.head("store", store)
            if raw is not None:
                self._keep(raw)
        return self._world([*self.source.governing(ROOT), *self.source.governing(said.authority)])

    def _world(self, more: Iterable[bytes] = ()) -> World:
        pieces = [Piece(raw, self.source.name) for raw in (*self.pieces.values(), *more)]
        return gather(self.anchor, pieces)

    def _keep(self, raw: bytes) -> Claim:
        claim = read_claim(raw)
        self.pieces[claim.envelope.digest] = raw
        return claim

    # --- the store's own word

    def _catalogue(self, said: Model, world: World) -> Catalogue:
        """TF-8: which of the model's stores this is shows the pinned root; its files lead to the newest entry."""
        for name in said.stores:
            one = world.held.get(("store", name))
            if one is None or not isinstance(one.statement, Store):
                continue
            pin = one.statement.tuf
            raw = self.source.tuf(f"{pin.version}.root.json")
            if raw is not None and sha256(raw).hexdigest() == pin.sha256:
                return _catalogue(self.source, name, pin.version)
        raise NotInStore(
            self.source.name, f"its TUF root is pinned by no store of {self.model} that verifies from --root"
        )

    def _view(self, catalogue: Catalogue, root: bytes) -> View:
        key = view_key(root, self.model)
        proof = self._proof(catalogue.entry, (key,))
        leaf = verify_proof(proof, catalogue.entry.map, [key]).present.get(key)
        raw = self.source.view(leaf.envelope.hex()) if leaf is not None else None
        if leaf is None or raw is None:
            raise NotInStore(self.source.name, f"no view of {self.model} at entry {catalogue.entry.sequence}")
        return verify_view(raw, leaf, root=root, model=self.model)

    def _proof(self, entry: CatalogueEntry, keys: tuple[bytes, ...]) -> bytes:
        proof = self.source.proof(entry.map, keys)
        if proof is None:
            raise NotInStore(self.source.name, f"no proof under the map of entry {entry.sequence}")
        verify_proof(proof, entry.map, keys)
        named = ",".join(key.hex() for key in keys)
        self.into.add("proof", f"{entry.map.hex()}/{named}", ProofEntry(entry.map, keys, proof))
        return proof

    def _listed(self, digest: str) -> Claim | None:
        """A statement of the view; none where only a newer edition can read it, for whose devices it goes along."""
        raw = self.pieces.get(digest) or self.source.statement(digest)
        if raw is None or sha256(raw).hexdigest() != digest:
            raise NotInStore(self.source.name, f"no statement {digest}, which its view of {self.model} lists")
        try:
            return self._keep(raw)
        except UnknownFormat:
            self.pieces[digest] = raw
            return None

    def _check_vouched(self, claims: Sequence[Claim]) -> None:
        """What is listed and nobody of today vouches for is told, and taken along: a device judges for itself."""
        held = self._world().held
        for claim in claims:
            said = claim.statement
            subject = ("root", ROOT) if said.type == "root" else (said.type, said.subject)
            if subject in held or said.type == "root":
                continue
            if said.type in ("model", "store", "brand"):
                raise NotInStore(self.source.name, f"nobody of today vouches for {said.title}")
            self.into.told.append(f"nobody of today vouches for {said.title}: devices refuse it")

    # --- what goes along

    def _proofs(self, entry: CatalogueEntry, view: View, claims: Sequence[Claim], said: Model) -> None:
        """Each row by itself, for devices that ask so (VW-4), and for each rollout whether it is halted (HL-3)."""
        abouts = set(view.heads)
        root = max((int(subject) for kind, _, subject in view.heads if kind == "root"), default=0)
        led = {("root", str(root + 1)), *needed(said, _Says(claims))}
        abouts |= {(kind, number, subject) for kind, subject in led for number in FORMATS}
        keys = sorted({map_key(view.root, *about) for about in abouts})
        for first in range(0, len(keys), MAX_KEYS):
            self._proof(entry, tuple(keys[first : first + MAX_KEYS]))
        for claim in claims:
            if isinstance(claim.statement, Release) and claim.statement.rollout is not UNSET:
                self._halt(entry, halt_key(view.root, claim.statement.subject))

    def _halt(self, entry: CatalogueEntry, key: bytes) -> None:
        leaf = verify_proof(self._proof(entry, (key,)), entry.map, [key]).present.get(key)
        if leaf is None:
            return
        raw = self.source.halt(leaf.envelope.hex())
        if raw is None or sha256(raw).digest() != leaf.envelope:
            raise NotInStore(self.source.name, f"no halt {leaf.envelope.hex()}, which entry {entry.sequence} has")
        self.into.add("halt", leaf.envelope.hex(), HaltEntry(raw))

    def _tuf(self, catalogue: Catalogue) -> None:
        files = dict(catalogue.files)
        if catalogue.store not in self.into.stores:
            files |= self._log(catalogue)
        self.into.stores[catalogue.store] = catalogue.entry.sequence
        for name, raw in files.items():
            self.into.add("tuf", f"{catalogue.store}/{name}", TufEntry(f"{catalogue.store}/{name}", raw))

    def _log(self, catalogue: Catalogue) -> dict[str, bytes]:
        """LG-2: for devices that saw an earlier entry, which can't ask a stick for their own path."""
        before = catalogue.entry.sequence - 1
        log = shelved_log(self.source.entries(before), catalogue.entry, self.into.log_blocks)
        if log.first:
            older = f"a device that saw none after entry {log.first} needs a network"
            self.into.told.append(f"{catalogue.store}: its log is here from entry {log.first + 1} on: {older}")
        return {f"log/{name}": raw for name, raw in log.files()}

    def _images(self, said: Model, claims: Sequence[Claim]) -> None:
        """IM-2: what releases and the stack name for this architecture; of `previous` only what is still here."""
        says = _Says(claims)
        revisions = {one.statement.subject: one.statement for one in claims}
        for subject, is_needed in sorted(_revisions(said, says).items()):
            revision = revisions.get(subject)
            if not isinstance(revision, RevisionStatement):
                continue
            digest = revision.image.sha256
            size = self.source.image_size(digest)
            if size == revision.image.size:
                self.into.images[digest] = size
            elif is_needed:
                raise NotInStore(self.source.name, f"no image of {revision.title} ({digest})")
            else:
                self.into.told.append(f"the image of {revision.title}, which came before, is not here")


class _Says:
    """What the listed statements lead on to (SPEC VW-2)."""

    def __init__(self, claims: Iterable[Claim]) -> None:
        self._all: list[Common] = [claim.statement for claim in claims]

    def releases(self, subject: str) -> list[Release]:
        """The releases of this subject."""
        return [one for one in self._all if isinstance(one, Release) and one.subject == subject]

    def stacks(self, subject: str) -> list[Stack]:
        """The stacks of this subject."""
        return [one for one in self._all if isinstance(one, Stack) and one.subject == subject]

    def delegations(self, brand: str) -> list[Delegation]:
        """The delegations of this brand."""
        return [one for one in self._all if isinstance(one, Delegation) and one.authority == brand]


def _revisions(said: Model, says: _Says) -> dict[str, bool]:
    """The revisions whose images devices may install, and whether a device with nothing needs them."""
    found: dict[str, bool] = {}
    wanted: list[About] = []
    newest: set[str] = set()
    for one in said.packages:
        releases = says.releases(f"{one.package}/{one.channel}")
        wanted += released(releases, said.architecture)
        targets = [target for release in releases if (target := release.target(said.architecture)) is not None]
        newest |= {f"{one.package}/{target.revision}/{said.architecture}" for target in targets}
    if isinstance(said.stack, str):
        parts = list(stacked(says.stacks(said.stack), said.architecture))
        wanted += parts
        newest |= {subject for _, subject in parts}
    for _, subject in wanted:
        found[subject] = subject in newest
    return found


def _catalogue(source: Source, store: str, first: int) -> Catalogue:
    """The store's files from the root of this version on, each verified by those above it (TF-3 to TF-5)."""
    files: dict[str, bytes] = {}

    def get(name: str) -> bytes:
        raw = source.tuf(name)
        if raw is None:
            raise NotInStore(source.name, f"no TUF file {name}")
        files[name] = raw
        return raw

    chain = [get(f"{first}.root.json")]
    while len(chain) <= MAX_ROOTS and source.tuf(f"{first + len(chain)}.root.json") is not None:
        chain.append(get(f"{first + len(chain)}.root.json"))
    root = verify_roots(chain)
    timestamp = check_timestamp(root, get("timestamp.json"))
    snapshot = check_snapshot(root, timestamp, get(f"{timestamp.snapshot_meta.version}.snapshot.json"))
    targets = check_targets(root, snapshot, get(f"{targets_of(snapshot).version}.targets.json"))
    digest = catalogue_of(targets).hashes["sha256"]
    entry = check_catalogue(targets, get(f"targets/{digest}.{CATALOGUE}"))
    # A device that saw an earlier root walks from there, also where a newer `store` statement pins a later one.
    for version in range(first - 1, 0, -1):
        raw = source.tuf(f"{version}.root.json")
        if raw is None:
            break
        files[f"{version}.root.json"] = raw
    return Catalogue(store, entry, files)


def small_entries(found: Gathered) -> Iterator[Any]:
    """All entries but images, in one order for one content."""
    yield from (StatementEntry(raw) for _, raw in sorted(found.statements.items(), key=_place))
    yield from (entry for _, entry in sorted(found.entries.items()))


def _place(item: tuple[str, bytes]) -> tuple[str, str, int, int, str]:
    try:
        said = read_claim(item[1]).statement
    except TrustError:  # ST-8: of a newer format
        return "~", "", 0, 0, item[0]
    return said.type, said.subject, said.format, said.sequence, item[0]
