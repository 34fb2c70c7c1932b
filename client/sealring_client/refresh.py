"""One check or refresh, from the lock to the last file, in SPEC's order (SPEC DV-1 to DV-10)."""

from dataclasses import replace
from datetime import datetime

from sealring.chain import WrongStatement, read_claim
from sealring.errors import SealringError, TrustError, Unreachable
from sealring.moment import Expired, Moment
from sealring.statement import RevisionStatement, Store
from sealring_client.choose import Grounds, Missing, Offer, Package, check_grounds, choose
from sealring_client.conclude import report, write_poll
from sealring_client.device_file import Device
from sealring_client.disk import NoSpace, lock
from sealring_client.failures import FIRST_WAIT, failed_again, load_failures, save_failures
from sealring_client.generation_file import Part
from sealring_client.health import Unhealthy
from sealring_client.install import Disk, bring_image, install, mount_current
from sealring_client.learn import Learning
from sealring_client.link import StoreLink
from sealring_client.mount import NotSquashfs
from sealring_client.outside import Outside
from sealring_client.report import Refusal, Report, StoreLine, Word
from sealring_client.state import TrustState, load_trust, save_trust
from sealring_client.store_view import StoreFiles, StoreView, TufSource, behind, from_anywhere, listed, open_view
from sealring_client.trusted import Times, Trusted
from sealring_client.tuf import TufExpired


def refresh(device: Device, outside: Outside, *, apply: bool) -> Report:
    """Bring the device to the newest software that every rule allows, or say what would be brought.

    Args:
        apply: install it; else the last step is the choice.

    Raises:
        SealringError: nothing could be decided: the lock, the disk, or the trust state.
    """
    with lock(device.folder):
        run = Run(device, outside)
        run.recover()
        run.load()
        if apply:
            run.mount_what_runs()
        run.learn_from_every_store()
        run.open_every_view()
        run.choose()
        run.remember()
        if apply:
            run.install()
        write_poll(run)
        return report(run)


