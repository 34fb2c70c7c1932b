"""Findings about keys: who is enough alone, whose loss is the end, what falls together (SPEC TH-1, AU-2, KY-1)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from sealring.doctor.findings import Finding, Level
from sealring.doctor.signers import Holders, able, set_in_words
from sealring.doctor.tuf_files import ONLINE, StoreTuf
from sealring.doctor.world import World
from sealring.keys import FAMILIES, FamilyThreshold, KeySet, PublicKey
from sealring.names import KeyId

Kind = Literal["root", "brand-role", "brand", "delegation", "tuf-root", "tuf-online"]
PEOPLE: frozenset[Kind] = frozenset({"root", "brand-role", "brand"})
"""Sets that people sign with; a delegation or a store's online role may well be one machine's key."""


@dataclass(frozen=True)
class Role:
    """A key set and what it speaks for. `owner` is the brand whose it is, or the root's or store's name."""

    kind: Kind
    title: str
    owner: str
    keys: KeySet


def roles(world: World, stores: Iterable[StoreTuf]) -> list[Role]:
    """Every key set in force."""
    root = world.chain.root.statement.roles
    found = [Role("root", "role root", "root", root.root), Role("brand-role", "role brand", "root", root.brand)]
    for name, brand in sorted(world.chain.brands.items()):
        found.append(Role("brand", f"brand {name}", name, brand.statement.keys))
    for _, one in sorted(world.chain.delegations.items()):
        found.append(Role("delegation", one.statement.title, one.statement.authority, one.statement.keys))
    for store in stores:
        for role in store.roles:
            kind: Kind = "tuf-online" if role.name in ONLINE else "tuf-root"
            keys = KeySet(list(role.keys), [FamilyThreshold("classical", role.threshold, "required")])
            found.append(Role(kind, f"store {store.name}, TUF role {role.name}", store.name, keys))
    return found


def about_keys(found: Iterable[Role], holders: Holders) -> Iterator[Finding]:
    """The findings about these key sets."""
    every = list(found)
    for role in every:
        yield from _one_person(role, holders)
        if not role.kind.startswith("tuf"):
            yield from _thresholds(role)
            yield from _algorithms(role)
    yield from _shared(every)


def every_key(found: Iterable[Role]) -> list[PublicKey]:
    """All keys of these sets."""
    return [key for role in found for key in role.keys.keys]


def _one_person(role: Role, holders: Holders) -> Iterator[Finding]:
    alone = holders.alone(role.keys)
    if not alone or role.kind == "tuf-online":
        return
    level: Level = "warning" if role.kind in PEOPLE else "note"
    who = " or ".join(alone[:5]) + (" or another" if len(alone) > 5 else "")
    words = f"{who} alone can sign: {set_in_words(role.keys)}"
    advice = "raise the threshold, or spread the keys; `--holders FILE` says who holds which"
    yield Finding("one-person", level, role.title, words, advice)


def _thresholds(role: Role) -> Iterator[Finding]:
    for wanted in role.keys.thresholds:
        count = able(role.keys, wanted.family)
        what = f"{wanted.threshold} of {count} {wanted.family} keys"
        if count and wanted.threshold == count:
            level: Level = "warning" if role.kind in PEOPLE else "note"
            words = f"{what} must sign: the loss of one is the loss of the set"
            yield Finding("no-spare", level, role.title, words, "add a key that is kept elsewhere")
        elif 2 <= wanted.threshold <= (count - 1) // 2:
            words = f"{what} are enough, less than half: two sides could sign different things"
            yield Finding("weak-threshold", "note", role.title, words, "raise the threshold, or list fewer keys")


def _algorithms(role: Role) -> Iterator[Finding]:
    families = sorted({FAMILIES[key.type] for key in role.keys.keys if key.type in FAMILIES})
    asked = [t.family for t in role.keys.thresholds if t.family in families]
    if role.kind in PEOPLE and len(asked) == 1:
        # Information: one family is what most roles begin with, and no rule asks for two.
        words = f"it falls with one family of algorithms, {asked[0]}"
        advice = "add ml-dsa-65 keys and a threshold `if_known` at the next rotation"
        yield Finding("lone-algorithm", "note", role.title, words, advice)
    for key in role.keys.keys:
        if key.type not in FAMILIES:
            words = f"key {key.name} is of type {key.type}, which this edition can't verify: it never counts"
            yield Finding("unknown-key-type", "note", role.title, words, "use a newer edition, or another type")


def _shared(every: Iterable[Role]) -> Iterator[Finding]:
    places: dict[KeyId, list[tuple[Role, PublicKey]]] = {}
    for role in every:
        for key in role.keys.keys:
            places.setdefault(key.id, []).append((role, key))
    for ident, uses in sorted(places.items()):
        where = [role for role, _ in uses]
        if len(where) < 2 or all(role.kind == "tuf-online" and role.owner == where[0].owner for role in where):
            continue  # a store's three online roles share one key in this edition (SPEC section 16)
        mild = all(role.kind == "delegation" and role.owner == where[0].owner for role in where)
        names = " = ".join(dict.fromkeys(key.name for _, key in uses))
        words = f"key {names} signs in {len(where)} roles: {', '.join(role.title for role in where)}"
        advice = "make a key for each role: its theft should end one of them only"
        yield Finding("shared-key", "note" if mild else "warning", f"key {ident}", words, advice)
