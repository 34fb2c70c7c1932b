"""A second brand that the root certifies, whose package the model follows, and that is hostile (SPEC section 16).

The brand `evil` has all of its own keys and may publish at the stores; in some tests it has the stores' keys too.
"""

import msgspec
import pytest

from sealring.envelope import Envelope
from sealring.statement.software import Health, Image
from sealring_client.failures import load_failures
from tests.hostile import SILENCE, over_http
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.stage import DAY, Play, Stage, replaced, rules, show
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import image_of
from tests.stores import Refused, RunningStore, begin, publish
from tests.world import sign

OLD, NEW = ["app 1", "tool 1", "gadget 1"], ["app 2", "tool 2", "gadget 1"]


@cell("a hostile certified publisher", "install anything", "install an old revision", "mix and match")
@pytest.mark.parametrize("name", ["evil", "acme"])
@pytest.mark.parametrize("what", ["new", "old", "mixed"])
def test_a_publisher_s_keys_sign_nothing_for_another_s_package(
    stage: Stage, today: Play, thieves: list[Forger], what: str, name: str
) -> None:
    """It signs releases of acme/tool, in the other's name or with its own: TH-1; AU-1 where its own keys are asked."""
    keys = stage.world.brand_keys("evil")[:2]
    statements = {
        "new": [
            stage.revision("acme/tool", 9, "mallory", authority=name),
            stage.release("acme/tool", 9, authority=name),
        ],
        "old": [stage.release("acme/tool", 1, sequence=9, authority=name)],
        "mixed": [
            stage.release("acme/tool", 1, sequence=8, authority=name),
            stage.release("acme/app", 2, sequence=9, authority=name),
        ],
    }[what]
    before = today.picture()
    forged = [sign(one, *keys) for one in statements]
    for one, statement in zip(forged, statements, strict=True):
        # Listed under the names that the device looks for, whatever they say of themselves.
        for thief in thieves:
            thief.alias[one.digest] = f"acme/{statement.subject.partition('/')[2]}"
    show(thieves, *replaced(stage.statements(*stage.latest), *forged), images=[image_of("mallory")])
    report = today.refresh()
    assert rules(report) & {"TH-1", "DV-4", "AU-1"}
    assert today.runs() == NEW
    after = today.picture()
    assert (after["links"], after["statements"]) == (before["links"], before["statements"])


