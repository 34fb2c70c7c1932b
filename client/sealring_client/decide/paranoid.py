"""Every row of a view proved by itself, and that nothing was left out (SPEC VW-4).

A view is computed by the store. One that has all of its keys could list in it what its map does not have, or leave
out a revocation that its map shows to everybody else. The map's own proofs tell.
"""

from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeAlias

from msgspec import UNSET

from sealring.authentic import read_claim
from sealring.bundle import Entry, ProofEntry, TufEntry, ViewEntry, in_order, write_bundle
from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.proof import MAX_KEYS, MAX_PROOF, verify_proof
from sealring.catalogue.view import Subjects, View, view_key
from sealring.errors import TrustError
from sealring.names import ROOT
from sealring.statement import FORMATS, Common, Delegation, Model, Release, Stack
from sealring_client.decide.answer import Reads
from sealring_client.decide.learn import concerns
from sealring_client.decide.listed import Bring, from_anywhere
from sealring_client.decide.store_view import CATALOGUE, StoreFiles, StoreView
from sealring_client.decide.trusted import Trusted
from sealring_client.disk import make_folder_durably, write_durably

MAX_ACCUSED = 8  # stores of which evidence is kept
_TUF_FILES = ("root.json", "timestamp.json", "snapshot.json", "targets.json", CATALOGUE)
_PREFIX = "view."
About: TypeAlias = tuple[str, str]
"""A type and a subject."""


@dataclass(eq=False)
class ViewDisagrees(TrustError):
    """A store's view and its map say different things of one subject (SPEC VW-4)."""

    store: str
    about: Subjects
    view: Head | None
    map: Head | None

    rule: ClassVar[str] = "VW-4"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        kind, number, subject = self.about
        said = f"its view lists {_words(self.view)}, its map has {_words(self.map)}"
        return f"store {self.store}, {kind} {subject} (format {number}): {said}"

    def hint(self) -> str:
        return (
            "show the operator `evidence/` on this device: the store signed both; other stores are asked all the same"
        )


def check_rows(
    found: StoreView,
    source: Reads,
    files: StoreFiles,
    trusted: Trusted,
    held: MutableMapping[str, bytes],
    folder: Path,
) -> None:
    """Demand the proof of each row, and of the absence of all that the rows lead to and the view does not list.

    Args:
        files: what the store's TUF half has signed, which goes into the evidence.
        held: envelopes at hand, by digest.
        folder: the device's, below which evidence is kept.

    Raises:
        ViewDisagrees: both are kept as evidence.
        TrustError, Unreachable: a proof or a statement could not be had.
    """
    view, bring = found.view, from_anywhere(held, source)
    wanted: dict[Subjects, Head | None] = dict(view.heads)
    for kind, subject in led_to(view, bring, trusted):
        for number in FORMATS:
            wanted.setdefault((kind, number, subject), None)
    by_key = {map_key(view.root, *about): about for about in wanted}
    keys = sorted(by_key)
    for first in range(0, len(keys), MAX_KEYS):
        asked = keys[first : first + MAX_KEYS]
        path = f"v1/proofs/{found.entry.map.hex()}/{','.join(key.hex() for key in asked)}"
        proof = source.fetch(path, limit=MAX_PROOF)
        present = verify_proof(proof, found.entry.map, asked).present
        for about, key in sorted((by_key[key], key) for key in asked):
            said = present.get(key)
            if said != wanted[about] and not _is_of_no_concern(about, said, view.model, bring, trusted):
                err = ViewDisagrees(found.store.statement.name, about, wanted[about], said)
                keep_evidence(folder, found, files, source, ProofEntry(found.entry.map, tuple(asked), proof))
                raise err


