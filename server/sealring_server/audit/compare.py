"""Two observations of one store: the same history, the older in the newer, or a fork (SPEC CT-5, LG-2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sealring.bundle import PathEntry
from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.follows import HistoryNotShown
from sealring.catalogue.log import inclusion_path, leaf_hash, verify_inclusion
from sealring.errors import SealringError, TrustError
from sealring.tuf_form import MAX_TUF_FILE
from sealring.tuf_set import Vouched, mark_of
from sealring_server.audit.asking import Asking
from sealring_server.audit.errors import OtherStore
from sealring_server.audit.evidence import Evidence
from sealring_server.audit.judgement import Judgement
from sealring_server.audit.log_path import ask_path, fork_by_path
from sealring_server.audit.observation import Observation, in_common, read_files
from sealring_server.audit.shown import with_newer_roots
from sealring_server.audit.state import State
from sealring_server.audit.verdict import contradiction, judge


@dataclass(eq=False)
class NeedsHistory(SealringError):
    """Nobody was given who can say what lies between two entries (SPEC LG-2)."""

    early: int
    late: int
    rule: ClassVar[str] = "LG-2"
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return f"entries {self.early} and {self.late} lie apart, and nothing here shows the history between them"

    def hint(self) -> str:
        return "give --state DIR of who made the newer observation, or --url URL where its store answers"


@dataclass(frozen=True)
class Compared:
    """What two observations say together.

    Args:
        evidence: the file, where they can't both be true; None where they agree.
        judgement: what it proves.
    """

    early: CatalogueEntry
    late: CatalogueEntry
    evidence: bytes | None = None
    judgement: Judgement | None = None

    @property
    def words(self) -> str:
        """In a line."""
        if self.judgement is not None:
            return f"fork: {self.judgement.what}"
        if self.early.raw == self.late.raw:
            return f"the same: both are entry {self.early.sequence}"
        return f"one history: entry {self.early.sequence} stands in the log of entry {self.late.sequence}"


@dataclass(frozen=True)
class Sources:
    """Who can say what lies between two entries: states of audits, and a store."""

    states: Sequence[State] = ()
    ask: Asking | None = None


def compare(one: Observation, other: Observation, sources: Sources) -> Compared:
    """What the two say together, whichever is the older.

    Raises:
        NeedsHistory: nobody is there who can tell.
        HistoryNotShown: the store gives no path, or one that leads elsewhere; no evidence, and no good sign.
        OtherStore, TrustError, NoAnswer.
    """
    pairs = [(found, found.verify()) for found in _with_roots([one, other], sources)]
    pairs.sort(key=lambda pair: pair[1].entry.sequence)
    (a, early), (b, late) = pairs
    if in_common(early.roots, late.roots) is None:
        raise OtherStore(f"entries {early.entry.sequence} and {late.entry.sequence}")
    files = a.files("a/") | b.files("b/")
    if contradiction(early, late) is not None:
        return _fork(early, late, Evidence("fork", files))
    if late.entry.sequence <= early.entry.sequence + 1:
        return Compared(early.entry, late.entry)
    for state in sources.states:
        found = _by_state(state, a, b)
        if found is not None:
            return found
    if sources.ask is None:
        raise NeedsHistory(early.entry.sequence, late.entry.sequence)
    return _by_store(sources.ask, early, late, files)


def _by_state(state: State, a: Observation, b: Observation) -> Compared | None:
    """The answer of a state that knows what stands in both places, or something else in one; None otherwise."""
    early, late = a.verify(), b.verify()
    matches = 0
    for observation, vouched in ((a, early), (b, late)):
        known = state.entry(vouched.entry.sequence)
        if known is not None and known.raw != vouched.entry.raw:
            return _fork_with(state, observation, vouched, known)
        matches += known is not None
    return Compared(early.entry, late.entry) if matches == 2 else None


def _fork_with(state: State, observation: Observation, vouched: Vouched, other: CatalogueEntry) -> Compared | None:
    """The observation against the newest one of this state, whose log has another entry in its place."""
    raw = state.fact("shown")
    own = Observation.from_files(read_files(raw)) if raw is not None else observation
    newest = own.verify()
    more: tuple[PathEntry, ...] = ()
    files = observation.files("a/") | own.files("b/")
    if newest.entry.sequence > vouched.entry.sequence:
        leaves = [leaf_hash(one) for one in state.entries(1, newest.entry.sequence - 1)]
        path = inclusion_path(leaves, vouched.entry.sequence - 1)
        more, files = (
            (PathEntry(newest.entry.sequence, vouched.entry.sequence, path),),
            {**files, "other.json": other.raw},
        )
    return _fork(vouched, newest, Evidence("fork", files, more))


def _by_store(ask: Asking, early: Vouched, late: Vouched, files: dict[str, bytes]) -> Compared:
    """The answer of a store that shows the later entry."""
    path = ask_path(ask, early.entry, late.entry)
    try:
        if path is None:
            raise HistoryNotShown(late.entry.sequence, early.entry.sequence, "the store has no path")
        place, size = early.entry.sequence - 1, late.entry.sequence - 1
        verify_inclusion(early.entry.leaf, place, size, path, late.entry.log)
        return Compared(early.entry, late.entry)
    except TrustError as err:
        try:
            return _fork(early, late, fork_by_path(ask, early.entry, late.entry, files))
        except TrustError:
            raise HistoryNotShown(late.entry.sequence, early.entry.sequence, str(err)) from None


def _fork(early: Vouched, late: Vouched, evidence: Evidence) -> Compared:
    raw = evidence.to_bytes()
    return Compared(early.entry, late.entry, raw, judge(raw))


def _with_roots(found: list[Observation], sources: Sources) -> list[Observation]:
    """The observations, with the roots that lie between them where somebody has these (TF-3).

    A device keeps its newest root alone, and the store may have had others before and after it.
    """
    marks = [[mark_of(raw) for raw in one.roots] for one in found]
    if set(marks[0]) & set(marks[1]):
        return found
    first = min((0, 1), key=lambda which: marks[which][-1].version)
    last = 1 - first
    known = {mark_of(raw).version: raw for raw in found[last].roots}
    roots = with_newer_roots(found[first].roots, lambda version: known.get(version) or _root(version, sources))
    # The chain that leads from the older root through the newer one: it vouches for the newer observation.
    start = marks[first][-1].version
    whole = tuple(raw for raw in roots if start <= mark_of(raw).version <= marks[last][-1].version)
    if marks[last][-1] not in {mark_of(raw) for raw in whole}:
        return found  # another store's
    later = found[last]
    longer = Observation(whole, later.timestamp, later.snapshot, later.targets, later.catalogue)
    return [found[first], longer] if first == 0 else [longer, found[first]]


def _root(version: int, sources: Sources) -> bytes | None:
    for state in sources.states:
        raw = state.fact("shown")
        for one in Observation.from_files(read_files(raw)).roots if raw is not None else ():
            if mark_of(one).version == version:
                return one
    return sources.ask.find(f"/tuf/{version}.root.json", limit=MAX_TUF_FILE) if sources.ask is not None else None
