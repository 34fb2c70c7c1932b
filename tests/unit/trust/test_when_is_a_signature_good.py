"""When is a signature good? Each kind of key rotates to each overlapping set, in whole tables (SPEC BR, AU, FL, RK).

Names stand for keys: {a, b, c} with a threshold of 2 go over to {b, c, d}, {c, d, e}, {d, e, f}, or stay. What was
signed by every set of these keys, before and after, is judged against one sentence of SPEC.
"""

import itertools
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from sealring.authentic import Authentic
from sealring.chain import Chain, begin_with_root
from sealring.errors import TrustError
from sealring.floors import Floors
from sealring.furnished import furnished
from sealring.moment import MAX_AHEAD, Moment
from sealring.statement import Brand, Common, Model, Release, Revocations, Root, Store, parse_statement
from sealring.statement.authorities import Delegation, RootRoles
from sealring.statement.software import RevisionStatement, Stack
from sealring.strict import encode
from sealring.time_floors import TimeFloors
from tests.samples import EVERY_TYPE
from tests.world import DAY, NOW, Key, World, key_set, sign

WORLD = World()
NAMES = "abcdef"
OLD, AFTER = "abc", ["abc", "bcd", "cde", "def"]
SUBSETS = ["".join(c) for n in range(1, 5) for c in itertools.combinations("abcd", n)]
ROLE = WORLD.brand_role
AT = Moment(NOW)
SECOND = timedelta(seconds=1)


def keys(names: str) -> list[Key]:
    return [Key(f"table-{name}") for name in names]


def good(by: str, among: str) -> bool:
    """SPEC's sentence: two distinct keys of today's set have signed."""
    return len(set(by) & set(among)) >= 2


def brand_statement(names: str, sequence: int, **more: Any) -> Brand:
    return WORLD.brand(keys=key_set(2, *keys(names)), sequence=sequence, **more)


def chain_of(*sets: str, number: int = 0) -> Chain:
    """The chain after the brand has gone from one of these key sets to the next."""
    found = Chain(begin_with_root(WORLD.root.raw))
    for sequence, names in enumerate(sets, 1):
        before = keys(sets[sequence - 2]) if sequence > 1 else []
        signers = {key.id: key for key in [*ROLE, *before]}.values()
        last = number if sequence == len(sets) else 0
        found = found.with_brand([sign(brand_statement(names, sequence, revocations=last), *signers).raw])
    return found


@cache
def release(sequence: int, by: str) -> bytes:
    return sign(WORLD.release(1, sequence=sequence), *keys(by)).raw


@cache
def listed(sequence: int, by: str, *lines: tuple[str, str]) -> bytes:
    return sign(WORLD.revocations(sequence, *lines), *keys(by)).raw


def counts(chain: Chain, raw: bytes, kind: type[Common] = Release, authority: str = "acme") -> bool:
    try:
        chain.authenticate(raw, kind, authority)
    except TrustError:
        return False
    return True


@pytest.mark.parametrize("after", AFTER)
def test_a_brands_keys_rotate(after: str) -> None:
    """AU-2, TH-1: current keys or nothing, whoever signed when; counter-signatures made before count after."""
    chain = chain_of(OLD, after)
    for by in SUBSETS:
        assert counts(chain, release(1, by)) == good(by, after), by


@pytest.mark.parametrize("after", AFTER)
def test_floors_after_a_rotation(after: str) -> None:
    """FL-2: the highest that today's keys vouch for: a routine rotation opens no way back, a thief's jump ends."""
    chain = chain_of(OLD, after)
    for low, high in itertools.product(SUBSETS, repeat=2):
        remembered = [release(5, low), release(2**53 - 1, high)]
        found = Floors.of(chain, remembered).get(Release, "acme/tool/latest/stable")
        wanted = 2**53 - 1 if good(high, after) else 5 if good(low, after) else None
        assert (found.statement.sequence if found else None) == wanted, (low, high)


@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_revocations_after_a_rotation(after: str, number: int) -> None:
    """RK-2, RK-3: never lost by a rotation; weakened while unsigned; lifted by the next list or the brand's word."""
    chain, what = chain_of(OLD, after, number=number), ("model acme/door-1", "stop")
    for first, second in itertools.product(SUBSETS, repeat=2):
        old, later = listed(2, first, what), listed(1, second)
        force = furnished(chain, [old, later], once_verified=True).revocations
        found = force.strongest(WORLD.model(), "0" * 64)
        # The list that revokes counts itself; else the other one lifts it only where the brand has named it.
        lifted = not good(first, after) and good(second, after) and number == 1
        wanted = None if lifted else "stop" if good(first, after) else "keep"
        assert (found.action if found else None) == wanted, (first, second)


@pytest.mark.parametrize("after", AFTER)
def test_a_delegates_keys_rotate(after: str) -> None:
    """AU-6: the newest version's keys alone; what the older ones signed falls, floors included."""
    chain = chain_of(OLD)
    given = [
        sign(WORLD.delegation(keys=key_set(2, *keys(names)), sequence=n), *keys("ab")).raw
        for n, names in enumerate((OLD, after), 1)
    ]
    for by in SUBSETS:
        floors = Floors.of(chain, [*given, release(7, by)])
        vouched = good(by, OLD) or good(by, after)  # the brand's own keys are a, b, c here too
        assert counts(floors.chain, release(1, by)) == vouched, by
        assert (floors.get(Release, "acme/tool/latest/stable") is not None) == vouched, by


