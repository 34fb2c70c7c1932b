"""Every deadline: what ends when, who must sign what follows, and what stops until somebody has (SPEC TM-1, TF-6)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sealring.authentic import Authentic
from sealring.doctor.commands import renew
from sealring.doctor.paths import TUF
from sealring.doctor.rests import Rests
from sealring.doctor.signers import Signers, renewal_signers
from sealring.doctor.tuf_files import StoreTuf, TufDeadline, TufRole
from sealring.doctor.world import World
from sealring.errors import TrustError
from sealring.floors import Subject
from sealring.keys import FamilyThreshold, KeySet
from sealring.moment import Expired, Moment
from sealring.statement import Common, Model, Revocations

State = Literal["ended", "soon", "later"]
# A store renews by itself before half of a life is over, its catalogue daily: what has less left is not being renewed.
ONLINE_SOON = {"timestamp": timedelta(days=3), "snapshot": timedelta(days=14), "targets": timedelta(days=14)}
CATALOGUE_SOON = timedelta(days=2)
ROOT_SOON = timedelta(days=60)  # TF-10: people renew it, who must find each other first


@dataclass(frozen=True)
class Deadline:
    """One date. `stops` is empty where nothing does; `lifted` where a final release lets it pass (SPEC EL-2).

    Args:
        ends: the first instant at which it no longer counts.
        judged: the instant as of which `state` is told.
        sequence: of the statement, or the version of a TUF file.
    """

    type: str
    subject: str
    event: str
    sequence: int
    ends: datetime
    judged: datetime
    state: State
    signers: tuple[Signers, ...]
    stops: tuple[str, ...]
    next: str
    lifted: bool = False

    @property
    def title(self) -> str:
        """What ends, in words."""
        return self.type if self.type == "root" else f"{self.type} {self.subject}"

    @property
    def fails(self) -> bool:
        """Whether something has ended and does not go on without it."""
        return self.state == "ended" and bool(self.stops) and not self.lifted


@dataclass(frozen=True)
class Instants:
    """As of when to judge.

    Args:
        at: statements and what people sign.
        within: how long before a deadline to warn.
        read: when a store's own files were read; what a store renews by itself is judged no later than that.
    """

    at: datetime
    within: timedelta
    read: datetime

    def state(self, ended: bool, ends: datetime) -> State:
        """How near a deadline is."""
        if ended:
            return "ended"
        return "soon" if ends - self.at <= self.within else "later"


def deadlines(rests: Rests, stores: Iterable[StoreTuf], instants: Instants) -> tuple[Deadline, ...]:
    """All deadlines of what is in force, earliest first."""
    world, found = rests.world, list[Deadline]()
    for subject, one in world.held.items():
        if rests.matters(subject):
            found += _of_statement(rests, subject, one, instants)
    for store in stores:
        found += _of_store(rests, store, instants)
    return tuple(sorted(found, key=lambda d: (d.ends, d.type, d.subject, d.event)))


def ends(one: Authentic[Common]) -> datetime:
    """When a statement stops counting: at its expiry, or with the last delegation that vouches for it (SPEC AU-6)."""
    last = max((d.statement.expires for d in one.under), default=one.statement.expires)
    return min(one.statement.expires, last)


def is_expired(world: World, one: Authentic[Common], at: datetime) -> bool:
    """Whether a device would call it expired at this instant: asked of the rule itself."""
    try:
        world.chain.verify(one, Moment(at), None)
    except Expired:
        return True
    except TrustError:
        return False  # it is refused for another reason, which is another finding
    return False


def _of_statement(rests: Rests, subject: Subject, one: Authentic[Common], instants: Instants) -> Iterator[Deadline]:
    said, world = one.statement, rests.world
    # RK-2: a list that has expired is still in force; only whoever renews it is reminded.
    stops = () if isinstance(said, Revocations) else rests.stops(subject)
    signers, command = renewal_signers(world.chain, one), renew(world, one)
    # One name for all versions of the root, so that a calendar knows its next one for the same.
    name, last = subject[1], ends(one)
    state = instants.state(is_expired(world, one, instants.at), last)
    lifted = rests.is_lifted(one)
    yield Deadline(said.type, name, "expires", said.sequence, last, instants.at, state, signers, stops, command, lifted)
    if isinstance(said, Model):
        end = said.end_of_support
        state = instants.state(instants.at >= end, end)
        yield Deadline(said.type, name, "end of support", said.sequence, end, instants.at, state, signers, (), command)


def _of_store(rests: Rests, store: StoreTuf, instants: Instants) -> Iterator[Deadline]:
    stops, roles = rests.stops((TUF, store.name)), {role.name: role for role in store.roles}
    for one in store.deadlines:
        judged = min(instants.at, instants.read) if one.online else instants.at
        soon = ONLINE_SOON.get(one.file, CATALOGUE_SOON) if one.online else max(ROOT_SOON, instants.within)
        state = Instants(judged, soon, judged).state(judged >= one.ends, one.ends)
        signers = tuple(_tuf_signers(store, roles.get("root" if not one.online else _role_of(one))))
        yield Deadline(
            f"TUF {one.file}", f"of {store.name}", "expires", one.version, one.ends, judged, state, signers, stops,
            _tuf_next(one),
        )  # fmt: skip


def _role_of(one: TufDeadline) -> str:
    return "timestamp" if one.file == "catalogue" else one.file


def _tuf_signers(store: StoreTuf, role: TufRole | None) -> Iterator[Signers]:
    if role is not None and role.keys:
        wanted = FamilyThreshold("classical", role.threshold, "required")
        yield Signers(f"store {store.name}, TUF role {role.name}", KeySet(list(role.keys), [wanted]))


def _tuf_next(one: TufDeadline) -> str:
    if one.online:
        return "sealring-store sign FOLDER  # on the store: `serve` does it by itself"
    return "sealring-store tuf request FOLDER  # on the store: then its holders sign, and `tuf publish`"