def led_to(view: View, bring: Bring, trusted: Trusted) -> Iterator[About]:
    """Everything that VW-2 lets a view of this model list, as far as its rows and what is held lead to it.

    Raises:
        TrustError, Unreachable: a listed statement can't be had.
    """
    says = list(_read(view, bring))
    models = [said for said in says if isinstance(said, Model) and said.name == view.model]
    roots = [int(subject) for kind, _, subject in view.heads if kind == "root" and subject.isdecimal()]
    yield "root", str(max(roots, default=0) + 1)
    yield "revocations", f"{ROOT}/{ROOT}"
    yield "model", view.model
    brands = {view.model.partition("/")[0]}
    architectures = {model.architecture for model in models}
    for model in models:
        yield from (("store", store) for store in model.stores)
        yield from (("release", f"{one.package}/{one.channel}") for one in model.packages)
        brands |= {one.package.partition("/")[0] for one in model.packages}
        if isinstance(model.stack, str):
            yield "stack", model.stack
    for brand in sorted(brands):
        yield "brand", brand
        yield "revocations", f"{brand}/{brand}"
    for said in says:
        yield from _named(said, architectures)
    # What no row leads to, this device may know of: a delegation that the view leaves out.
    for kind, subject in trusted.floors.highest:
        if kind == "delegation" and subject.partition("/")[0] in brands:
            yield kind, subject


def _named(said: Common, architectures: set[str]) -> Iterator[About]:
    if isinstance(said, Delegation):
        yield "revocations", said.subject
    if isinstance(said, Release):
        for target in said.targets:
            if target.architecture in architectures:
                yield "revision", f"{said.name}/{target.revision}/{target.architecture}"
                if target.previous is not UNSET:
                    yield "revision", f"{said.name}/{target.previous}/{target.architecture}"
    if isinstance(said, Stack):
        for part in said.parts:
            if part.architecture in architectures:
                yield "revision", f"{part.package}/{part.revision}/{part.architecture}"


def _read(view: View, bring: Bring) -> Iterator[Common]:
    """The listed statements that lead on, as they are read here; nobody need vouch for them: the rows are proved."""
    for (kind, number, _), head in view.heads.items():
        if kind in ("model", "release", "stack", "delegation") and number in FORMATS:
            raw = bring(head.envelope.hex())
            with suppress(TrustError):
                yield read_claim(raw).statement


def _is_of_no_concern(about: Subjects, said: Head | None, model: str, bring: Bring, trusted: Trusted) -> bool:
    """Whether it is a delegation that was narrowed, so that the view rightly does not list it (VW-2)."""
    if about[0] != "delegation" or said is None:
        return False
    raw = bring(said.envelope.hex())
    with suppress(TrustError):
        found = read_claim(raw)
        exact = (found.envelope.id, found.envelope.digest) == (said.id.hex(), said.envelope.hex())
        return exact and isinstance(found.statement, Delegation) and not concerns(found.statement, trusted, model)
    return False


def keep_evidence(folder: Path, found: StoreView, files: StoreFiles, source: Reads, proof: ProofEntry) -> None:
    """One bundle a store, at most 8 of them: TUF files, entry, the view with its proof, and the proof against it.

    Raises:
        DiskError, NoSpace, Unreachable.
    """
    place = folder / "evidence" / f"{_PREFIX}{found.store.statement.name.replace('/', '.')}"
    if place.exists() or len(accused(folder)) >= MAX_ACCUSED:
        return  # the first one is enough, and each check would write another
    key = view_key(found.view.root, found.view.model)
    listed = source.fetch(f"v1/proofs/{found.entry.map.hex()}/{key.hex()}", limit=MAX_PROOF)
    entries: list[Entry] = [ViewEntry(found.view.raw), ProofEntry(found.entry.map, (key,), listed), proof]
    entries += [TufEntry(name, raw) for name in _TUF_FILES if (raw := files.load(name)) is not None]
    make_folder_durably(place.parent)
    write_durably(place, write_bundle(in_order(entries)))


def accused(folder: Path) -> list[Path]:
    """The evidence that is kept against stores."""
    return sorted((folder / "evidence").glob(f"{_PREFIX}*"))


def _words(head: Head | None) -> str:
    return f"sequence {head.sequence}, id {head.id.hex()[:16]}" if head is not None else "none"
