"""Brands and who may follow them (SPEC BR)."""

from typing import Any

from sealring.envelope import Envelope
from sealring.names import spell
from sealring.statement.authorities import RootRoles
from tests.vectors.cases.common import ACCEPTED, AT, WORLD, Case, Cases, case
from tests.world import DAY, NOW, Key, World, key_set, merge, sign

ROLE, ROOT_KEYS = WORLD.brand_role, WORLD.root_keys
ONE, TWO, THREE, THIEF = (WORLD.brand_keys("acme", n) for n in (1, 2, 3, 9))
NEW_ROLE = Key("brands-2")
Parts = list[tuple[str, bytes]]


def brand(sequence: int, keys: list[Key], *signers: Key, **more: Any) -> Envelope:
    """The brand acme with these keys, 2 of 3, signed by exactly these."""
    return sign(WORLD.brand(sequence=sequence, keys=key_set(2, *keys), **more), *signers)


FIRST = brand(1, ONE, *ROLE)
SECOND = brand(2, TWO, *ROLE, *ONE[:2])


def _case(name: str, rule: str, comment: str, before: Parts, *brands: Envelope, at: str = AT, **facts: str) -> Case:
    parts = [("anchor", WORLD.root.raw), *before, *(("brand", one.raw) for one in brands)]
    return case(f"brand/{name}", rule, comment, "brand-walk", *parts, at=at, **facts)


def _held(*brands: Envelope) -> Parts:
    return [("held", one.raw) for one in brands]


def _first() -> Cases:
    yield _case(
        "first",
        ACCEPTED,
        "a device that knows nothing of a brand takes what the root certifies",
        [],
        FIRST,
        sequence="1",
    )
    yield _case("first-is-later", ACCEPTED, "whatever its sequence", [], SECOND, sequence="2")
    yield _case("not-certified", "TH-1", "signed by its own keys alone (BR-1)", [], brand(1, ONE, *ONE))
    yield _case(
        "certified-by-role-root", "TH-1", "the role root is not the role brand (BR-1)", [], brand(1, ONE, *ROOT_KEYS)
    )
    other = World(salt="staging")
    foreign = sign(other.brand(keys=key_set(2, *ONE)), *ROLE)
    yield _case("of-another-root", "ST-4", "a rehearsal's certificate, made with the same key", [], foreign)
    yield _case("not-a-brand", "ST-6", "a model where a brand belongs", [], WORLD.signed(WORLD.model()))
    yield _case(
        "expired", "TM-1", "authentic, and too old to install anything by", [], FIRST, at=spell(NOW + 365 * DAY)
    )


def _follows() -> Cases:
    held = _held(FIRST)
    third = brand(3, THREE, *ROLE, *TWO[:2])
    yield _case("rotated", ACCEPTED, "by its previous keys and the role brand", held, SECOND, sequence="2")
    uncertified = brand(2, TWO, *ONE[:2])
    yield _case(
        "walk",
        ACCEPTED,
        "a device that is behind: the version in between needs no role brand",
        held,
        uncertified,
        third,
        sequence="3",
    )
    yield _case("walk-last-not-certified", "TH-1", "the last one does (BR-1)", held, SECOND, brand(3, THREE, *TWO[:2]))
    yield _case(
        "role-brand-alone",
        "TH-1",
        "a thief of the role brand can't take a brand over (BR-2)",
        held,
        brand(2, THIEF, *ROLE, *THIEF),
    )
    yield _case(
        "role-brand-and-one-key", "TH-1", "nor with one of the brand's keys", held, brand(2, THIEF, *ROLE, ONE[0])
    )
    yield _case(
        "jump", "BR-2", "3 after 1 by the keys of 1: what 2 said would be lost", held, brand(3, THREE, *ROLE, *ONE[:2])
    )
    yield _case(
        "jump-by-role-root",
        ACCEPTED,
        "the brand's keys are lost: the role root stands in",
        held,
        brand(3, THREE, *ROLE, *ROOT_KEYS[:2]),
        sequence="3",
    )
    yield _case(
        "role-root-below-threshold", "TH-1", "one root key does not", held, brand(3, THREE, *ROLE, ROOT_KEYS[0])
    )
    yield _case(
        "role-root-without-role-brand",
        "TH-1",
        "nor the role root without the role brand (BR-1)",
        held,
        brand(2, TWO, *ROOT_KEYS),
    )
    yield _case(
        "another-brand-next",
        "BR-2",
        "the walk changes to another brand",
        held,
        SECOND,
        WORLD.signed(WORLD.brand("evil")),
    )
    yield _case("same-again", ACCEPTED, "the held one again", held, FIRST, sequence="1")
    more = merge([FIRST, brand(1, ONE, NEW_ROLE)])
    yield _case("counter-signed", ACCEPTED, "the held one with a signature more", held, more, sequence="1")


