"""When a store halts a release by itself, and when it never does (SPEC HL-1, HL-2)."""

import pytest
from sqlalchemy import select

from sealring.catalogue.leaf import Head
from sealring.catalogue.proof import verify_proof
from sealring.halt import halt_head, halt_key, parse_halt, prove_halt
from sealring.report import report_bytes
from sealring.statement.fleet import Wanted
from sealring_server.catalogue import last_entry, prove
from sealring_server.reports import curves, judge_halts
from sealring_server.schema import progress, rollouts
from tests.unit.server.conftest import Shop
from tests.unit.server.reports.conftest import Factory, make_factory
from tests.world import DAY, Key

RELEASE = "acme/tool/latest/stable"


def test_two_failing_devices_of_ten_halt_the_release(factory: Factory) -> None:
    """HL-1, HL-2: the leaf proves the document, which names release and reason; nothing is done twice."""
    devices = factory.many(10)
    for device in devices:
        device.says("begun")
    for device in devices[:2]:
        device.says("rolled-back", reason="exit 3")
    assert factory.judge() == [RELEASE]
    assert judge_halts(factory.shop.here) == []
    (halt,) = factory.halts()
    assert (halt.release, halt.id, halt.is_current) == (RELEASE, factory.ground, True)
    assert halt.reason == "2 of 10 devices failed, 0 more fell silent"
    raw = factory.client.get(f"/v1/halts/{halt.digest}")
    assert (raw.status_code, raw.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
    root = bytes.fromhex(factory.shop.world.root_id)
    key = halt_key(root, RELEASE)
    with factory.shop.here.database.reading() as connection:
        entry = last_entry(connection)
        proof = prove(connection, factory.shop.here.tiles, entry.map, [key])
    head: Head = verify_proof(proof, entry.map, [key]).present[key]
    assert head == halt_head(raw.data, entry.sequence)
    proven = prove_halt(raw.data, head, root=factory.shop.world.root_id, release=RELEASE)
    assert proven.halt == parse_halt(raw.data)
    assert proven.halt.time == factory.shop.at


def test_one_device_never_halts_alone(factory: Factory) -> None:
    """HL-2: a thief of one serial's key says what he likes, as often as he likes."""
    thief = factory.device()
    thief.says("begun", "failed", "begun", "rolled-back", reason="exit 3")
    thief.says("failed", device="e" * 64)
    assert factory.judge(hours=3) == []


def test_a_million_made_up_devices_halt_nothing(factory: Factory) -> None:
    """HL-2, RP-3: nobody's signature counts for nobody."""
    stranger = factory.stranger()
    factory.send(*[report_bytes(stranger.report("failed", device=f"{n:064x}")) for n in range(64)])
    assert factory.judge(hours=3) == []


@pytest.mark.parametrize(("failing", "halted"), [(2, False), (3, True)])
def test_the_plan_says_how_many_may_fail(shop: Shop, failing: int, halted: bool) -> None:
    """HL-2: more than `error_threshold` of those that have begun; exactly as many is not more."""
    factory = make_factory(shop, error_threshold=2000)
    for number, device in enumerate(factory.many(10)):
        device.says("begun", "failed" if number < failing else "good")
    assert factory.judge() == ([RELEASE] if halted else [])


def test_without_the_brand_s_leave_a_store_halts_nothing(shop: Shop) -> None:
    """HL-2: `may_halt` is the brand's word about this very store."""
    factory = make_factory(shop, may_halt=False)
    for device in factory.many(3):
        device.says("begun", "failed")
    assert factory.judge() == []


def test_the_leave_is_for_the_store_whose_root_is_pinned_and_for_its_packages(shop: Shop) -> None:
    """HL-2, SR-2: a statement about another store, or one that does not cover the package, says nothing here."""
    factory, world = make_factory(shop, may_halt=False), shop.world
    shop.publish([world.signed(world.store(store="second", may_halt=True))])
    other = world.store(store="third", tuf=shop.pin, may_halt=True, packages=["acme/other"])
    shop.publish([world.signed(other)])
    for device in factory.many(3):
        device.says("begun", "failed")
    assert factory.judge() == []
    shop.publish([world.signed(world.store(tuf=shop.pin, may_halt=True, sequence=2))])
    assert factory.judge(minutes=10) == [RELEASE]


def test_another_brand_s_devices_are_not_asked(factory: Factory) -> None:
    """HL-2: a hostile publisher makes as many serials of his own models as he likes."""
    shop, world = factory.shop, factory.shop.world
    wanted = [Wanted("acme/tool", "latest/stable", "app", "required")]
    model = world.model("trap", "evil", packages=wanted)
    statements = [world.brand("evil"), model, world.store(brand="evil", tuf=shop.pin, may_halt=True)]
    keys = [Key(f"trap-{n}") for n in range(5)]
    serials = [world.serial(key.public, f"T-{n}", "evil", model="trap") for n, key in enumerate(keys)]
    shop.publish([world.signed(one) for one in [*statements, *serials]])
    for n, key in enumerate(keys):
        report = factory.stranger().report("failed", model="evil/trap", serial=f"T-{n}")
        factory.send(report_bytes(report, key))
    with shop.here.database.reading() as connection:
        (curve,) = curves(connection)
    assert curve.counted.failed == 5
    assert factory.judge(hours=3) == []


def test_silence_counts_as_failure_after_the_plan_s_limit(factory: Factory) -> None:
    """HL-2: a device that a release killed reports nothing; who has said how it went is not silent."""
    one, two, three = factory.many(3)
    for device in (one, two, three):
        device.says("begun")
    three.says("good")
    assert factory.judge(minutes=50) == []
    assert factory.judge(minutes=10) == [RELEASE]
    assert factory.halts()[0].reason == "0 of 3 devices failed, 2 more fell silent"


def test_who_begins_again_and_again_is_silent_all_the_same(factory: Factory) -> None:
    """HL-2: a device in a loop of restarts never says how it went."""
    devices = factory.many(2)
    for _ in range(7):
        for device in devices:
            device.says("begun")
        factory.judge(minutes=10)
    assert [halt.release for halt in factory.halts()] == [RELEASE]


def test_nobody_was_silent_while_the_store_was_away(factory: Factory) -> None:
    """HL-2: devices can't reach a store that is off; nor does a clock that jumps ahead make them silent."""
    for device in factory.many(5):
        device.says("begun")
    factory.judge()
    factory.shop.later(days=2)
    assert factory.judge() == []
    assert factory.judge(minutes=50) == []
    for device in factory.devices:
        device.says("good")
    assert factory.judge(hours=3) == []


def test_a_failure_stands_whatever_is_said_after_it(factory: Factory) -> None:
    """HL-2: "has failed that said so"; also where the report comes late, and out of order."""
    one, two, *_ = factory.many(4)
    one.says("begun", "rolled-back", "begun", "good")
    late = report_bytes(two.report("failed"), two.key)
    two.says("begun", "good")
    factory.send(late)
    for device in factory.devices[2:]:
        device.says("begun", "good")
    assert factory.judge() == [RELEASE]


def test_serials_that_ended_since_count_neither_as_failing_nor_as_begun(factory: Factory) -> None:
    """RP-3: two stolen keys are revoked before the store looks again; and revoked ones do not dilute either."""
    shop, world = factory.shop, factory.shop.world
    devices = factory.many(4)
    for device in devices[:2]:
        device.says("begun", "failed")
    lines = [(f"serial acme/door-1/{device.name}", "keep") for device in devices[:2]]
    shop.publish([world.signed(world.revocations(1, *lines))])
    assert factory.judge(hours=1) == []
    for device in devices[2:]:
        device.says("begun", "failed")
    assert factory.judge(minutes=10) == [RELEASE]
    assert factory.halts()[0].reason.startswith("2 of 2 ")


def test_a_serial_that_is_signed_anew_counts_again(factory: Factory) -> None:
    """RP-3: its life was over when the store looked, and what the device had said stands once the brand renews it."""
    shop, world = factory.shop, factory.shop.world
    first, second = factory.device("old", expires=factory.shop.at + DAY), factory.device()
    for device in (first, second):
        device.says("begun", "failed")
    shop.later(days=2)
    assert factory.judge(minutes=10) == []
    shop.publish([world.signed(world.serial(first.key.public, "old", sequence=2))])
    assert factory.judge(minutes=10) == [RELEASE]


def test_the_next_release_is_not_halted_and_is_counted_anew(factory: Factory) -> None:
    """HL-2: the brand's next signature, here a wider share, ends a halt; old failures are nothing against it."""
    devices = factory.many(3)
    for device in devices:
        device.says("begun", "failed")
    assert factory.judge() == [RELEASE]
    factory.shop.later(minutes=5)
    factory.release(3)
    assert factory.judge(hours=2) == []
    assert [halt.is_current for halt in factory.halts()] == [False]
    with factory.shop.here.database.reading() as connection:
        assert list(curves(connection)) == []
        assert connection.execute(select(progress)).all() == connection.execute(select(rollouts)).all() == []
    for device in devices:
        device.says("begun", "failed", revision=3)
    assert factory.judge() == [RELEASE]
    assert [halt.is_current for halt in factory.halts()] == [True, False]


def test_a_release_without_a_plan_is_never_halted(factory: Factory) -> None:
    """HL-2."""
    shop, world = factory.shop, factory.shop.world
    release = world.signed(world.release(2, sequence=3))
    shop.publish([release])
    factory.ground = release.id
    for device in factory.many(3):
        device.says("begun", "failed")
    assert factory.judge(hours=2) == []


def test_keys_that_the_brand_replaced_vouch_for_no_device(factory: Factory) -> None:
    """RP-3: serials signed by keys that the brand has cut off count for nothing until they are signed anew."""
    shop, world = factory.shop, factory.shop.world
    serial = world.serial(Key("device-sn-9").public, "sn-9", expires=shop.at + 2 * DAY)
    shop.publish([world.signed(serial)])
    thief = factory.stranger("sn-9")
    thief.key = Key("device-sn-9")
    thief.says("begun", "failed")
    factory.device().says("begun", "failed")
    shop.later(days=3)
    assert factory.judge(minutes=10) == []
