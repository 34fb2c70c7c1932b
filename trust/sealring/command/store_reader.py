"""Reading a store through its public paths, for people: all that it shows of some models, unverified (SPEC HT).

The same paths that devices ask. Nothing that comes is trusted: `sealring.doctor.world` judges it from the root.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from msgspec import UNSET

from sealring.bundle import StatementEntry, read_bundle
from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.proof import verify_proof
from sealring.catalogue.view import VIEW_FORMAT, verify_view, view_key
from sealring.chain import read_claim
from sealring.command.store_http import StoreClient, StoreRefused
from sealring.command.tuf_reader import read_tuf
from sealring.doctor.tuf_files import StoreTuf
from sealring.doctor.world import Piece, World, gather
from sealring.errors import TrustError
from sealring.statement import Common, Model, Release, Stack, Store

MAX_VERSIONS = 4096  # of the root, and of one brand
MAX_ABSENT = 32  # versions of a brand, one after the other


@dataclass(frozen=True)
class StoreReader(StoreClient):
    """One store, read only."""

    def get(self, path: str) -> bytes | None:
        """The answer's body; None where the store has nothing there.

        Raises:
            StoreUnreachable, StoreRefused, BadAnswer.
        """
        try:
            return self._ask("GET", path, b"", {}, (200,))[1]
        except StoreRefused as err:
            if err.status in (404, 410):
                return None
            raise

    def tuf(self, name: str) -> bytes | None:
        """A TUF file by its name."""
        return self.get(f"/tuf/targets/{name}" if name.endswith(".catalogue.json") else f"/tuf/{name}")


@dataclass
class StoreFound:
    """All that was read of one store."""

    pieces: list[Piece] = field(default_factory=list)
    tuf: StoreTuf | None = None
    notes: list[str] = field(default_factory=list)


class _Reading:
    def __init__(self, reader: StoreReader, anchor: bytes) -> None:
        self.reader, self.anchor, self.found = reader, anchor, StoreFound()
        self.brands: set[str] = set()
        self.seen: set[str] = set()

    def world(self) -> World:
        return gather(self.anchor, self.found.pieces)

    def add(self, path: str) -> bytes | None:
        raw = self.reader.get(path) if path not in self.seen else None
        self.seen.add(path)
        if raw is not None:
            self.found.pieces.append(Piece(raw, self.reader.url + path))
        return raw

    def roots(self) -> None:
        for version in range(1, MAX_VERSIONS):
            if self.add(f"/v1/roots/{version}") is None:
                return

    def brand(self, name: str) -> None:
        """Every version of a brand, and what it delegates and takes back."""
        if name in self.brands:
            return
        self.brands.add(name)
        head = self.add(f"/v1/heads/brand/1/{name}")
        last = 0
        if head is not None:
            try:
                last = min(read_claim(head).statement.sequence, MAX_VERSIONS)
            except TrustError:
                last = 0
        absent = 0
        for sequence in range(1, last):
            # BR-2: versions may be missing; a head that only claims a high number must not cost thousands of questions.
            absent = 0 if self.add(f"/v1/brands/{name}/{sequence}") is not None else absent + 1
            if absent == MAX_ABSENT:
                self.found.notes.append(
                    f"{self.reader.url}: versions of brand {name} after {sequence} were not asked for"
                )
                break
        self.authority(name)

    def authority(self, name: str) -> None:
        raw = self.reader.get(f"/v1/authorities/{name}")
        if raw is None:
            # A store of an older edition: the brand's own list at least has a head of its own.
            self.add(f"/v1/heads/revocations/1/{name}/{name}")
            return
        source = f"{self.reader.url}/v1/authorities/{name}"
        self.found.pieces += [
            Piece(entry.envelope, source) for entry in read_bundle(raw) if isinstance(entry, StatementEntry)
        ]

    def model(self, name: str) -> Model | None:
        """A model's statement, and those of its stores."""
        self.brand(name.partition("/")[0])
        if self.add(f"/v1/heads/model/1/{name}") is None:
            self.found.notes.append(f"{self.reader.url} has no model {name}")
        held = self.world().held.get(("model", name))
        said = held.statement if held is not None else None
        if not isinstance(said, Model):
            return None
        for brand in sorted({wanted.package.partition("/")[0] for wanted in said.packages}):
            self.brand(brand)
        for store in said.stores:
            self.add(f"/v1/heads/store/1/{store}")
        return said

    def view(self, name: str, entry: CatalogueEntry | None) -> None:
        """All that the store's view of a model lists."""
        for digest in self._listed(name, entry):
            path = f"/v1/statements/{digest}"
            if path not in self.seen and self.add(path) is None:
                self.found.notes.append(f"{self.reader.url} has not got {digest}, which its view of {name} lists")

    def also(self, named: Sequence[tuple[str, str]]) -> None:
        """What no view lists, by type and subject; then every revision that releases and stacks at hand name."""
        for kind, subject in named:
            self.add(f"/v1/heads/{kind}/1/{subject}")
        held = self.world().held
        for one in list(held.values()):
            for subject in _revisions(one.statement):
                if ("revision", subject) not in held:
                    self.add(f"/v1/heads/revision/1/{subject}")

    def _listed(self, name: str, entry: CatalogueEntry | None) -> Iterator[str]:
        if entry is None:
            return
        root = bytes.fromhex(self.world().chain.root_id)
        key = view_key(root, name)
        proof = self.reader.get(f"/v1/proofs/{entry.map.hex()}/{key.hex()}")
        leaf = verify_proof(proof, entry.map, [key]).present.get(key) if proof is not None else None
        raw = self.reader.get(f"/v1/views/{leaf.envelope.hex()}") if leaf is not None else None
        if leaf is None or raw is None:
            self.found.notes.append(f"{self.reader.url} has no view of {name}")
            return
        for (_, number, _), head in verify_view(raw, leaf, root=root, model=name).heads.items():
            if number == VIEW_FORMAT:
                yield head.envelope.hex()


