"""Pass two: each store's view, opened and proved, by its answer or by its plain paths (SPEC DV-4, DV-5, AN-3)."""

from contextlib import suppress
from dataclasses import replace

from sealring.authentic import Authentic, WrongStatement
from sealring.errors import SealringError, TrustError, Unreachable
from sealring.floors import reauthenticate
from sealring.moment import Expired
from sealring.statement import Store
from sealring_client.answers import unknown_heads
from sealring_client.decide.answer import Reads, load_shelf, save_shelf
from sealring_client.decide.learn import MAX_REFUSALS
from sealring_client.decide.listed import behind, too_new
from sealring_client.decide.paranoid import ViewDisagrees, check_rows
from sealring_client.decide.store_view import StoreFiles, StoreView, TufSource, open_view
from sealring_client.decide.times import Times
from sealring_client.decide.trusted import Trusted
from sealring_client.decide.tuf import TufExpired
from sealring_client.fetch.link import StoreLink
from sealring_client.known_addresses import Address
from sealring_client.report import Refusal, StoreLine, Word
from sealring_client.stick import NothingForThis
from sealring_client.survey import Survey


class Opening:
    """The second pass of one survey; what comes of it is noted there."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self._learned = dict(survey.lines)
        self._opened: dict[str, tuple[Trusted, StoreLine]] = {}
        self._passed: dict[str, tuple[StoreLine, ...]] = {}
        self._asked_around: set[str] = set()

    def open_every_view(self) -> None:
        """Pass two, each store by itself (DV-6).

        AN-3: whatever an answer got wrong or kept back, the store's plain paths are asked for, and decide; and what
        these got wrong, the store's next address. That ends: each address is asked by one answer, and once without.
        """
        survey = self.survey
        while again := self._open_all():
            for name in again:
                self._opened.pop(name, None)
                self._learned[name] = survey.learn_one(name, survey.learning)
        for name, (_, line) in self._opened.items():
            survey.lines[name] = self._in_all(name, line)
        if survey.sticks is not None and all(one.word == "unreachable" for one in survey.lines.values()):
            survey.problem = NothingForThis(survey.device.model, survey.sticks.names)

    def keep_views(self) -> None:
        """Keep each store's view with all that it lists, so that the next answer is short (AN-1)."""
        survey, device = self.survey, self.survey.device
        anchor, root = device.anchor.envelope.digest, survey.trusted.chain.root_id
        for name, view in survey.views.items():
            folder, held = survey.folder / "stores" / name, survey.state.statements
            with suppress(SealringError):  # without it the next answer is longer, and nothing is wrong
                shelf = load_shelf(folder, held, root=root, model=device.model)
                save_shelf(folder, view.view, survey.answers.held.get, {anchor, *held}, shelf, self._is_vouched)

    def _is_vouched(self, raw: bytes) -> bool:
        with suppress(TrustError):
            reauthenticate(self.survey.trusted.chain, raw)
            return True
        return False

    def _open_all(self) -> list[str]:
        """Open every store's view; the names of those that are to be asked again, in another way or elsewhere."""
        survey, again = self.survey, list[str]()
        for name in survey.store_names():
            if name not in self._learned:  # a newer model has named it meanwhile
                self._learned[name] = survey.learn_one(name, survey.learning)
        survey.times = Times.of(survey.clock, survey.trusted)
        # What else was learned meanwhile may change what a store's word is worth; where nothing was, it stands.
        self._opened = {name: one for name, one in self._opened.items() if one[0] is survey.trusted}
        survey.views = {name: view for name, view in survey.views.items() if name in self._opened}
        for name in survey.store_names():
            if name in self._opened:
                continue
            line = survey.lines[name] = self._learned.get(name) or StoreLine(name, "unreachable")
            if line.word == "fresh":
                survey.lines[name] = self._open_one(name, line)
            self._opened[name] = survey.trusted, survey.lines[name]
            if self._has_another_way(name, line):
                again.append(name)
        return again

    def _has_another_way(self, name: str, learned: StoreLine) -> bool:
        """Whether what this address said is not good enough, and there is more to ask; then all is ready for that."""
        survey, line, link = self.survey, self.survey.lines[name], self.survey.link(name)
        if learned.word == "fresh" and survey.answers.is_by_answer(link):
            if self._is_doubtful(name, learned):
                survey.answers.do_without(name)
                return True
        elif line.word == "fresh" and any(unknown_heads(survey.views[name].view, survey.trusted)):
            return self._ask_around(name, link)
        return line.word != "fresh" and self._goes_elsewhere(name, line, link)

    def _ask_around(self, name: str, link: StoreLink) -> bool:
        """An address that shows less than its own view lists keeps it back: the others' statements are as good."""
        known = self.survey.trusted
        if name not in self._asked_around:
            self._asked_around.add(name)
            self.survey.learn_elsewhere(link)
        return self.survey.trusted is not known

    def _goes_elsewhere(self, name: str, line: StoreLine, link: StoreLink) -> bool:
        """DV-6: a mirror that lies, or stands still, does not keep the device from the next address of its store."""
        survey, said = self.survey, self._of_address(name, line)
        store = survey.trusted.floors.get(Store, name)
        # VW-4: both were signed by the store itself, which no other address of it can undo. Without a statement that
        # counts all addresses have been asked.
        if store is None or any(one.rule == ViewDisagrees.rule for one in line.refusals) or not link.pass_over():
            return False
        survey.answers.forget(link)
        survey.views.pop(name, None)
        self._passed[name] = (*self._passed.get(name, ()), said)
        return True

    def _of_address(self, name: str, line: StoreLine) -> StoreLine:
        """The line with the address at its refusals, where the store has several."""
        link = self.survey.link(name)
        if len(link.urls) < 2:
            return line
        return replace(line, refusals=tuple(replace(one, address=link.address) for one in line.refusals))

    def _in_all(self, name: str, line: StoreLine) -> StoreLine:
        """What all addresses of a store together had to say: the best word, and every refusal."""
        passed = self._passed.get(name, ())
        lines = [self._of_address(name, line), *passed]
        best = min(lines, key=lambda one: _BEST_FIRST.index(one.word))
        refusals = [refusal for one in (*passed, lines[0]) for refusal in one.refusals]
        return replace(best, refusals=tuple(dict.fromkeys(refusals))[:MAX_REFUSALS])

    def _is_doubtful(self, name: str, learned: StoreLine) -> bool:
        survey, view = self.survey, self.survey.views.get(name)
        if view is None:
            # What proofs have shown no other way would undo.
            return all(refusal.rule != ViewDisagrees.rule for refusal in survey.lines[name].refusals)
        refused = bool(learned.refusals)
        return survey.answers.keeps_back(survey.link(name), view.view, survey.trusted, refused=refused)

    def _open_one(self, name: str, line: StoreLine) -> StoreLine:
        survey = self.survey
        store = survey.trusted.floors.get(Store, name)
        if store is None:
            lacks = WrongStatement(f"store {name}", "no statement by today's keys", "one signed anew", "SR-3")
            return replace(line, word="refused", refusals=(*line.refusals, Refusal.of(name, lacks)))
        try:
            view = survey.views[name] = self._proved(name, store)
        except (TrustError, Unreachable) as err:
            return replace(line, word=_word(err), refusals=(*line.refusals, Refusal.of(name, err)))
        line = replace(line, catalogue=view.entry.sequence, time=view.entry.time)
        if (url := survey.link(name).answering) is not None:
            survey.known = survey.known.with_proved([Address(name, url)])
        # ST-8: said, and no more: the device goes on by what it has.
        newer = tuple(Refusal.of(name, one) for one in too_new(view.view, survey.trusted))
        line = replace(line, refusals=(*line.refusals, *newer))
        # DV-5: a store that does not know the newest keys is not listened to.
        late = behind(view.view, survey.trusted)
        if late is not None:
            return replace(line, word="behind", refusals=(*line.refusals, Refusal(name, "DV-5", late, "", 25)))
        return line

    def _proved(self, name: str, store: Authentic[Store]) -> StoreView:
        """The store's view: of several bundles, from the first that proves one."""
        failed: TrustError | Unreachable | None = None
        for source in self.survey.sources(name):
            try:
                return self._proved_by(source, name, store)
            except (TrustError, Unreachable) as err:
                # That a file lies is worth more to a person than that another does not have it.
                failed = err if failed is None or isinstance(failed, Unreachable) else failed
        assert failed is not None, "there is always one source"
        raise failed

    def _proved_by(self, source: Reads, name: str, store: Authentic[Store]) -> StoreView:
        """DV-6: by one address alone; where that breaks off on the way, all is walked again at the next."""
        link = self.survey.link(name)
        while True:
            before = link.address
            try:
                view = self._shown_by(source, name, store)
            except (TrustError, Unreachable):
                if link.address in (before, None):
                    raise
            else:
                if link.address == before:
                    return view
            self.survey.answers.forget(link)
            source = self.survey.source(name)

    def _shown_by(self, source: Reads, name: str, store: Authentic[Store]) -> StoreView:
        survey = self.survey
        tuf = survey.tufs[name] = TufSource(source)
        files = StoreFiles(survey.folder / "stores" / name)
        verified, root = survey.times.verify(store), survey.trusted.chain.root_id
        seen, model = survey.state.stores.get(name), survey.device.model
        view = open_view(verified, source, tuf, files, seen, root=root, model=model, grace=survey.grace())
        if survey.paranoid:
            check_rows(view, source, files, survey.trusted, survey.answers.held, survey.folder)
        return view


_BEST_FIRST: tuple[Word, ...] = ("fresh", "behind", "stale", "refused", "unreachable")


def _word(err: SealringError) -> Word:
    if isinstance(err, Unreachable):
        return "unreachable"
    return "stale" if isinstance(err, TufExpired | Expired) else "refused"
