"""Pass two: each store's view, opened and proved, by its answer or by its plain paths (SPEC DV-4, DV-5, AN-3)."""

from contextlib import suppress
from dataclasses import replace

from sealring.authentic import Authentic, WrongStatement
from sealring.errors import SealringError, TrustError, Unreachable
from sealring.floors import reauthenticate
from sealring.moment import Expired
from sealring.statement import Store
from sealring_client.decide.answer import Reads, load_shelf, save_shelf
from sealring_client.decide.listed import behind, too_new
from sealring_client.decide.paranoid import ViewDisagrees, check_rows
from sealring_client.decide.store_view import StoreFiles, StoreView, TufSource, open_view
from sealring_client.decide.times import Times
from sealring_client.decide.tuf import TufExpired
from sealring_client.known_addresses import Address
from sealring_client.report import Refusal, StoreLine, Word
from sealring_client.stick import NothingForThis
from sealring_client.survey import Survey


class Opening:
    """The second pass of one survey; what comes of it is noted there."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self._learned = dict(survey.lines)

    def open_every_view(self) -> None:
        """Pass two, each store by itself (DV-6).

        AN-3: whatever an answer got wrong or kept back, the store's plain paths are asked for, and decide. That ends:
        no store is asked by an answer again in this check.
        """
        survey = self.survey
        while doubtful := self._open_all():
            for name in doubtful:
                survey.answers.do_without(name)
                self._learned[name] = survey.learn_one(name, survey.learning)
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
        """Open every store's view; the names of those whose answer was not good enough."""
        survey, doubtful = self.survey, []
        for name in survey.store_names():
            if name not in self._learned:  # a newer model has named it meanwhile
                self._learned[name] = survey.learn_one(name, survey.learning)
        survey.times, survey.views = Times.of(survey.clock, survey.trusted), {}
        for name in survey.store_names():
            line = survey.lines[name] = self._learned.get(name) or StoreLine(name, "unreachable")
            if line.word != "fresh":
                continue
            survey.lines[name] = self._open_one(name, line)
            if survey.answers.is_by_answer(survey.link(name)) and self._is_doubtful(name, line):
                doubtful.append(name)
        return doubtful

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
        survey = self.survey
        tuf = survey.tufs[name] = TufSource(source)
        files = StoreFiles(survey.folder / "stores" / name)
        verified, root = survey.times.verify(store), survey.trusted.chain.root_id
        seen, model = survey.state.stores.get(name), survey.device.model
        view = open_view(verified, source, tuf, files, seen, root=root, model=model, grace=survey.grace())
        if survey.paranoid:
            check_rows(view, source, files, survey.trusted, survey.answers.held, survey.folder)
        return view


def _word(err: SealringError) -> Word:
    if isinstance(err, Unreachable):
        return "unreachable"
    return "stale" if isinstance(err, TufExpired | Expired) else "refused"