def _revisions(said: Common) -> Iterator[str]:
    """The subjects of the revisions that a release or a stack names; the one before may be gone, and is asked for."""
    if isinstance(said, Release):
        for target in said.targets:
            yield f"{said.name}/{target.revision}/{target.architecture}"
            if target.previous is not UNSET:
                yield f"{said.name}/{target.previous}/{target.architecture}"
    elif isinstance(said, Stack):
        yield from (f"{part.package}/{part.revision}/{part.architecture}" for part in said.parts)


def read_store(
    url: str,
    anchor: bytes,
    models: Sequence[str],
    brands: Sequence[str] = (),
    also: Sequence[tuple[str, str]] | None = None,
) -> StoreFound:
    """What a store shows of these models and brands, with its TUF files.

    Args:
        anchor: the root that the person trusts; it tells which `store` statement of those found is to be believed.
        also: type and subject of what no model follows; if given, every revision that is named is asked for too.

    Raises:
        SealringError: when the store can't be reached, or answers what no store answers.
    """
    url = url.rstrip("/")
    reading = _Reading(StoreReader(url), anchor)
    reading.roots()
    reading.authority("root")
    for brand in brands:
        reading.brand(brand)
    for model in models:
        reading.model(model)
    store = store_at(reading.world(), url)
    tuf = read_tuf(reading.reader.tuf, store)
    for model in models:
        # What does not verify as TUF leads nowhere: a view that nobody stands behind would only mislead.
        reading.view(model, tuf.entry if not tuf.refused else None)
    if also is not None:
        reading.also(also)
    reading.found.tuf = tuf.told(store.name if store else url, url, pinned=store is not None)
    return reading.found


def store_at(world: World, url: str) -> Store | None:
    """The store whose statement in force names this address, if one does."""
    found = [one.statement for one in world.held.values() if isinstance(one.statement, Store)]
    return next((said for said in found if url in said.urls), None)