def _back() -> Cases:
    """Key c is stolen, d comes in its place; a and b stay, so that what they signed before still counts."""
    stays = [*ONE[:2], TWO[2]]
    first = brand(1, ONE, *ROLE, *ONE[:2])
    second = brand(2, stays, *ROLE, *ONE[:2])
    held = _held(first, second)
    yield _case("back", "FL-1", "version 1 again: genuine, and its thief's key is c", held, first)
    retired = brand(2, THIEF, ONE[0], ONE[2])
    takeover = brand(3, THIEF, *ROLE, *THIEF[:2])
    yield _case(
        "back-and-forth",
        "FL-1",
        "back to 1, then forward by stolen a and retired c, with the role brand",
        held,
        first,
        retired,
        takeover,
    )
    other = brand(2, THIEF, *ROLE, *stays[:2])
    yield _case("second-of-one-sequence", "FL-3", "another version 2 by the same people", held, other)
    yield _case("walk-over-second-of-one-sequence", "FL-3", "and a version 3 behind it", held, other, takeover)
    lower = brand(1, THIEF, *ROLE, *ROOT_KEYS[:2])
    yield _case("back-by-role-root", "FL-1", "not even the role root takes a counting brand back", held, lower)
    third = brand(3, TWO, *ROLE, *ROOT_KEYS[:2])
    yield _case("back-in-between", "FL-1", "nor in the middle of a walk", held, third, lower, third)


def _former() -> Cases:
    roles = RootRoles(key_set(2, *ROOT_KEYS), key_set(1, NEW_ROLE))
    root = sign(WORLD.root_statement(sequence=2, roles=roles), *ROOT_KEYS[:2])
    rotated = [*_held(FIRST), ("root", root.raw)]
    yield _case(
        "former-not-certified-again",
        "TH-1",
        "the role brand was rotated: its old word counts no more (BR-1)",
        rotated,
        FIRST,
    )
    yield _case(
        "former-certified-again",
        ACCEPTED,
        "the same statement, counter-signed by the new role",
        rotated,
        merge([FIRST, brand(1, ONE, NEW_ROLE)]),
        sequence="1",
    )
    yield _case(
        "former-names-successor",
        ACCEPTED,
        "its keys still say who follows (BR-3)",
        rotated,
        brand(2, TWO, NEW_ROLE, *ONE[:2]),
        sequence="2",
    )
    yield _case(
        "former-taken-over",
        "TH-1",
        "the new role brand can't take it over either (BR-3)",
        rotated,
        brand(2, THIEF, NEW_ROLE, *THIEF),
    )
    ahead = brand(2**53 - 1, ONE, *ROLE)
    stolen = [*_held(ahead), ("root", root.raw)]
    yield _case(
        "former-far-ahead",
        ACCEPTED,
        "a thief ran to the last sequence: new role and role root begin again",
        stolen,
        brand(7, TWO, NEW_ROLE, *ROOT_KEYS[:2]),
        sequence="7",
    )


def cases() -> Cases:
    for part in (_first, _follows, _back, _former):
        yield from part()
