"""He wants a report to count that no device made, to halt a release (SPEC section 16, column "forge a report").

Played against a store's own doors: what he sends is taken or refused as from anybody. What a halt does on a device is
played with devices.
"""

import shutil
from pathlib import Path

import pytest

from sealring.envelope import envelope_bytes
from sealring.errors import TrustError
from sealring.report import REPORT_TYPE, open_report, report_bytes
from sealring.statement.fleet import Wanted
from sealring.strict import encode
from sealring_server.reports import curves
from sealring_server.terms import Terms
from tests.scenarios.compromise.table import cell
from tests.stores import RunningStore, make_folder
from tests.unit.server.conftest import Shop
from tests.unit.server.reports.conftest import Device, Factory, make_factory
from tests.world import DAY, Key, World, key_set, sign

RELEASE = "acme/tool/latest/stable"
HALF = 5000  # hundredths of a percent


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> RunningStore:
    """An empty store's folder: making its keys takes longer than an attack."""
    return make_folder(World(), tmp_path_factory.mktemp("reports") / "store")


@pytest.fixture
def factory(empty: RunningStore, tmp_path: Path) -> Factory:
    """A store that may halt acme's releases where more than half of the devices fail; three honest ones do well."""
    shutil.copytree(empty.folder, tmp_path / "store")
    made = make_factory(Shop(empty.world, tmp_path / "store", empty.pin, empty.world.at), error_threshold=HALF)
    for device in made.many(3):
        device.says("begun", "good")
    return made


def failing(factory: Factory) -> int:
    """Failing devices that count by now."""
    with factory.shop.here.database.reading() as connection:
        return sum(one.counted.failed for one in curves(connection) if one.release == RELEASE)


def strangers(factory: Factory, number: int, *signed_by: Key) -> None:
    """So many devices that were never made report a failure, each with a serial of its own, signed by these keys."""
    world = factory.shop.world
    for n in range(number):
        device = Device(factory, f"M-{n}", Key(f"mallory-{n}"))
        serial = sign(world.serial(device.key.public, device.name), *signed_by)
        with pytest.raises(TrustError):
            factory.shop.publish([serial])
        device.says("failed")


@cell("the network", "forge a report")
@cell("a mirror", "forge a report")
def test_what_is_altered_made_up_or_sent_again_counts_for_nothing(factory: Factory) -> None:
    """He sees and changes all reports on their way, and makes up hundreds of devices: RP-2, RP-3."""
    victim = factory.devices[0]
    good = report_bytes(victim.report("good"), victim.key)
    for _ in range(50):
        factory.send(good)
    signatures = open_report(good).signatures
    factory.send(envelope_bytes(REPORT_TYPE, encode(victim.report("failed")), signatures))
    for n in range(300):
        factory.send(report_bytes(victim.report("failed", number=n + 10, device=f"{n:064x}")))
    assert failing(factory) == 0
    assert factory.judge(hours=2) == []


@cell("one brand key below threshold", "forge a report")
@cell("root keys below threshold", "forge a report")
@cell("the role brand at threshold", "forge a report")
@pytest.mark.parametrize("holder", ["brand", "root", "role"])
def test_too_few_keys_make_no_device(factory: Factory, holder: str) -> None:
    """With one of the brand's keys, one of the root's, or the role `brand`, he signs serials: TH-1, RP-3."""
    world = factory.shop.world
    key = {"brand": world.brand_keys("acme")[0], "root": world.root_keys[0], "role": world.brand_role[0]}[holder]
    strangers(factory, 5, key)
    assert failing(factory) == 0
    assert factory.judge(hours=2) == []


@cell("a retired key", "forge a report")
def test_serials_by_keys_that_the_brand_replaced_count_no_more(factory: Factory) -> None:
    """He has all of the brand's old keys, and devices made with them before: BR-1, RP-3."""
    shop, world = factory.shop, factory.shop.world
    old = [factory.device(f"OLD-{n}") for n in range(5)]
    keys = key_set(2, *world.brand_keys("acme", 2))
    rotated = sign(world.brand(sequence=2, keys=keys), *world.brand_role, *world.brand_keys("acme")[:2])
    shop.publish([rotated], terms=Terms(frozenset(), True))
    for device in old:
        device.says("begun", "failed")
    strangers(factory, 5, *world.brand_keys("acme")[:2])
    assert failing(factory) == 0
    assert factory.judge(hours=2) == []


def partner(factory: Factory) -> list[Device]:
    """Five devices that a partner who may sign serials has made up; each has reported a failure."""
    world = factory.shop.world
    given = world.delegation(roles=["serial"], models=["acme/door-1"], packages=[])
    factory.shop.publish([world.signed(given)])
    made = [Device(factory, f"P-{n}", Key(f"made-up-{n}")) for n in range(5)]
    serials = [sign(world.serial(one.key.public, one.name), world.delegate_keys()[0]) for one in made]
    factory.shop.publish(serials)
    for one in made:
        one.says("begun", "failed")
    return made


