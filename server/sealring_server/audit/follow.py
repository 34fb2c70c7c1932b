"""Follows a store's log from where the last run ended, and judges all of it again (SPEC CT-1 to CT-5, MP-5, VW-2).

Everything from the store is a stranger's word until its newest signed entry stands behind it. What contradicts that is
kept as evidence and judged at once, as anybody else would judge it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import takewhile
from typing import NoReturn

from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.follows import CatalogueRollback
from sealring.catalogue.leaf import Head
from sealring.catalogue.sparse import SparseMap
from sealring.catalogue.view import MAX_VIEW, view_key
from sealring.envelope import MAX_ENVELOPE
from sealring.errors import TrustError
from sealring.halt import MAX_HALT
from sealring.statement import Common
from sealring.tuf_form import NotVouched
from sealring.tuf_set import Vouched, check_current
from sealring_server.audit.accuse import Accuser
from sealring_server.audit.asking import Asking
from sealring_server.audit.errors import Contradiction, NotShown, NotThere, OtherRoot
from sealring_server.audit.evidence import Evidence
from sealring_server.audit.log_path import fork_by_path
from sealring_server.audit.log_steps import MAX_PAGE, Steps, split_page
from sealring_server.audit.map_part import change, read_changes, write_changes, write_part
from sealring_server.audit.news import Brought, Keeper, fetch_news
from sealring_server.audit.observation import Observation, read_files
from sealring_server.audit.shown import first_root, read_shown
from sealring_server.audit.state import State
from sealring_server.audit.verdict import contradiction
from sealring_server.audit.views_again import is_halt, is_view, read_leaf, view_again, wanted_of
from sealring_server.views.rules import About

MAX_CHANGES = 128 * 1024 * 1024  # bytes: 1.2 million leaves in one entry


@dataclass
class Found:
    """What a run has judged, for people and scripts."""

    entry: CatalogueEntry
    entries: int = 0
    leaves: int = 0
    statements: int = 0
    views: int = 0
    halts: int = 0
    unknown: int = 0
    """Leaves of formats that this edition can't read, and views of models that aren't there."""
    models: list[str] = field(default_factory=list)


class Follower:
    """One run over one store."""

    def __init__(
        self, state: State, ask: Asking, at: datetime, *, statements: bool = True, keeper: Keeper | None = None
    ) -> None:
        """Nothing is asked yet.

        Args:
            statements: whether every statement is fetched and every view computed again.
            keeper: given what each entry brought once all of it was judged, in the transaction that says so.
        """
        self._keeper = keeper
        self._root: bytes | None = None
        self.state, self.ask, self._at, self._statements = state, ask, at, statements
        self.map = SparseMap.empty()
        self.found: Found
        self.accuser: Accuser
        self.pinned = ""

    def root_must_be(self, root: bytes) -> None:
        """Follow only a store under the root with this id of its version 1 (CT-1)."""
        self._root = root

    def run(self, pin: str | None) -> Found:
        """Judge everything up to the entry that the store shows now.

        Args:
            pin: SHA-256 of the store's TUF root; None to go on from the state, or to trust the first that is shown.

        Raises:
            Contradiction, NotShown, TrustError: exit 25; evidence is kept where there can be some.
            NoAnswer, UsedUp: try again; the next run goes on.
        """
        observation, shown = self._shown(pin)
        if self._root not in (None, shown.entry.root):
            raise OtherRoot(shown.entry.root.hex())
        self.found = Found(shown.entry)
        self._log(observation, shown)
        self.accuser = Accuser(self.state, observation, shown)
        self._replay(self.accuser)
        return self.found

    # --- what the store shows now

    def _shown(self, pin: str | None) -> tuple[Observation, Vouched]:
        raw = self.state.fact("shown")
        before = None if raw is None else Observation.from_files(read_files(raw))
        roots = (first_root(self.ask, pin),) if before is None else before.roots
        observation, shown = read_shown(self.ask, roots)
        self.pinned = shown.roots[0].sha256
        if before is not None:
            self._check_after(before, observation, shown)
        check_current(shown, self._at)
        return observation, shown

    def _check_after(self, before: Observation, observation: Observation, shown: Vouched) -> None:
        """CT-2, CT-3: two entries that the store signed can both be true, and the second is no older."""
        last = before.verify()
        is_older = shown.entry.sequence < last.entry.sequence
        pair = (observation, before) if is_older else (before, observation)
        early, late = (shown, last) if is_older else (last, shown)
        if contradiction(early, late) is not None:
            files = pair[0].files("a/") | pair[1].files("b/")
            Accuser(self.state, observation, shown).accuse(Evidence("fork", files), "two entries")
        # TF-4: an old timestamp that is shown again is genuine, and proves nothing about who shows it.
        if last.roots[-1] == shown.roots[-1] and (shown.timestamp, shown.snapshot) < (last.timestamp, last.snapshot):
            raise NotVouched("timestamp.json", f"version {shown.timestamp} is shown, {last.timestamp} was seen")
        if is_older:
            raise CatalogueRollback(shown.entry.sequence, last.entry.sequence)

    # --- the log

    def _log(self, observation: Observation, shown: Vouched) -> None:
        """Every entry up to the one that is shown, which stands behind all of them (CT-1, CT-3, LG-1)."""
        vouched, newest = self.state.number("vouched"), shown.entry.sequence
        steps = Steps(self.state.frontier(), self.state.entry(vouched) if vouched else None)
        with self.state.writing():
            self.state.drop_entries(vouched)  # of a run that ended before somebody stood behind them
        while steps.next < newest and (page := self._page(steps.next, shown.entry)):
            for entry in page:
                steps.take(entry)
            with self.state.writing():
                self.state.add_entries(page, steps.next - len(page))
        first_hidden = steps.next
        steps.take(shown.entry)
        if steps.fault is not None and vouched != newest:
            try:
                self._accuse_log(observation, shown, vouched, f"entry {steps.fault.sequence} {steps.fault.what}")
            except Contradiction as err:
                if err.evidence or first_hidden == newest:
                    raise
                # LG-2: the entries that end too soon are no proof; what is signed must be shown.
                what = f"entries {first_hidden} to {newest - 1} are not shown, entry {newest} is signed"
                raise NotShown(what, "LG-2") from None
        with self.state.writing():
            if vouched != newest:
                self.state.add_entries([shown.entry], newest)
                self.state.keep("frontier", steps.frontier.to_bytes())
            if not vouched:
                self.state.keep("root_id", shown.entry.root)
                self.state.keep("pin", self.pinned.encode())
            self.state.keep("vouched", newest)
            self.state.keep("shown", observation.to_bytes())

    def _page(self, first: int, newest: CatalogueEntry) -> list[CatalogueEntry]:
        """The entries from this place on, up to the newest, which is known."""
        raw = self.ask.find(f"/v1/entries/{first}", limit=MAX_PAGE)
        found = list(split_page(raw or b"", first))[: newest.sequence - first]
        return list(takewhile(lambda one: one.raw != newest.raw, found))

    def _accuse_log(self, observation: Observation, shown: Vouched, vouched: int, what: str) -> NoReturn:
        accuser = Accuser(self.state, observation, shown)
        first, files = 1, observation.files("b/")
        raw = self.state.fact("shown")
        if raw is not None:
            files |= Observation.from_files(read_files(raw)).files("a/")
            # The frontier before the earlier entry: its log is the root of that.
            files["frontier"], first = self.state.frontier_before(vouched), vouched + 1
        entries = enumerate(self.state.entries(first, shown.entry.sequence - 1), first)
        files |= {f"entries/{number:016}.json": entry for number, entry in entries}
        try:
            accuser.accuse(Evidence("log", files), what)
        except Contradiction as err:
            early = self.state.entry(vouched)
            if err.evidence or early is None:
                raise
            # CT-3: another history may have been shown before; its own log says what stands in that place.
            files = {name: data for name, data in files.items() if name[:2] in ("a/", "b/")}
            accuser.accuse(fork_by_path(self.ask, early, shown.entry, files), what)

    # --- maps, statements and views

    def _replay(self, accuser: Accuser) -> None:
        """The changes of each entry that was not judged yet, one transaction for each."""
        replayed, newest = self.state.number("replayed"), self.state.number("vouched")
        self.map = self.state.map()
        for sequence in range(replayed + 1, newest + 1):
            entry, before = self.state.entry(sequence), self.state.entry(sequence - 1)
            assert entry is not None  # vouched for
            held = self.map
            changes = self._changes(entry, before, accuser)
            with self.state.writing():
                if changes:
                    self.state.set_map(held, self.map, changes)
                if self._statements:
                    self._judge_leaves(entry, changes, accuser)
                self.state.keep("replayed", sequence)
            if changes:
                self.map = self.state.map()  # from the database again: no more in memory than one entry touches
            self.found.entries += 1
            self.found.leaves += len(changes)

    def _changes(self, entry: CatalogueEntry, before: CatalogueEntry | None, accuser: Accuser) -> Mapping[bytes, Head]:
        """The changes of one entry; `self.map` is its map from then on (CT-4, MP-3, MP-5)."""
        if before is not None and (before.map, before.size) == (entry.map, entry.size):
            return {}  # signed again: the one map that has this root
        path = f"/v1/changes/{entry.sequence}"
        try:
            raw = self.ask.get(path, limit=MAX_CHANGES)
            changes = read_changes(raw)
        except (NotThere, TrustError) as err:
            raise NotShown(f"the changes of entry {entry.sequence}: {err}") from None
        after = change(self.map.node, changes)
        size = len(self.map) + after.added
        if after.root != entry.map or after.fell is not None or size != entry.size:
            part = {"changes": write_changes(changes), "part": write_part(self.map.node, sorted(changes))}
            more = accuser.committed(entry, "entry.json", before)
            what = f"the changes of entry {entry.sequence} do not give its map"
            accuser.accuse(Evidence("map", {**more.files, **part}, more.more), what)
        self.map = SparseMap(after.node, size)
        return changes

    def _judge_leaves(self, entry: CatalogueEntry, changes: Mapping[bytes, Head], accuser: Accuser) -> None:
        """Every statement is what its leaf says, and every view what the statements give (MP-2, VW-2, VW-3)."""
        brought = fetch_news(self.ask, entry.sequence, changes)
        news: list[Common] = []
        views: dict[bytes, Head] = {}
        for key, head in changes.items():
            if head.is_tombstone:
                continue
            if is_view(head):
                views[key] = head
                continue
            raw = brought.named(head) or self.named(f"/v1/statements/{head.envelope.hex()}", head, entry, MAX_ENVELOPE)
            brought.take(raw)
            said, wrong = read_leaf(entry.root, key, head, raw)
            if wrong:
                accuser.accuse_leaf(entry, self.map, key, raw, wrong)
            if said is not None:
                self.state.add_said(key, said, raw)
                news.append(said)
                self.found.statements += 1
            else:
                self.found.unknown += 1
        for model in sorted(self._touched(news) | self._shown_models(entry, views)):
            self.judge_view(entry, model, views, accuser)
        for key, head in views.items():
            brought.take(self._judge_strange_view(entry, key, head, accuser, brought))
        if self._keeper is not None:
            self._keeper(entry, brought)

    def judge_view(self, entry: CatalogueEntry, model: str, views: dict[bytes, Head], accuser: Accuser) -> None:
        """One model's view against what the statements of this map give; taken out of `views` (VW-2, VW-3)."""
        wanted = wanted_of(model, self.state)
        self.state.set_wants(model, wanted)
        key = view_key(entry.root, model)
        changed = views.pop(key, None)
        if not wanted:
            return
        again, leaf = view_again(entry.root, model, wanted, self.state), self.map.get(key)
        if changed is not None and changed.sequence != entry.sequence:
            raw = self.named(f"/v1/views/{changed.envelope.hex()}", changed, entry, MAX_VIEW)
            accuser.accuse_leaf(entry, self.map, key, raw, f"says that its view changed at entry {changed.sequence}")
        self.found.views += 1
        if leaf is None or leaf.id != again.digest or leaf.envelope != again.digest:
            view = None
            if leaf is not None and not leaf.is_tombstone:
                view = self.named(f"/v1/views/{leaf.envelope.hex()}", leaf, entry, MAX_VIEW)
            raws = self.state.raws({("root", self.state.newest_root()), *wanted})
            accuser.accuse_view(entry, self.map, again, view, raws)

    def _touched(self, news: list[Common]) -> set[str]:
        """The models whose view may list something else now."""
        found: set[str] = set()
        for said in news:
            about: About = (said.type, said.subject)
            if said.type == "model":
                found.add(said.subject)
            elif said.type == "root":
                found |= set(self.state.models())
            elif said.type == "delegation":
                found |= self.state.users(("brand", said.authority))
            else:
                found |= self.state.users(about)
        return found

    def _shown_models(self, entry: CatalogueEntry, views: Mapping[bytes, Head]) -> set[str]:
        """The models whose view's leaf changed."""
        if not views:
            return set()
        return {model for model in self.state.models() if view_key(entry.root, model) in views}

    def _judge_strange_view(
        self, entry: CatalogueEntry, key: bytes, head: Head, accuser: Accuser, brought: Brought
    ) -> bytes:
        """A halt, or a view of a model that is not there: no device has such a model, but its place must be its own."""
        name = head.envelope.hex()
        raw = brought.named(head) or self.ask.find(f"/v1/halts/{name}", limit=MAX_HALT)
        if raw is None or sha256(raw).digest() != head.envelope:
            raw = self.named(f"/v1/views/{name}", head, entry, MAX_VIEW)
        wrong = read_leaf(entry.root, key, head, raw)[1]
        if not wrong and is_halt(raw) and head.sequence != entry.sequence:
            # HL-1: or a store could say later, or earlier, since when it holds a release back.
            wrong = f"says that its halt came at entry {head.sequence}"
        if wrong:
            accuser.accuse_leaf(entry, self.map, key, raw, wrong)
        if is_halt(raw):
            self.found.halts += 1
        else:
            self.found.unknown += 1
        return raw

    def named(self, path: str, head: Head, entry: CatalogueEntry, limit: int) -> bytes:
        """What a leaf names, with exactly that digest."""
        try:
            raw = self.ask.get(path, limit=limit)
        except NotThere:
            raise NotShown(f"{path} is not shown, entry {entry.sequence} names it") from None
        if sha256(raw).digest() != head.envelope:
            raise NotShown(f"{path}: other bytes than its name says")
        return raw