class Run:
    """One check on its way through its steps; what each step found is a field."""

    def __init__(self, device: Device, outside: Outside) -> None:
        self.device, self.outside = device, outside
        self.folder, self.disk = device.folder, Disk.of(device.folder)
        self.clock = Moment(outside.clock().replace(microsecond=0), proven=device.clock == "trusted")
        self.state = TrustState()
        self.trusted = Trusted.begin(device.anchor, ())
        self.running: dict[str, Part] = {}
        self.lost: list[Part] = []
        self.links: dict[str, StoreLink] = {}
        self.lines: dict[str, StoreLine] = {}
        self.tufs: dict[str, TufSource] = {}
        self.views: dict[str, StoreView] = {}
        self.packages: list[Package] = []
        self.grounds: Grounds | None = None
        self.problem: SealringError | None = None
        self.installed: int | None = None

    # --- DV-1, DV-2

    def recover(self) -> None:
        """Finish or undo what the last process left (DV-1)."""
        found = self.disk.generations.recover()
        self.running = {part.package: part for part in self.disk.parts_of(found.current)}

    def load(self) -> None:
        """Everything that is trusted, walked again from the anchor (DV-2)."""
        self.state = load_trust(self.folder, repair=True)
        self.trusted = Trusted.begin(self.device.anchor, self.state.statements.values())

    def mount_what_runs(self) -> None:
        """DV-10: what was installed is mounted whatever has expired since, and before any store is asked."""
        self.lost = mount_current(self.disk)

    # --- DV-3

    def learn_from_every_store(self) -> None:
        """Pass one; a store that becomes known on the way is asked too (SR-3)."""
        learning = Learning(self.trusted, self.device.model, self._keep)
        while names := [name for name in self.store_names() if name not in self.lines or self._has_moved(name)]:
            for name in names:
                self.lines[name] = self._learn_one(name, learning)

    def _learn_one(self, name: str, learning: Learning) -> StoreLine:
        link = self._link(name)
        try:
            return StoreLine(name, "fresh", learning.learn_from(link))
        except Unreachable as err:
            # DV-6: what goes wrong with one store ends here.
            return StoreLine(name, "unreachable", (Refusal.of(name, err),))
        except TrustError as err:
            return StoreLine(name, "refused", (Refusal.of(name, err),))

    def _has_moved(self, name: str) -> bool:
        """Whether another store has just said where this one, which did not answer, is now."""
        store = self.trusted.floors.get(Store, name)
        moved = store is not None and store.statement.urls != self.links[name].urls
        return moved and self.lines[name].word == "unreachable"

    def _keep(self, trusted: Trusted) -> None:
        self.trusted = trusted
        self.remember()

    def store_names(self) -> list[str]:
        """The stores of the model that have an address (SR-3)."""
        return list(self.trusted.addresses(self.device.model))

    def _link(self, name: str) -> StoreLink:
        """The store's link, opened again where pass one has brought another address."""
        urls = self.trusted.addresses(self.device.model).get(name, [])
        if name not in self.links or self.links[name].urls != urls:
            self.links[name] = StoreLink(name, urls, self.outside.connect)
        return self.links[name]

    # --- DV-4

    def open_every_view(self) -> None:
        """Pass two, each store by itself (DV-6)."""
        self.times = Times.of(self.clock, self.trusted)
        for name in self.store_names():
            if self.lines[name].word == "fresh":
                self.lines[name] = self._open_one(name, self.lines[name])

    def _open_one(self, name: str, line: StoreLine) -> StoreLine:
        store = self.trusted.floors.get(Store, name)
        if store is None:
            lacks = WrongStatement(f"store {name}", "no statement by today's keys", "one signed anew", "SR-3")
            return replace(line, word="refused", refusals=(*line.refusals, Refusal.of(name, lacks)))
        tuf = self.tufs[name] = TufSource(self._link(name))
        files = StoreFiles(self.folder / "stores" / name)
        try:
            verified, root = self.times.verify(store), self.trusted.chain.root_id
            seen, model = self.state.stores.get(name), self.device.model
            view = open_view(verified, self._link(name), tuf, files, seen, root=root, model=model)
        except (TrustError, Unreachable) as err:
            return replace(line, word=_word(err), refusals=(*line.refusals, Refusal.of(name, err)))
        line = replace(line, catalogue=view.entry.sequence, time=view.entry.time)
        self.views[name] = view
        # DV-5: a store that does not know the newest keys is not listened to.
        late = behind(view.view, self.trusted)
        if late is not None:
            return replace(line, word="behind", refusals=(*line.refusals, Refusal(name, "DV-5", late, "", 25)))
        return line

    # --- DV-5

    def choose(self) -> None:
        """The newest valid release of each package, and whether all that is required is there (DV-5, DV-7)."""
        try:
            self.grounds = check_grounds(self.trusted, self.times, self.device.model, load_failures(self.folder))
        except TrustError as err:
            self.problem = err
            return
        for wanted in self.grounds.model.statement.packages:
            package = Package(wanted, self.running.get(wanted.package))
            offers = [offer for name in self.views if (offer := self._offer(name, package)) is not None]
            self.trusted = choose(self.grounds, package, offers)
            self.grounds = replace(self.grounds, trusted=self.trusted)
            self.packages.append(package)
        for package in self.packages:
            # DV-7: half of a model's software is no state that anybody has tested.
            if package.wanted.presence == "required" and package.part() is None and self.problem is None:
                self.problem = Missing(package.wanted.package)
        for name in self.views:
            self._note_late_releases(name)

    def _offer(self, name: str, package: Package) -> Offer | None:
        assert self.grounds is not None
        if self.lines[name].word != "fresh":
            return None
        statement = from_anywhere(self.state.statements, self._link(name))
        architecture = self.grounds.model.statement.architecture
        try:
            found = listed(self.views[name].view, package.wanted, architecture, self.trusted, statement)
        except Unreachable as err:
            self.lines[name] = replace(self.lines[name], word="unreachable", refusals=(Refusal.of(name, err),))
            return None
        except TrustError as err:
            package.refuse(name, err)
            return None
        return None if found is None else Offer(self.views[name], found)

    def _note_late_releases(self, name: str) -> None:
        """A store whose release lies below the floor is behind; one whose release is refused otherwise is refused."""
        own = [refusal for package in self.packages for refusal in package.refusals if refusal.about == name]
        line = self.lines[name]
        if line.word == "fresh" and any(refusal.rule == "FL-1" for refusal in own):
            self.lines[name] = replace(line, word="behind", refusals=(*line.refusals, *own))
        elif line.word == "fresh" and any(refusal.rule in ("TH-1", "AU-1", "DV-4", "FL-3", "ST-6") for refusal in own):
            self.lines[name] = replace(line, word="refused", refusals=(*line.refusals, *own))

    # --- what is kept

    def remember(self) -> None:
        """Keep what is trusted and what each store has shown; nothing is written where nothing changed (DV-2)."""
        generations = self.disk.generations
        numbers = {generations.current(), generations.good(), generations.previous_good()}
        kept: list[Part] = [part for number in numbers for part in self.disk.parts_of(number)]
        kept += [part for package in self.packages if (part := package.part()) is not None]
        keep = {digest for part in kept for digest in (part.release, part.statement)}
        stores = {**self.state.stores, **{name: view.seen for name, view in self.views.items()}}
        self.state = save_trust(self.folder, self.state, self.trusted.remembered(keep), stores)

    # --- install

    def plan(self) -> list[Part]:
        """The parts of the next generation."""
        return [part for package in self.packages if (part := package.part()) is not None]

    def is_new(self) -> bool:
        """Whether the plan differs from what runs."""
        running = {(part.package, part.revision, part.sha256) for part in self.running.values()}
        return bool(self.packages) and {(p.package, p.revision, p.sha256) for p in self.plan()} != running

    def install(self) -> None:
        """Fetch, stage, try, check, commit, or back (DV-7, DV-9); and bring back what has rotted."""
        links = [self._link(name) for name in sorted(self.store_names(), key=lambda n: self.lines[n].word != "fresh")]
        try:
            for part in self.lost:
                bring_image(part, links, self.disk.images, self.outside)
                self.disk.mount(part)
            if self.problem is None:
                self._install_plan(links)
        except SealringError as err:
            self.problem = err

    def _install_plan(self, links: list[StoreLink]) -> None:
        """Install what is chosen; a package whose release does not work is left as it was, and the rest tried again.

        Else a publisher who releases something broken every hour would keep everybody else's software old.
        """
        failed: SealringError | None = None
        while self.is_new() and not self._lacks_required():
            self._bring_all(links)
            if not self.is_new():
                break
            try:
                self.installed = install(self.plan(), self._revisions(), self.disk, self.outside, self._still_good)
            except (Unhealthy, NotSquashfs) as err:
                failed = err
                if not self._leave(err):
                    break
                continue
            self._forget_failures()
            return
        if failed is not None:
            raise failed

    def _lacks_required(self) -> bool:
        return any(one.wanted.presence == "required" and one.part() is None for one in self.packages)

    def _leave(self, err: Unhealthy | NotSquashfs) -> bool:
        """Leave the package that failed as it was, and remember that (DV-9); false where none of the new ones did."""
        name = err.image.name if isinstance(err, NotSquashfs) else err.package
        found = False
        for package in self.packages:
            part = package.part()
            if part is not None and package.is_new and name in (part.package, part.sha256):
                self._failed(part.package)
                package.refusals.append(Refusal.of(part.package, err))
                package.approved, found = None, True
        return found

    def _bring_all(self, links: list[StoreLink]) -> None:
        for package in self.packages:
            part = package.part()
            if part is None or not package.is_new:
                continue
            try:
                bring_image(part, links, self.disk.images, self.outside)
            except (TrustError, Unreachable, NoSpace) as err:
                # DV-7: an optional package is left as it was; without a required one nothing is switched.
                if package.wanted.presence == "required":
                    raise
                package.refusals.append(Refusal.of(package.wanted.package, err))
                package.wakes.append(self.now() + FIRST_WAIT)
                package.approved = None

    def _still_good(self) -> None:
        """The statements judged again at the switch: a download may have taken days."""
        now = Moment(self.outside.clock().replace(microsecond=0), self.clock.proven)
        times = Times.of(now, self.trusted)
        for package in self.packages:
            if package.approved is not None and package.is_new:
                times.verify(package.approved.release)
                times.verify(package.approved.revision)

    def _revisions(self) -> dict[str, RevisionStatement]:
        claims = [read_claim(raw) for raw in self.trusted.others]
        found = {c.envelope.digest: c.statement for c in claims}
        return {digest: one for digest, one in found.items() if isinstance(one, RevisionStatement)}

    def _failed(self, name: str) -> None:
        """Remember that this release did not work (DV-9)."""
        failures = load_failures(self.folder)
        for package in self.packages:
            if package.wanted.package == name and package.approved is not None and package.is_new:
                release = package.approved.release.envelope.id
                failures[name] = failed_again(failures.get(name), name, release, self.now())
        save_failures(self.folder, failures)

    def _forget_failures(self) -> None:
        failures = load_failures(self.folder)
        new = {package.wanted.package for package in self.packages if package.is_new}
        save_failures(self.folder, {name: one for name, one in failures.items() if name not in new})

    def now(self) -> datetime:
        """The instant of this check, as the model's brand's statements are judged."""
        return self.times.of_brand(self.device.brand).at


def _word(err: SealringError) -> Word:
    if isinstance(err, Unreachable):
        return "unreachable"
    return "stale" if isinstance(err, TufExpired | Expired) else "refused"
