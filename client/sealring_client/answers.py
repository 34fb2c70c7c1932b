"""From each store one answer, asked for once in a check, and when to do without it (SPEC AN-1, AN-3)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from tuf.api.metadata import Timestamp

from sealring.catalogue.view import View
from sealring.errors import TrustError, Unreachable
from sealring.statement import FORMATS, Delegation, Model
from sealring_client.decide.answer import MAX_ANSWER, AnswerSource, Question, Reads, Shelf, load_shelf
from sealring_client.decide.answer.question import Versions, version_of, versions_held
from sealring_client.decide.answer.shelf import listed_in
from sealring_client.decide.learn import concerns
from sealring_client.decide.listed import AUTHORITIES, heads_held
from sealring_client.decide.state import TrustState
from sealring_client.decide.store_view import StoreFiles, held_entry
from sealring_client.decide.trusted import Trusted
from sealring_client.device_file import Device
from sealring_client.fetch.fetcher import Answer
from sealring_client.fetch.link import StoreLink
from sealring_client.poll import Stamp


@dataclass
class Answers:
    """The stores' answers of one check; `held` collects every envelope that is at hand, by digest."""

    device: Device
    stamps: Mapping[str, Stamp]
    held: dict[str, bytes] = field(default_factory=dict)
    _sources: dict[StoreLink, tuple[AnswerSource, Shelf] | None] = field(default_factory=dict)
    _plain: set[str] = field(default_factory=set)

    def source(self, link: StoreLink, trusted: Trusted, state: TrustState) -> Reads:
        """Where this store's files come from: its answer, or its paths where it has none that is of use."""
        if link.name in self._plain:
            return link
        if link not in self._sources:
            self._sources[link] = self._asked(link, trusted, state)
        found = self._sources[link]
        return found[0] if found is not None else link

    def forget(self, link: StoreLink) -> None:
        """From now on this store is asked at another address, by an answer of its own (DV-6)."""
        self._sources.pop(link, None)
        self._plain.discard(link.name)

    def is_by_answer(self, link: StoreLink) -> bool:
        """Whether this store's files come from an answer."""
        return link.name not in self._plain and self._sources.get(link) is not None

    def do_without(self, name: str) -> None:
        """From now on this store is asked by its plain paths: its answer was no help."""
        self._plain.add(name)

    def keeps_back(self, link: StoreLink, view: View, trusted: Trusted, *, refused: bool) -> bool:
        """Whether this store's paths may show more than its answer did, by the view that it has proved.

        An answer is an optimisation: what came of it has to be what the plain paths give.

        Args:
            refused: something that the answer showed was refused.
        """
        found = self._sources.get(link)
        if not self.is_by_answer(link) or found is None:
            return False
        source, shelf = found
        if refused and _shows_more(source, view, trusted):
            return True
        for kind, digest in unknown_heads(view, trusted):
            # What was shown has been judged, and refused by its own rule. To a root or a brand steps lead, of which
            # one may have been kept back.
            if kind in ("root", "brand") or digest not in source.shown:
                return True
        return any(_is_gone(subject, view, shelf) for subject in _covering(trusted, self.device.model))

    def _asked(self, link: StoreLink, trusted: Trusted, state: TrustState) -> tuple[AnswerSource, Shelf] | None:
        anchor = self.device.anchor.envelope
        self.held.update({anchor.digest: anchor.raw, **state.statements})
        folder, root = self.device.folder / "stores" / link.name, trusted.chain.root_id
        shelf = load_shelf(folder, self.held, root=root, model=self.device.model)
        files, seen = StoreFiles(folder), state.stores.get(link.name)
        held = files.load("timestamp.json")
        stamp, versions = self._stamp(link, held), versions_held(files.load) if seen is not None else Versions()
        if stamp is not None:
            versions = Versions(versions.root, version_of(stamp.body, Timestamp), versions.snapshot, versions.targets)
        entry = held_entry(files, seen)
        question = Question(
            self.device.model,
            trusted.chain.root.statement.sequence,
            _brands(trusted, self.device.model),
            versions,
            entry.sequence if entry is not None else 0,
            shelf.whole.digest.hex() if shelf.whole is not None else "",
        )
        try:
            raw = link.fetch_answer(question.path, limit=MAX_ANSWER)
            source = AnswerSource.read(
                link.name, raw, shelf, behind=link, tuf_root=versions.root, stamp=stamp, held=held
            )
        except (TrustError, Unreachable):
            return None  # an older store, a mirror of files, or one that lies: its plain paths decide
        self.held.update({**shelf.statements, **source.statements})
        return source, shelf

    def _stamp(self, link: StoreLink, held: bytes | None) -> Answer | None:
        """The timestamp as a poll found it just now: other bytes, or those that are held."""
        stamp = self.stamps.get(link.name)
        # DV-6: what one address showed is not read with what another shows.
        if stamp is None or stamp.address != link.address:
            return None
        if stamp.body is not None:
            return Answer(stamp.body, stamp.etag) if version_of(stamp.body, Timestamp) else None
        same = held is not None and sha256(held).hexdigest() == stamp.sha256
        return Answer(held, stamp.etag) if same and version_of(held, Timestamp) else None


def unknown_heads(view: View, trusted: Trusted) -> Iterator[tuple[str, str]]:
    """Type and digest of what the view lists of authorities and the device does not hold, nor anything newer."""
    held = heads_held(trusted)
    for (kind, number, subject), head in view.heads.items():
        if kind in AUTHORITIES and number in FORMATS:
            sequence, id = held.get((kind, "" if kind == "root" else subject), (0, ""))
            if head.sequence > sequence or (head.sequence == sequence and head.id.hex() != id):
                yield kind, head.envelope.hex()


def _brands(trusted: Trusted, model: str) -> dict[str, int]:
    """What is held of the brands that this model's view is about."""
    said = trusted.floors.get(Model, model)
    wanted = {model.partition("/")[0]}
    wanted |= {one.package.partition("/")[0] for one in said.statement.packages} if said is not None else set()
    found = {name: trusted.known_brand(name) for name in wanted}
    return {name: one.statement.sequence for name, one in found.items() if one is not None}


def _shows_more(source: AnswerSource, view: View, trusted: Trusted) -> bool:
    """Whether the answer had current statements that the view does not list, or a next root that was refused."""
    root = f"v1/roots/{trusted.chain.root.statement.sequence + 1}"
    return bool(source.shown - listed_in(view)) or root in source.files


def _covering(trusted: Trusted, model: str) -> Collection[str]:
    """The held delegations that matter to this model, as they are held."""
    held = [trusted.floors.get(Delegation, subject) for kind, subject in trusted.floors.highest if kind == "delegation"]
    return [one.statement.subject for one in held if one is not None and concerns(one.statement, trusted, model)]


def _is_gone(subject: str, view: View, shelf: Shelf) -> bool:
    """Whether a delegation that this store listed is no longer listed: it was narrowed, and the narrow one is no part
    of the view (VW-2), nor of the answer (AU-6)."""
    if any(view.head("delegation", number, subject) is not None for number in FORMATS):
        return False
    before = shelf.whole
    return before is None or any(before.head("delegation", number, subject) is not None for number in FORMATS)
