"""From what the stores have proved to what is to run (SPEC DV-4, DV-5, DV-7)."""

from dataclasses import replace

from sealring.errors import TrustError, Unreachable
from sealring_client.decide.ballot import pick
from sealring_client.decide.choose import choose, choose_stack
from sealring_client.decide.grounds import Grounds, Identity, Past, check_grounds
from sealring_client.decide.halts import ask_for_halts, begins
from sealring_client.decide.listed import from_anywhere, release_offer, stack_offer
from sealring_client.decide.package import Offer, Package
from sealring_client.decide.reach import reach, revisions_of
from sealring_client.decide.settle import missing, settle
from sealring_client.device_file import load_secret
from sealring_client.failures import load_failures
from sealring_client.known_halts import load_halts, save_halts
from sealring_client.report import Refusal
from sealring_client.serial import load_public
from sealring_client.survey import Survey


class Selection:
    """The choice of one survey; what comes of it is noted there."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self._halts = load_halts(survey.folder)

    def choose(self) -> None:
        """The newest valid release of each package, or what the model's stack says, looked at together."""
        survey = self.survey
        survey.see_what_is_stopped()
        try:
            survey.grounds = self._grounds()
        except TrustError as err:
            survey.problem = err
            return
        survey.packages = [self._package(survey.grounds, w.package) for w in survey.grounds.model.statement.packages]
        grounds = self._by_stack(survey.grounds)
        for package in survey.packages:
            if package.stack is None:
                grounds = self._choose(grounds, package)
        self._keep_halts(grounds)
        survey.grounds, survey.trusted, survey.disputes = grounds, grounds.trusted, grounds.disputes
        settle(survey.packages)
        new = [package.approved for package in survey.packages if package.approved is not None and package.is_new]
        # RK-6: by the very envelopes that a generation names a revocation will find it.
        survey.trusted = survey.trusted.with_envelopes(e for one in new for e in (one.ground, one.revision))
        if grounds.ended is not None and not any(package.final for package in survey.packages):
            # EL-2: only a final release speaks after the end of the model or its brand.
            survey.problem = grounds.ended
        survey.problem = survey.problem or missing(survey.packages)
        for name in survey.views:
            self._note_late_releases(name)

    def _choose(self, grounds: Grounds, package: Package) -> Grounds:
        """The newest release by its channel, unless a store has halted it (HL-3).

        A store that does not prove whether it has is as if it had not shown the release; then the others decide.
        """
        offers = self._offers(package, grounds)
        while True:
            found = choose(grounds, package, offers)
            release = begins(found, package)
            if release is None:
                return found
            at, id = found.times.of_statement(release).at, release.envelope.id
            asked = ask_for_halts(release, offers, self.survey.by_content, at, self._halts.get(id))
            if asked.halted is not None:
                store, err = asked.halted
                self._halts[id] = err.since
                package.halt(store, err)
                return found
            if not asked.silent:
                return found
            for store, problem in asked.silent.items():
                package.refusals.append(Refusal.of(store, problem))
            package.approved, package.store, package.rollout = None, None, None
            offers = [offer for offer in offers if offer.store not in asked.silent]
            grounds = replace(grounds, disputes=found.disputes)

    def _keep_halts(self, grounds: Grounds) -> None:
        """As long as it is still the newest release of its channel that was halted."""
        newest = {one.envelope.id for one in grounds.trusted.floors.highest.values()}
        save_halts(self.survey.folder, {id: since for id, since in self._halts.items() if id in newest})

    def _grounds(self) -> Grounds:
        survey = self.survey
        parts = {**survey.stopped, **survey.running}
        lines = {part.package: line for part, line in reach(survey.trusted, parts.values()).items()}
        past = Past(revisions_of(survey.trusted, parts.values()), lines)
        identity = Identity(load_secret(survey.folder), survey.device.groups, load_public(survey.folder))
        failures, model = load_failures(survey.folder), survey.device.model
        return check_grounds(survey.trusted, survey.times, model, failures, identity, past, survey.disputes)

    def _package(self, grounds: Grounds, name: str) -> Package:
        wanted = next(one for one in grounds.model.statement.packages if one.package == name)
        line, running = grounds.past.reached.get(name), self.survey.running.get(name)
        action = line.action if line is not None else "keep"
        # RK-6: what is stopped is in no plan, also where this check only says what would be done.
        stopped = action == "stop" or name in self.survey.stopped
        return Package(wanted, None if stopped else running, reached=action == "replace", stopped=stopped)

    def _by_stack(self, grounds: Grounds) -> Grounds:
        if not grounds.model.statement.stack:
            return grounds
        packages = self.survey.packages
        for package in packages:
            # SK-2: the minimum of the channel's release counts, whoever chooses the revision.
            unheard = Package(package.wanted, package.running)
            grounds, _ = pick(grounds, self._offers(unheard, grounds), [unheard])
        offers = [offer for name in self.survey.views if (offer := self._stack_offer(name, grounds)) is not None]
        return choose_stack(grounds, packages, offers)

    def _offers(self, package: Package, grounds: Grounds) -> list[Offer]:
        return [offer for name in self.survey.views if (offer := self._offer(name, package, grounds)) is not None]

    def _offer(self, name: str, package: Package, grounds: Grounds) -> Offer | None:
        if self.survey.lines[name].word != "fresh":
            return None
        statement = from_anywhere(self.survey.answers.held, self.survey.by_content(name))
        try:
            return release_offer(self.survey.views[name], package, grounds, statement)
        except Unreachable as err:
            self._lost(name, err)
        except TrustError as err:
            package.refuse(name, err)
        return None

    def _stack_offer(self, name: str, grounds: Grounds) -> Offer | None:
        survey = self.survey
        if survey.lines[name].word != "fresh":
            return None
        statement = from_anywhere(survey.answers.held, survey.by_content(name))
        try:
            return stack_offer(survey.views[name], survey.packages, grounds, statement)
        except Unreachable as err:
            self._lost(name, err)
        except TrustError as err:
            brand = str(grounds.model.statement.stack).partition("/")[0]
            for package in survey.packages:
                if package.name.startswith(f"{brand}/"):
                    package.refuse(name, err)
        return None

    def _lost(self, name: str, err: Unreachable) -> None:
        lines = self.survey.lines
        lines[name] = replace(lines[name], word="unreachable", refusals=(*lines[name].refusals, Refusal.of(name, err)))

    def _note_late_releases(self, name: str) -> None:
        """A store whose release lies below the floor is behind; one whose release is refused otherwise is refused."""
        own = [refusal for package in self.survey.packages for refusal in package.refusals if refusal.about == name]
        line = self.survey.lines[name]
        if line.word == "fresh" and any(refusal.rule == "FL-1" for refusal in own):
            self.survey.lines[name] = replace(line, word="behind", refusals=(*line.refusals, *own))
        elif line.word == "fresh" and any(refusal.rule in _ACCUSING for refusal in own):
            self.survey.lines[name] = replace(line, word="refused", refusals=(*line.refusals, *own))


# No honest store shows what these rules refuse. What a publisher signed before his delegation was narrowed (AU-3) or
# taken back (AU-6) it may still show.
_ACCUSING = ("TH-1", "AU-1", "DV-4", "FL-3", "ST-6")