@cell("a delegate at threshold", "forge a report", says="bounded")
def test_a_delegate_makes_devices_until_his_delegation_ends(factory: Factory) -> None:
    """The role `serial` is what he was given: his devices count, and no longer once it has expired (AU-6)."""
    partner(factory)
    assert failing(factory) == 5
    factory.shop.later(days=301)
    assert factory.judge() == []
    assert failing(factory) == 0


@cell("a revoked key", "forge a report")
def test_a_revoked_delegate_s_devices_count_no_more(factory: Factory) -> None:
    """What he had reported before counts neither: RK-1, RP-3."""
    shop, world = factory.shop, factory.shop.world
    partner(factory)
    shop.publish(
        [world.signed(world.revocations(1, ("delegation acme/partner", "keep")))], terms=Terms(frozenset(), True)
    )
    assert factory.judge() == []
    assert failing(factory) == 0


@cell("a brand's keys at threshold", "forge a report", says="yes")
@cell("root keys at threshold", "forge a report", says="yes")
def test_who_is_the_brand_makes_devices(factory: Factory) -> None:
    """They say which devices there are; with new keys (BR-2) these end."""
    for n in range(5):
        factory.device(f"M-{n}").says("begun", "failed")
    assert factory.judge() == [RELEASE]


@cell("a hostile certified publisher", "forge a report")
def test_another_publisher_s_devices_halt_nobody_s_release_but_his_own(factory: Factory) -> None:
    """He makes models that list acme's package, serials for them, and his own word on the store: HL-2."""
    shop, world = factory.shop, factory.shop.world
    model = world.model("trap", "evil", packages=[Wanted("acme/tool", "latest/stable", "app", "required")])
    statements = [world.brand("evil"), model, world.store(brand="evil", tuf=shop.pin, may_halt=True)]
    keys = [Key(f"trap-{n}") for n in range(9)]
    serials = [world.serial(key.public, f"T-{n}", "evil", model="trap") for n, key in enumerate(keys)]
    shop.publish([world.signed(one) for one in [*statements, *serials]])
    for n, key in enumerate(keys):
        report = factory.stranger().report("failed", model="evil/trap", serial=f"T-{n}")
        factory.send(report_bytes(report, key))
    assert factory.judge(hours=2) == []


@cell("a device's serial key", "forge a report", says="bounded")
def test_one_stolen_key_speaks_for_one_device_until_it_is_revoked(factory: Factory) -> None:
    """He says what he likes for that device, under any name, and for no other: RP-3."""
    thief = factory.devices[0]
    for n in range(5):
        thief.says("begun", "failed", device=f"{n:064x}")
        thief.says("failed", serial="sn-2")
    assert failing(factory) == 1
    lines = [("serial acme/door-1/sn-1", "keep")]
    factory.shop.publish([factory.shop.world.signed(factory.shop.world.revocations(1, *lines))])
    thief.says("failed")
    factory.devices[1].says("failed")
    factory.devices[2].says("begun")
    factory.judge()
    assert failing(factory) == 1


@cell("a device's serial key", "freeze", says="bounded")
@pytest.mark.parametrize(("stolen", "may_halt"), [(1, True), (3, True), (3, False)])
def test_stolen_keys_halt_a_release_only_where_the_brand_lets_the_store(
    factory: Factory, stolen: int, may_halt: bool
) -> None:
    """One never; several where `may_halt` says so, beyond the plan's threshold, and this release only: HL-2."""
    shop, world = factory.shop, factory.shop.world
    shop.publish([world.signed(world.store(tuf=shop.pin, may_halt=may_halt, sequence=2))])
    factory.release(3)
    for device in factory.devices[:stolen]:
        device.says("begun", "failed", revision=3)
    halted = [RELEASE] if stolen >= 2 and may_halt else []
    assert factory.judge(hours=2) == halted
    factory.release(4)
    assert factory.judge(hours=2) == []
    assert [one.is_current for one in factory.halts()] == [False] * len(halted)


@cell("the device's clock", "forge a report")
def test_no_date_that_a_device_gives_changes_what_counts(factory: Factory) -> None:
    """Set back to when a serial was good, or ahead so that silence seems long: the store's own decides (RP-3)."""
    factory.device("SHORT", expires=factory.shop.at + DAY)
    early = factory.shop.at
    factory.shop.later(days=2)
    factory.devices[3].says("begun", "failed", at=early)
    for device in factory.devices[:3]:
        device.says("begun", at=early + 3000 * DAY)
    assert failing(factory) == 0
    assert factory.judge(minutes=50) == []
