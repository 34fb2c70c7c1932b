"""What is there, and what should be: the steps of a check before the choice (SPEC DV-1 to DV-4)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sealring.errors import SealringError, TrustError, Unreachable
from sealring.moment import Moment
from sealring.revocation import Found
from sealring.statement import Model, Store
from sealring_client.answers import Answers
from sealring_client.apply.install import Disk, mount_current
from sealring_client.by_content import ByContent
from sealring_client.decide.answer import Reads
from sealring_client.decide.evidence import Disputes, load_disputes, save_disputes
from sealring_client.decide.grounds import Grounds, own_serials
from sealring_client.decide.learn import MAX_REFUSALS, Learning
from sealring_client.decide.package import Package
from sealring_client.decide.state import TrustState, load_trust, save_trust
from sealring_client.decide.store_view import StoreView, TufSource
from sealring_client.decide.times import Times
from sealring_client.decide.trusted import Trusted
from sealring_client.device_file import Device
from sealring_client.fetch.link import Cost, StoreLink
from sealring_client.known_addresses import KnownAddresses, load_known, save_known
from sealring_client.outside import Outside
from sealring_client.part import Part
from sealring_client.poll import Heard
from sealring_client.report import Refusal, StoreLine
from sealring_client.serial import load_key
from sealring_client.stick import StickLink, Sticks
from sealring_client.stopped import kept_digests, save_stopped
from sealring_client.stopping import forget_poll, still_stopped, stop_what_is_revoked

MAX_MOVES = 16  # that are followed in one check


class Survey:
    """One check on its way through its steps; what each step found is a field. `selection` fills the last of them."""

    def __init__(
        self, device: Device, outside: Outside, heard: Heard, *, paranoid: bool = False, sticks: Sticks | None = None
    ) -> None:
        self.device, self.outside, self.paranoid = device, outside, paranoid or device.paranoid
        self.sticks = sticks
        self.folder, self.disk = device.folder, Disk.of(device.folder)
        self.clock = Moment(outside.clock().replace(microsecond=0), proven=device.clock == "trusted")
        self.state = TrustState()
        self.trusted = Trusted.begin(device.anchor, ())
        self.times = Times.of(self.clock, self.trusted)
        self.running: dict[str, Part] = {}
        self.stopped: dict[str, Part] = {}
        self.stopped_now: dict[Part, Found] = {}
        self.disputes = Disputes()
        self.known = KnownAddresses()
        self.lost: list[Part] = []
        self.answers = Answers(device, heard.stamps)
        self.costs = dict(heard.costs)
        self.links: dict[str, StoreLink] = {}
        self.contents: dict[StoreLink, ByContent] = {}
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
        self.disputes = load_disputes(self.folder)
        self.known = load_known(self.folder)

    def stop_what_is_revoked(self) -> None:
        """RK-6: at once, by the lists that are held; before the first store is asked, and after the last."""
        self.stopped_now |= stop_what_is_revoked(self.folder, self.disk, self.trusted)
        self.running = {part.package: part for part in self.disk.parts_of(self.disk.generations.current())}
        self.see_what_is_stopped()
        save_stopped(self.folder, self.stopped.values())

    def see_what_is_stopped(self) -> None:
        """What ran, and may not; by the lists of now."""
        self.stopped = still_stopped(self.folder, self.trusted, self.running)

    def mount_what_runs(self) -> None:
        """DV-10: what was installed is mounted whatever has expired since, and before any store is asked."""
        self.lost = mount_current(self.disk)

    # --- DV-3

    def learn_from_every_store(self) -> None:
        """Pass one; a store that becomes known on the way is asked too (SR-3)."""
        self.learning = Learning(self.trusted, self.device.model, self._keep, self._contradicted)
        self._ask_the_stores(self.learning)
        if self.sticks is None and self._ask_where_they_once_were(self.learning):
            self._ask_the_stores(self.learning)

    def _ask_the_stores(self, learning: Learning) -> None:
        moves = 0
        while names := [one for one in self.store_names() if one not in self.lines or self._has_moved(one, moves)]:
            for name in names:
                self.lines[name] = self.learn_one(name, learning)
            moves += 1

    def _ask_where_they_once_were(self, learning: Learning) -> bool:
        """SR-4: once a week, and whenever nobody answers, also the addresses that no statement names any more."""
        answered = any(line.word == "fresh" for line in self.lines.values())
        named = {url for name in self.store_names() for url in self.link(name).urls}
        former = self.known.unnamed(named)
        if not former or (answered and not self.known.is_due(self.clock.at)):
            return False
        if answered:  # where nobody does, every check asks, and writes nothing for it
            self.known = replace(self.known, asked=self.clock.at)
        for one in former:
            link = self._alone(one.store, one.url)
            self._learn_at(link, learning)
            link.close()
        return True

    def learn_one(self, name: str, learning: Learning) -> StoreLine:
        """What one store says of what authenticates itself; its line so far."""
        link = self.link(name)
        if self.trusted.floors.get(Store, name) is not None:
            return self._learn_at(link, learning)
        # SR-3: which of the addresses that once were its own has what is newest, nobody can say: an old one that still
        # answers must not keep the device from the next, or it would stand at the keys of that day for ever.
        lines = []
        for url in link.urls:
            alone = self._alone(name, url)
            lines.append(self._learn_at(alone, learning))
            alone.close()
        refusals = dict.fromkeys(refusal for line in lines for refusal in line.refusals)
        best = next((line for line in lines if line.word == "fresh"), lines[0])
        return replace(best, refusals=tuple(refusals)[:MAX_REFUSALS])

    def _learn_at(self, link: StoreLink, learning: Learning) -> StoreLine:
        name = link.name
        try:
            refusals = [one for source in self._sources_of(link) for one in learning.learn_from(source)]
            return StoreLine(name, "fresh", tuple(dict.fromkeys(refusals))[:MAX_REFUSALS])
        except Unreachable as err:
            # DV-6: what goes wrong with one store ends here.
            return StoreLine(name, "unreachable", (Refusal.of(name, err),))
        except TrustError as err:
            return StoreLine(name, "refused", (Refusal.of(name, err),))

    def learn_elsewhere(self, link: StoreLink) -> None:
        """What the store's other addresses say of what authenticates itself."""
        for other in link.elsewhere():
            self._learn_at(other, self.learning)
            other.close()

    def _has_moved(self, name: str, moves: int) -> bool:
        """Whether the store has another address since it was asked: what is newest is there, and not at the old one."""
        store = self.trusted.floors.get(Store, name)
        return moves < MAX_MOVES and store is not None and store.statement.urls != self.links[name].urls

    def _keep(self, trusted: Trusted) -> None:
        if trusted.chain.revocations != self.trusted.chain.revocations:
            # RK-6: after a kill in between no poll may say "nothing new" before the list has had its effect.
            forget_poll(self.folder)
        self.trusted = trusted
        self.remember()

    def _contradicted(self, held: bytes, offered: bytes) -> None:
        self.disputes = self.disputes.with_pair(held, offered, self.trusted)
        save_disputes(self.folder, self.disputes)

    def store_names(self) -> list[str]:
        """The stores of the model that have an address (SR-3)."""
        return list(self.trusted.addresses(self.device.model))

    def link(self, name: str) -> StoreLink:
        """The store's link, opened again where pass one has brought another address."""
        urls = self.trusted.addresses(self.device.model).get(name, [])
        if name not in self.links or self.links[name].urls != urls:
            self.links[name] = self._link_to(name, urls)
        return self.links[name]

    def source(self, name: str) -> Reads:
        """Where the store's files come from: its answer, or its paths (AN-3)."""
        return self.answers.source(self.link(name), self.trusted, self.state)

    def by_content(self, name: str) -> ByContent:
        """As `source`, for what is named by its digest: of a store's addresses, from whichever has it (DV-6)."""
        link = self.link(name)
        if link not in self.contents:
            self.contents[link] = ByContent(self.source(name), link)
        return self.contents[link]

    def sources(self, name: str) -> Sequence[Reads]:
        """Each place in which the store's files may be, the likeliest first: bundles are not mixed (BN-6)."""
        return self._sources_of(self.link(name))

    def _sources_of(self, link: StoreLink) -> Sequence[Reads]:
        if not isinstance(link, StickLink):
            return [self.answers.source(link, self.trusted, self.state)]
        for found in link.sources:
            self.answers.held.update(found.statements)
        return link.sources

    def _alone(self, name: str, url: str) -> StoreLink:
        return self._link_to(name, [url])

    def _link_to(self, name: str, urls: list[str]) -> StoreLink:
        if self.sticks is not None:
            return StickLink(name, urls, self.sticks)
        return StoreLink(name, urls, self.outside.connect, self._cost(name), self._signed)

    def _signed(self, url: str, at: datetime) -> Mapping[str, str] | None:
        """RD-2: the headers of a signed request; a device that no brand has named one of its own signs nothing."""
        key = load_key(self.folder)
        if key is None or not own_serials(self.trusted, self.device.model, key.public.public):
            return None
        from sealring_client.signed_request import signed_headers  # only a closed store asks for it

        return signed_headers(url, at, key)

    def _cost(self, name: str) -> Cost:
        return self.costs.setdefault(name, Cost())

    # --- what is kept

    def remember(self) -> None:
        """Keep what is trusted and what each store has shown; nothing is written where nothing changed (DV-2)."""
        keep = kept_digests(self.folder, self.disk)
        keep |= {digest for part in self.plan() for digest in (part.release, part.statement)}
        stores = {**self.state.stores, **{name: view.seen for name, view in self.views.items()}}
        save_disputes(self.folder, self.disputes)
        save_known(self.folder, self.known)
        self.state = save_trust(self.folder, self.state, self.trusted.remembered(keep), stores)

    # --- what follows

    @property
    def lifted(self) -> frozenset[str]:
        """Ids whose expiry is reported and not enforced, because of a final release (EL-2)."""
        return frozenset().union(*(package.final for package in self.packages))

    def links_fresh_first(self) -> list[StoreLink]:
        """Every store that may be asked for an image: the digest decides, so even one that lies elsewhere."""
        names = sorted(self.store_names(), key=lambda name: self.lines[name].word != "fresh")
        return [self.link(name) for name in names if not self._is_revoked(name)]

    def _is_revoked(self, name: str) -> bool:
        """RK-1: such a store is no more than an address from which newer statements may come."""
        store = self.trusted.floors.get(Store, name)
        return (
            store is not None
            and self.trusted.chain.revocations.strongest(store.statement, store.envelope.id) is not None
        )

    def plan(self) -> list[Part]:
        """The parts of the next generation."""
        return [part for package in self.packages if (part := package.part()) is not None]

    def is_new(self) -> bool:
        """Whether the plan differs from what runs."""
        running = {(part.package, part.revision, part.sha256) for part in self.running.values()}
        differs = {(p.package, p.revision, p.sha256) for p in self.plan()} != running
        return bool(self.packages) and (differs or any(package.is_new for package in self.packages))

    def grace(self) -> timedelta:
        """For how long after its end a store's answer is granted: by a bundle only, and as the model says (BN-7)."""
        model = self.trusted.floors.get(Model, self.device.model)
        return timedelta(seconds=model.statement.offline_age if model is not None and self.sticks is not None else 0)

    def now(self) -> datetime:
        """The instant of this check, as the model's brand's statements are judged."""
        return self.times.of_brand(self.device.brand).at