@pytest.mark.parametrize("after", AFTER)
def test_a_brands_rotation_and_what_it_delegated(after: str) -> None:
    """AU-6: a delegation stands if the new keys have signed it too, and falls with the old ones if not."""
    partner = WORLD.delegate_keys()[0]
    by_partner = sign(WORLD.release(), partner).raw
    for by in SUBSETS:
        chain = furnished(chain_of(OLD, after), [sign(WORLD.delegation(), *keys(by)).raw])
        assert counts(chain, by_partner) == good(by, after), by


@pytest.mark.parametrize("after", AFTER)
def test_the_role_brand_rotates(after: str) -> None:
    """BR-1, BR-3: a certificate stands if the new role has signed it too; else nothing of the brand counts."""
    roles = RootRoles(key_set(2, *WORLD.root_keys), key_set(2, *keys(OLD)))
    first = sign(WORLD.root_statement(root="0" * 64, roles=roles), *WORLD.root_keys[:2])
    other = RootRoles(roles.root, key_set(2, *keys(after)))
    second = sign(WORLD.root_statement(root=first.id, roles=other, sequence=2), *WORLD.root_keys[:2]).raw
    own = WORLD.brand_keys("acme")
    said = sign(WORLD.release(root=first.id), *own[:2]).raw
    for by in SUBSETS:
        if not good(by, OLD):
            continue
        certificate = sign(WORLD.brand(keys=key_set(2, *own), root=first.id), *keys(by)).raw
        chain = Chain(begin_with_root(first.raw)).with_brand([certificate]).with_root(second)
        assert counts(chain, said) == good(by, after), by
        assert ("acme" in chain.former) == (not good(by, after)), by


LIVES: list[tuple[str, type[Common], int]] = [
    ("root", Root, 5 * 366),
    ("brand", Brand, 2 * 366),
    ("model", Model, 2 * 366),
    ("delegation", Delegation, 366),
    ("store", Store, 366),
    ("revocations", Revocations, 366),
    ("revision", RevisionStatement, 3 * 366),
    ("release", Release, 180),
    ("stack", Stack, 180),
]


@pytest.mark.parametrize(("name", "kind", "days"), LIVES)
def test_the_longest_life_of_each_type(name: str, kind: type[Common], days: int) -> None:
    """ST-5: a thief does not choose how long his work lasts; a second more is refused while it is read."""
    sample = next(one for one in EVERY_TYPE.values() if type(one) is kind and one.type == name)
    fields = {field: getattr(sample, field) for field in sample.__struct_fields__}
    fields["not_before"] = type(sample).__struct_defaults__[0]
    for extra, fits in ((timedelta(0), True), (SECOND, False)):
        changed = kind(**{**fields, "issued": NOW, "expires": NOW + days * DAY + extra})
        if fits:
            assert parse_statement(encode(changed)).expires == NOW + days * DAY
            continue
        with pytest.raises(TrustError) as refused:
            parse_statement(encode(changed))
        assert refused.value.rule == "ST-5"


YEARS = 365 * DAY


@pytest.mark.parametrize(
    ("clock", "proven", "raises", "rule"),
    [
        pytest.param(NOW, True, {}, None, id="an ordinary day"),
        pytest.param(NOW - 56 * YEARS, True, {}, "TM-2", id="1970, believed"),
        pytest.param(NOW - 56 * YEARS, False, {}, None, id="1970, known to be poor"),
        pytest.param(NOW - 56 * YEARS, True, {"root": NOW}, None, id="1970, and the root was dated later"),
        pytest.param(NOW + 73 * YEARS, True, {}, "TM-1", id="2099"),
        pytest.param(NOW + 73 * YEARS, False, {}, "TM-1", id="2099, known to be poor"),
        pytest.param(NOW, True, {"acme": NOW + 90 * DAY}, "TM-1", id="the brand itself was heard later"),
        pytest.param(NOW, True, {"evil": NOW + 90 * DAY}, None, id="another brand was"),
        pytest.param(NOW, True, {"root": NOW + 90 * DAY}, "TM-1", id="the root was"),
        pytest.param(NOW - MAX_AHEAD, True, {}, None, id="ten minutes behind the signer"),
        pytest.param(NOW - MAX_AHEAD - SECOND, True, {}, "TM-2", id="and a second"),
    ],
)
def test_clocks_and_floors(clock: Any, proven: bool, raises: dict[str, Any], rule: str | None) -> None:
    """TM-1 to TM-5: what a release of ninety days is worth under each clock."""
    chain = chain_of(OLD)
    found: Authentic[Release] = chain.authenticate(release(1, "ab"), Release, "acme")
    moment = TimeFloors(Moment(clock, proven), raises).moment_of(found)
    if rule is None:
        assert chain.verify(found, moment, None).statement.sequence == 1
        return
    with pytest.raises(TrustError) as refused:
        chain.verify(found, moment, None)
    assert refused.value.rule == rule


def test_what_was_meant_under_another_root_counts_nowhere() -> None:
    """ST-4: a rehearsal with the very same keys."""
    other = World(salt="")
    assert other.root_id == WORLD.root_id
    rehearsal = sign(WORLD.root_statement(issued=NOW - DAY), *WORLD.root_keys[:2])
    replayed = sign(WORLD.release(root=rehearsal.id), *keys("ab")).raw
    with pytest.raises(TrustError) as refused:
        chain_of(OLD).authenticate(replayed, Release, "acme")
    assert refused.value.rule == "ST-4"
