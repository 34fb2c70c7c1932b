"""The shape of real authorities, or of a plan file, as a plan that throw-away keys can follow."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from sealring.keys import FAMILIES, FamilyThreshold, KeySet, Presence
from sealring.names import Name
from sealring.rehearsal.plan import BrandPlan, Holder, NotRehearsable, Party, Plan, invented
from sealring.statement import Brand, Common, Delegation, Root

ROOT_TITLE: Final = "the root"
ROLE_TITLE: Final = "the root's role brand"
MAX_PLAN = 64 * 1024  # bytes
MAX_HOLDERS = 16  # of one key set; each is a key that costs time and memory


class _Set(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`holders` are names, or `NAME:TYPE`; `families` adds thresholds beside the classical one."""

    holders: Annotated[list[str], Meta(min_length=1, max_length=MAX_HOLDERS)]
    threshold: Annotated[int, Meta(ge=0, le=MAX_HOLDERS)] = 0
    families: dict[str, int] = {}


class _Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    root: _Set
    role_brand: _Set = msgspec.field(name="role-brand")
    brand: Annotated[dict[Name, _Set], Meta(min_length=1, max_length=8)]
    delegates: dict[Name, _Set] = {}


def parse_plan(text: str) -> Plan:
    """The plan in a TOML file: tables `root`, `role-brand`, `brand.NAME` and `delegates.NAME`.

    Raises:
        NotRehearsable.
    """
    try:
        found = msgspec.toml.decode(text, type=_Plan)
    except (msgspec.DecodeError, ValueError, RecursionError) as err:
        raise NotRehearsable(f"the plan file: {err}"[:300]) from None
    if extra := sorted(set(found.delegates) - set(found.brand)):
        raise NotRehearsable(f"delegates of {extra[0]}, which is no brand of the plan")
    brands = [
        BrandPlan(name, _party(f"brand {name}", one), _delegates(found, name)) for name, one in found.brand.items()
    ]
    return Plan(_party(ROOT_TITLE, found.root), _party(ROLE_TITLE, found.role_brand), tuple(brands))


def like(statements: Sequence[Common], plan: Plan) -> Plan:
    """The plan with the key sets of these assertions in place of its own: names, types and thresholds of their keys.

    Args:
        statements: of roots, brands and delegations; nothing in them is trusted, since nothing but names is taken.
        plan: what stands where an assertion says nothing.
    """
    roots = [one for one in statements if isinstance(one, Root)]
    brands = [one for one in statements if isinstance(one, Brand)]
    others = [one for one in statements if not isinstance(one, Root | Brand | Delegation)]
    if others:
        raise NotRehearsable(f"{others[0].title}: a root, a brand or a delegation has holders")
    notes = list[str]()
    root, role = plan.root, plan.role
    if roots:
        latest = max(roots, key=lambda one: one.sequence)
        root, role = _of(ROOT_TITLE, latest.roles.root, notes), _of(ROLE_TITLE, latest.roles.brand, notes)
    if not brands:
        return Plan(root, role, plan.brands, tuple(notes))
    delegations = {one.authority: one for one in statements if isinstance(one, Delegation)}
    played = [_brand(one, delegations.get(one.brand), notes) for one in {one.brand: one for one in brands}.values()]
    return Plan(root, role, tuple(played), tuple(notes))


def made_up(
    names: Iterable[str], root: tuple[int, int], role: tuple[int, int], own: tuple[int, int], delegates: tuple[int, int]
) -> Plan:
    """A plan of made-up people; each pair is how many keys, and how many must sign."""
    brands = [
        BrandPlan(name, invented(f"brand {name}", "brand", *own), invented(_title(name), "delegates", *delegates))
        for name in names
    ]
    return Plan(invented(ROOT_TITLE, "root", *root), invented(ROLE_TITLE, "role", *role), tuple(brands))


def _brand(said: Brand, delegation: Delegation | None, notes: list[str]) -> BrandPlan:
    own = _of(f"brand {said.brand}", said.keys, notes)
    if delegation is None:
        return BrandPlan(said.brand, own, invented(_title(said.brand), "delegates", 3, 2))
    delegates = _of(delegation.title, delegation.keys, notes)
    return BrandPlan(said.brand, own, delegates, delegation.delegation)


def _of(title: str, keys: KeySet, notes: list[str]) -> Party:
    known = [one for one in keys.keys if one.type in FAMILIES]
    if len(known) < len(keys.keys):
        notes.append(f"{title}: keys of types that this edition can't make are left out")
    thresholds = tuple(one for one in keys.thresholds if one.family in FAMILIES.values())
    return Party(title, tuple(Holder(one.name, one.type) for one in known), thresholds)


def _party(title: str, one: _Set) -> Party:
    presence: Presence = "required"
    thresholds = {"classical": one.threshold, **one.families}
    found = tuple(FamilyThreshold(name, number, presence) for name, number in thresholds.items() if number)
    return Party(title, tuple(_holder(title, text) for text in one.holders), found)


def _holder(title: str, text: str) -> Holder:
    name, _, kind = text.partition(":")
    try:
        return Holder(msgspec.convert(name, Name), kind or "ed25519")
    except msgspec.ValidationError:
        raise NotRehearsable(f"{title}: {text!a:.60} is no name of a key") from None


def _delegates(found: _Plan, name: str) -> Party:
    if name in found.delegates:
        return _party(_title(name), found.delegates[name])
    return invented(_title(name), "delegates", 3, 2)


def _title(brand: str) -> str:
    return f"delegation {brand}/builders"
