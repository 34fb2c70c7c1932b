"""From what should be to what runs: fetch, stage, try, check, commit, or back (SPEC DV-7, DV-9)."""

from contextlib import suppress

from sealring.chain import read_claim
from sealring.errors import SealringError, TrustError, Unreachable
from sealring.moment import Moment
from sealring.statement import RevisionStatement
from sealring_client.apply.health import Unhealthy
from sealring_client.apply.install import install
from sealring_client.apply.mount import NotSquashfs
from sealring_client.bring import bring_image
from sealring_client.decide.package import Package
from sealring_client.decide.settle import missing, settle
from sealring_client.decide.times import Times
from sealring_client.disk import NoSpace
from sealring_client.failures import FIRST_WAIT, failed_again, load_failures, save_failures
from sealring_client.fetch.link import StoreLink
from sealring_client.report import Refusal
from sealring_client.survey import Survey
from sealring_client.telling import Telling


class Switch:
    """The installation of what a survey has chosen; what comes of it is noted in the survey."""

    def __init__(self, survey: Survey) -> None:
        self.survey, self.telling = survey, Telling(survey)

    def install(self) -> None:
        """Fetch, stage, try, check, commit, or back (DV-7, DV-9); and bring back what has rotted."""
        links = self.survey.links_fresh_first()
        missing = self._bring_back(links)
        try:
            if self.survey.problem is None:
                self._make_room()
                self._install_plan(links)
        except SealringError as err:
            self.survey.problem = err
        if self.survey.installed is None and self.survey.problem is None:
            self.survey.problem = missing

    def _make_room(self) -> None:
        """Delete what an interrupted collection left: the next image may need the room."""
        with suppress(SealringError):  # it costs room, not safety
            self.survey.disk.generations.collect(
                self.survey.disk.images, keep=[part.sha256 for part in self.survey.plan()]
            )

    def _bring_back(self, links: list[StoreLink]) -> SealringError | None:
        """Fetch and mount what runs and is lost; why that did not work.

        It is no end: an image that no store has any more must not hold back the release that follows it.
        """
        missing: SealringError | None = None
        for part in self.survey.lost:
            try:
                bring_image(part, links, self.survey.disk.images, self.survey.outside)
                self.survey.disk.mount(part)
            except SealringError as err:
                missing = err
        return missing

    def _install_plan(self, links: list[StoreLink]) -> None:
        """Install what is chosen; a package whose release does not work is left as it was, and the rest tried again.

        Else a publisher who releases something broken every hour would keep everybody else's software old.
        """
        failed: SealringError | None = None
        while self.survey.is_new() and missing(self.survey.packages) is None:
            self._bring_all(links)
            lacking = missing(self.survey.packages)
            if lacking is not None:
                raise lacking
            if not self.survey.is_new():
                break
            try:
                self._try()
            except (Unhealthy, NotSquashfs) as err:
                failed = err
                if not self._leave(err):
                    break
                continue
            self._forget_failures()
            return
        if failed is not None:
            raise failed

    def _try(self) -> None:
        """One trial, and what there is to be said about it: before the switch, and after it was decided (RP-1)."""
        survey = self.survey
        try:
            survey.installed = install(survey.plan(), self._revisions(), survey.disk, survey.outside.sleep, self._begin)
        except SealringError as err:
            if self.telling.is_open:
                self.telling.went_back(err)
                raise
            for package in survey.packages:
                if not isinstance(err, NotSquashfs) or self._is_named(package, err):
                    self.telling.failed(package, err)
            raise
        self.telling.good()

    def _begin(self) -> None:
        self._still_good()
        self.telling.begun(self.survey.packages)

    def _leave(self, err: Unhealthy | NotSquashfs) -> bool:
        """Leave the package that failed as it was, and remember that (DV-9); false where none of the new ones did."""
        found = False
        for package in self.survey.packages:
            if package.is_new and self._is_named(package, err):
                self._failed(package.name)
                package.leave(package.name, err)
                found = True
        # What is left as it was may be what another one needs, or a part of a stack.
        settle(self.survey.packages)
        return found

    @staticmethod
    def _is_named(package: Package, err: Unhealthy | NotSquashfs) -> bool:
        name, part = err.image.name if isinstance(err, NotSquashfs) else err.package, package.part()
        return part is not None and name in (part.package, part.sha256)

    def _bring_all(self, links: list[StoreLink]) -> None:
        for package in self.survey.packages:
            part = package.part()
            if part is None or not package.is_new:
                continue
            try:
                bring_image(part, links, self.survey.disk.images, self.survey.outside)
            except (TrustError, Unreachable, NoSpace) as err:
                self.telling.failed(package, err)
                # DV-7: an optional package is left as it was; without a required one nothing is switched.
                if package.wanted.presence == "required":
                    raise
                package.refusals.append(Refusal.of(package.name, err))
                package.wakes.append(self.survey.now() + FIRST_WAIT)
                package.approved = None
                settle(self.survey.packages)

    def _still_good(self) -> None:
        """The statements judged again at the switch: a download may have taken days."""
        now = Moment(self.survey.outside.clock().replace(microsecond=0), self.survey.clock.proven)
        times = Times.of(now, self.survey.trusted)
        for package in self.survey.packages:
            if package.approved is not None and package.is_new:
                times.verify(package.approved.ground, final=package.final)
                times.verify(package.approved.revision, final=package.final)

    def _revisions(self) -> dict[str, RevisionStatement]:
        claims = [read_claim(raw) for raw in self.survey.trusted.others]
        found = {c.envelope.digest: c.statement for c in claims}
        return {digest: one for digest, one in found.items() if isinstance(one, RevisionStatement)}

    def _failed(self, name: str) -> None:
        """Remember that this release did not work (DV-9)."""
        failures = load_failures(self.survey.folder)
        for package in self.survey.packages:
            if package.wanted.package == name and package.approved is not None and package.is_new:
                release = package.approved.ground.envelope.id
                failures[name] = failed_again(failures.get(name), name, release, self.survey.now())
        save_failures(self.survey.folder, failures)

    def _forget_failures(self) -> None:
        failures = load_failures(self.survey.folder)
        new = {package.wanted.package for package in self.survey.packages if package.is_new}
        save_failures(self.survey.folder, {name: one for name, one in failures.items() if name not in new})