@cell("a hostile certified publisher", "install anything")
def test_its_models_and_stores_are_its_own(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """It answers for acme's model and store with its own genuine ones: AU-1 or TH-1 (SR-1)."""
    world, keys = stage.world, stage.world.brand_keys("evil")[:2]
    model = sign(stage.model(authority="evil", sequence=9, stores=["evil/main"]), *keys)
    store = sign(world.store("http://127.0.0.1:1", store="main", brand="evil", sequence=9), *keys)
    before = today.picture()
    for thief in thieves:
        thief.files["/v1/heads/model/1/acme/door-1"] = model.raw
        thief.files["/v1/heads/store/1/acme/main"] = store.raw
    report = today.refresh()
    assert rules(report) & {"TH-1", "AU-1"}
    assert today.runs() == NEW
    assert today.picture() == before


@cell("a hostile certified publisher", "install anything", "block another store")
def test_a_store_takes_from_it_only_what_is_its_own(stage: Stage, shop: RunningStore) -> None:
    """It publishes for another: TH-1. It opens more publications than it may: PB-7, and acme still publishes."""
    world, keys = stage.world, stage.world.brand_keys("evil")[:2]
    forged = [sign(stage.revision("acme/tool", 9, "mallory"), *keys), sign(stage.release("acme/tool", 9), *keys)]
    with pytest.raises(Refused) as refused:
        publish(shop.url, forged, [image_of("mallory")])
    assert refused.value.rule == "TH-1"
    many = [world.signed(stage.revision("evil/gadget", number)) for number in range(100, 130)]
    with pytest.raises(Refused) as full:
        _begin_all(shop.url, many)
    assert (full.value.rule, full.value.status) == ("PB-7", 429)
    publish(shop.url, stage.software("acme/tool", 3), [image_of("tool 3")])


def _begin_all(url: str, statements: list[Envelope]) -> None:
    for one in statements:
        begin(url, [one])


@cell("a hostile certified publisher", "block another store")
def test_a_flood_of_its_own_statements_costs_devices_nothing(stage: Stage, shop: RunningStore, yesterday: Play) -> None:
    """It publishes 300 packages of its own: what a device of another's model asks for stays as small (VW-2)."""
    stage.second.line.change = lambda *_: SILENCE
    yesterday.check()
    usual = len(stage.main.line.asked)
    world = stage.world
    flood = [world.signed(world.model(f"toy-{n}", "evil", packages=stage.model().packages)) for n in range(300)]
    publish(shop.url, flood)
    publish(shop.url, stage.software("acme/tool", 3), [image_of("tool 3")])
    stage.main.line.upstream = over_http(shop.url)
    stage.main.line.asked.clear()
    assert yesterday.check().outcome == "available"
    assert len(stage.main.line.asked) <= usual + 2
    assert yesterday.refresh().outcome == "installed"
    assert yesterday.runs() == ["app 2", "tool 3", "gadget 1"]


@cell("a hostile certified publisher", "stop what runs")
@pytest.mark.parametrize("how", ["forever", "loud", "many"])
def test_its_program_s_health_check_is_bounded(stage: Stage, yesterday: Play, thieves: list[Forger], how: str) -> None:
    """Its own program's check never ends, writes without end, or forks: HC-1, HC-2, and the rest is installed."""
    script = {"forever": "sleep 600", "loud": "while :; do echo x; done", "many": "sleep 600 & sleep 600 & exit 1"}[how]
    image = image_of("gadget 9", script)
    keys = stage.world.brand_keys("evil")[:2]
    revision = stage.world.revision(9, image, "evil", package="gadget", health=Health(["bin/check"], 1, 0))
    bad = [sign(revision, *keys), sign(stage.release("evil/gadget", 9), *keys)]
    show(thieves, *replaced(stage.statements(*stage.latest), *bad), images=[image])
    report = yesterday.refresh()
    assert "HC-1" in rules(report)
    assert (report.outcome, yesterday.runs()) == ("installed", NEW)


@cell("a hostile certified publisher", "stop what runs", "block another store")
def test_a_broken_release_every_hour_holds_nobody_else_back(
    stage: Stage, yesterday: Play, thieves: list[Forger]
) -> None:
    """It releases something unhealthy again and again, each a new release, so that no wait applies (DV-9)."""
    keys = stage.world.brand_keys("evil")[:2]
    image = image_of("gadget 9", "exit 1")
    report = None
    for number in (9, 10):
        revision = stage.world.revision(number, image, "evil", package="gadget", health=Health(["bin/check"], 5, 0))
        bad = [sign(revision, *keys), sign(stage.release("evil/gadget", number), *keys)]
        listed = stage.first if number == 9 else stage.latest
        show(thieves, *replaced(stage.statements(*listed), *bad), images=[image])
        report = yesterday.refresh()
        assert "HC-1" in rules(report)
    assert report is not None
    assert (report.outcome, yesterday.runs()) == ("installed", NEW)
    assert set(load_failures(yesterday.rig.folder)) == {"evil/gadget"}


@cell("a hostile certified publisher", "stop what runs")
@pytest.mark.parametrize("what", ["no image at all", "no squashfs", "an image larger than the disk"])
def test_an_image_that_can_t_be_had_holds_nobody_else_back(
    stage: Stage, yesterday: Play, thieves: list[Forger], what: str
) -> None:
    """Its optional package is left as it was (DV-7, IM-4, DK-1)."""
    keys = stage.world.brand_keys("evil")[:2]
    revision = stage.world.revision(9, b"no image", "evil", package="gadget")
    if what == "an image larger than the disk":
        revision = msgspec.structs.replace(revision, image=Image("ab" * 32, 2**40, "squashfs"))
    bad = [sign(revision, *keys), sign(stage.release("evil/gadget", 9), *keys)]
    images = [b"no image"] if what == "no squashfs" else []
    show(thieves, *replaced(stage.statements(*stage.latest), *bad), images=images)
    report = yesterday.refresh()
    assert (report.outcome, yesterday.runs()) == ("installed", NEW), rules(report)


@cell("a hostile certified publisher", "stop what runs")
@pytest.mark.parametrize("what", ["dated ahead", "ended"])
def test_its_dates_age_nobody_else(stage: Stage, newborn: Play, thieves: list[Forger], what: str) -> None:
    """On a device without a clock its dates count for itself alone (TM-4), and so does its certificate's end."""
    newborn.provision(clock="poor")
    keys = stage.world.brand_keys("evil")[:2]
    ahead = [
        sign(stage.revision("evil/gadget", 9, issued=stage.at + 700 * DAY), *keys),
        sign(stage.release("evil/gadget", 9, issued=stage.at + 700 * DAY), *keys),
    ]
    if what == "dated ahead":
        show(thieves, *replaced(stage.statements(*stage.first), *ahead), images=[image_of("gadget 9")])
        newborn.refresh()
        assert newborn.runs()[:2] == OLD[:2]
    else:
        late = stage.world.brand("evil", sequence=2, expires=stage.at - DAY)
        evil = sign(late, *stage.world.brand_role, *keys)
        show(thieves, *replaced(stage.statements(*stage.first), evil))
        newborn.refresh()
        assert newborn.runs() == OLD[:2]
        ahead = [evil]
    show(thieves, *replaced(stage.statements(*stage.latest), *ahead))
    report = newborn.refresh()
    assert (report.outcome, newborn.runs()[:2]) == ("installed", NEW[:2]), rules(report)
