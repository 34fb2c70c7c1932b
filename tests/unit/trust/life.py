"""The product beside the model: what the model's records are as envelopes, and what a device makes of them."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sealring.chain import Authentic, begin_with_root
from sealring.errors import TrustError
from sealring.keys import KeySet
from sealring.moment import Moment
from sealring.statement import TYPES, Common, Root
from sealring.statement.authorities import RootRoles
from sealring.time_floors import TimeFloors
from sealring_client.decide.trusted import Trusted
from tests.unit.trust.authority_words import ListInForce, Said, Signed
from tests.world import NOW, Key, World, key_set, sign

WORLD = World()
KINDS = {"list": "revocations"}


@cache
def key(name: str) -> Key:
    """A key by its name."""
    return Key(name)


def keys(threshold: int, names: frozenset[str]) -> KeySet:
    """A key set over these names."""
    return key_set(threshold, *(key(name) for name in sorted(names)))


def day(number: int) -> datetime:
    """The instant that the model counts so."""
    return NOW + timedelta(days=number)


class Life:
    """One root, from its version 1 on, and the device that was given it."""

    def __init__(self, root: Signed) -> None:
        self.anchor = begin_with_root(sign(self._root(root.said, {}), *map(key, sorted(root.by))).raw)
        self.root_id = self.anchor.envelope.id
        self.device = Trusted.begin(self.anchor, [])

    def raw(self, one: Signed) -> bytes:
        """The envelope."""
        return sign(self._statement(one.said), *map(key, sorted(one.by))).raw

    def offer(self, one: Signed) -> TrustError | None:
        """Show it to the device, that keeps it if it accepts it; the refusal, if not."""
        raw = self.raw(one)
        try:
            if one.said.kind == "root":
                self.device = self.device.with_root(raw)
            elif one.said.kind == "brand":
                self.device = self.device.with_brand([raw])
            else:
                self.device = self.device.learn(self.authentic(one))
        except TrustError as refusal:
            return refusal
        return None

    def authentic(self, one: Signed) -> Authentic[Common]:
        """As today's keys vouch for it."""
        statement = self._statement(one.said)
        return self.device.chain.authenticate(self.raw(one), TYPES[statement.type], statement.authority)

    def acts_on(self, one: Signed, clock: int) -> bool:
        """Whether a device does anything new because of it."""
        floors = self.device.floors
        try:
            found = self.device.chain.brands["acme"] if one.said.kind == "brand" else self.authentic(one)
            floor = floors.highest.get((found.statement.type, found.statement.subject))
            self.device.chain.verify(found, self.times(clock).moment_of(found), floor)
        except TrustError:
            return False
        return True

    def times(self, clock: int) -> TimeFloors:
        """Floors of time, of all that is held."""
        chain = self.device.chain
        held = [chain.root, *chain.brands.values(), *self.device.floors.highest.values()]
        return TimeFloors.of(Moment(day(clock)), held)

    def floor(self, subject: tuple[str, str]) -> Authentic[Common] | None:
        """The floor of what the model calls so."""
        kind, name = subject
        return self.device.floors.highest.get((KINDS.get(kind, kind), self._subject(kind, name)))

    def lists(self) -> set[tuple[str, bool, frozenset[str] | None]]:
        """The lists in force: id of the statement, whether it counts, and the packages that it is limited to."""
        found = set()
        for one in self.device.chain.revocations.lists:
            limit = None if one.scope is None else frozenset(p.partition("/")[2] for p in one.scope.packages)
            found.add((sign(one.statement).id, one.counts, limit))
        return found

    def expected(self, one: ListInForce) -> tuple[str, bool, frozenset[str] | None]:
        """A list of the model in the same words."""
        return self.identity(one.signed.said), one.counts, one.limit

    def action(self, said: Said) -> str | None:
        """The strongest that a line in force says of it."""
        found = self.device.chain.revocations.strongest(self._statement(said), self.identity(said))
        return None if found is None else found.action

    def forget(self) -> None:
        """Keep what is worth keeping, and begin again from that alone (FL-4)."""
        self.device = Trusted.begin(self.anchor, self.device.remembered(()).values())

    def identity(self, said: Said) -> str:
        """A statement's id."""
        return sign(self._statement(said)).id

    def _subject(self, kind: str, name: str) -> str:
        if kind == "brand":
            return name
        if kind == "release":
            return f"acme/{name}/latest/stable"
        return f"{'root' if name == 'root' else 'acme'}/{name}"

    def _statement(self, said: Said) -> Common:
        dates: dict[str, Any] = {"issued": day(said.issued), "expires": day(said.expires), "root": self.root_id}
        common = {"sequence": said.number, **dates}
        if said.kind == "root":
            return self._root(said, common)
        if said.kind == "brand":
            return WORLD.brand(keys=keys(said.enough, said.keys), revocations=said.list_number, **common)
        if said.kind == "release":
            return WORLD.release(1, package=said.name, **common)
        if said.kind == "delegation":
            roles = sorted(KINDS.get(role, role) for role in said.roles)
            packages = [f"acme/{name}" for name in sorted(said.packages)]
            return WORLD.delegation(said.name, keys=keys(1, said.keys), roles=roles, packages=packages, **common)
        lines = [(self._what(what), how) for what, how in said.lines]
        authority = "root" if said.name == "root" else "acme"
        return WORLD.revocations(said.number, *lines, issuer=said.name, authority=authority, **dates)

    def _what(self, what: Said | tuple[str, str]) -> str:
        if isinstance(what, Said):
            return self.identity(what)
        return f"{what[0]} {self._subject(*what)}"

    def _root(self, said: Said, common: dict[str, Any]) -> Root:
        roles = RootRoles(keys(2, said.keys), keys(1, said.certifiers))
        return WORLD.root_statement(roles=roles, **(common or {"root": "0" * 64}))
