"""Whatever lies in a folder, the doctor and the audit come to an end and say something that stands (SPEC BN-3)."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from sealring.doctor.audit import Scope, powers
from sealring.doctor.calendar import calendar
from sealring.doctor.deadlines import Instants
from sealring.doctor.examine import examine
from sealring.doctor.hindsight import Hindsight
from sealring.doctor.signed import signed
from sealring.doctor.world import gather, issued_by
from sealring.envelope import Envelope
from tests.samples import EVERY_TYPE
from tests.unit.doctor.worlds import WHOLE, WORLD, pieces
from tests.world import NOW, Key, key_set, sign

LISTED = {0, 1, 11, 21, 22, 23, 24, 25}
OWN = WORLD.brand_keys("acme")
POOL = [
    *WHOLE,
    sign(WORLD.root_statement(sequence=2), *WORLD.root_keys[:2]),
    sign(WORLD.root_statement(sequence=2, expires=NOW + timedelta(days=9)), *WORLD.root_keys),
    sign(WORLD.root_statement(sequence=4), *WORLD.root_keys),
    *(WORLD.signed(WORLD.brand(sequence=n)) for n in (2, 3)),
    sign(WORLD.brand(sequence=2, keys=key_set(1, Key("thief"))), *WORLD.brand_role),
    WORLD.signed(WORLD.delegation()),
    WORLD.signed(WORLD.delegation("ci", packages=["acme/*"], expires=NOW + timedelta(days=9))),
    sign(WORLD.release(5), WORLD.delegate_keys()[0], *WORLD.delegate_keys("ci")),
    WORLD.signed(
        WORLD.revocations(1, ("delegation acme/partner", "keep"), ("release acme/tool/latest/stable", "stop"))
    ),
    WORLD.signed(WORLD.revocations(2)),
    WORLD.signed(WORLD.model(stack="acme/line", sequence=2, agree=1, revocations=7)),
    WORLD.signed(WORLD.stack(("tool", 1))),
    WORLD.signed(WORLD.serial(Key("device").public)),
    WORLD.signed(WORLD.revision(1, b"another", sequence=3)),
    *(sign(statement, *OWN[:2]) for statement in EVERY_TYPE.values()),
    *(sign(statement) for statement in EVERY_TYPE.values()),
]
RAWS = st.sampled_from(POOL).map(lambda one: one.raw)
BROKEN = st.builds(
    lambda raw, at, new: raw[:at] + new + raw[at + 1 :], RAWS, st.integers(0, 900), st.binary(max_size=2)
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(RAWS, RAWS, RAWS, BROKEN), max_size=14), st.integers(-500, 2500))
def test_any_folder_comes_to_an_end(raws: list[bytes], days: int) -> None:
    at = NOW + timedelta(days=days)
    world = gather(WORLD.root.raw, pieces(raws))
    found = examine(world, [], Instants(at, timedelta(days=30), NOW), {}, ["acme/door-1"])
    assert found.exit_code(strict=False) in LISTED - {1}
    assert found.exit_code(strict=True) in LISTED
    assert [one.ends for one in found.deadlines] == sorted(one.ends for one in found.deadlines)
    assert Calendar.from_ical(calendar(found.deadlines, WORLD.root_id, NOW)).errors == []
    then, later = issued_by(world, at), Hindsight(world)
    for scope in (Scope(), Scope(("acme/tool",)), Scope(models=("acme/door-1",))):
        assert all(one.state in ("could", "suspect", "revoked", "ended") for one in powers(then, later, at, scope))
        assert all(one.claim.statement.issued <= max(at, NOW) for one in signed(then, world, later, at, scope))


@settings(max_examples=60, deadline=None)
@given(st.permutations(POOL[:20]))
def test_the_order_of_files_says_nothing(order: list[Envelope]) -> None:
    """A folder's names sort as they may: two runs over the same files must not differ in what is due."""
    first, second = (gather(WORLD.root.raw, pieces(some)) for some in (POOL[:20], order))
    assert {s: one.envelope.id for s, one in first.held.items()} == {
        s: one.envelope.id for s, one in second.held.items()
    }
