"""He holds keys of the brand acme, and of both stores as well, so that only the brand's rules stand in his way.

One key below the threshold, keys that were rotated away, or the threshold itself (SPEC section 16).
"""

from collections.abc import Sequence

import pytest

from sealring.envelope import Envelope
from sealring.statement.software import Health, Target
from sealring_client.rollback import roll_back
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.stage import Play, Stage, replaced, rules, show
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import image_of
from tests.stores import Refused, ask, publish
from tests.world import Key, key_set, sign

OLD, NEW = ["app 1", "tool 1", "gadget 1"], ["app 2", "tool 2", "gadget 1"]
EVIL_IMAGE = image_of("mallory")


def bad_software(stage: Stage, keys: Sequence[Key], number: int = 9, **more: object) -> list[Envelope]:
    """A revision of acme/tool that says `mallory`, and its release, signed by these."""
    made = (stage.revision("acme/tool", number, "mallory", **more), stage.release("acme/tool", number))
    return [sign(one, *keys) for one in made]


# --- one key below threshold


@cell("one brand key below threshold", "install anything", "install an old revision", "mix and match", "stop what runs")
@pytest.mark.parametrize("what", ["release", "revision", "model", "store", "old release", "old and new"])
def test_one_key_of_two_signs_nothing(stage: Stage, yesterday: Play, thieves: list[Forger], what: str) -> None:
    """He signs with the one key that he has, twice if need be: TH-1."""
    one = stage.world.brand_keys("acme")[:1]
    forged = {
        "release": bad_software(stage, one),
        "revision": [sign(stage.revision("acme/tool", 2, "mallory"), *one), stage.latest[3]],
        "model": [sign(stage.model(sequence=2, packages=stage.model().packages[:1]), *one)],
        "store": [sign(stage.store_statement(stage.main, sequence=2), *one)],
        "old release": [sign(stage.release("acme/tool", 1, sequence=3), *one)],
        "old and new": [sign(stage.release("acme/app", 2, sequence=2, x={"with": "tool-1"}), *one)],
    }[what]
    before = yesterday.picture()
    show(thieves, *replaced(stage.statements(*stage.first), *forged), images=[EVIL_IMAGE])
    report = yesterday.refresh()
    assert "TH-1" in rules(report)
    assert report.outcome in ("refused", "none")
    assert yesterday.runs() == OLD
    after = yesterday.picture()
    assert (after["links"], after["statements"]) == (before["links"], before["statements"])


@cell("one brand key below threshold", "install anything")
def test_an_honest_store_does_not_publish_it_either(stage: Stage) -> None:
    """He publishes with one key: TH-1, and nothing becomes visible (PB-1)."""
    before = ask(stage.main.store.url, "/tuf/timestamp.json").body
    with pytest.raises(Refused) as refused:
        publish(stage.main.store.url, bad_software(stage, stage.world.brand_keys("acme")[:1]), [EVIL_IMAGE])
    assert refused.value.rule == "TH-1"
    assert ask(stage.main.store.url, "/tuf/timestamp.json").body == before


# --- retired keys


@pytest.fixture
def rotated(stage: Stage, yesterday: Play, thieves: list[Forger]) -> list[Envelope]:
    """The brand has rotated its keys, and the device has seen that; what it runs was signed again."""
    world = stage.world
    old, new = world.brand_keys("acme"), world.brand_keys("acme", 2)
    brand = world.brand(sequence=2, keys=key_set(2, *new), issued=stage.at)
    chain = [sign(brand, *world.brand_role, *old[:2], *new[:2])]
    again = [sign(one.payload, *old[:2], *new[:2]) for one in (*stage.chain[2:], *stage.first[:4])]
    now = replaced(stage.statements(*stage.first), *chain, *again)
    show(thieves, *now)
    assert yesterday.refresh().outcome == "none"
    return now


@cell("a retired key", "install anything", "install an old revision", "mix and match", "stop what runs")
@pytest.mark.parametrize("what", ["release", "model", "old release", "brand", "lower brand"])
def test_keys_that_were_rotated_away_sign_nothing(
    stage: Stage, yesterday: Play, thieves: list[Forger], rotated: list[Envelope], what: str
) -> None:
    """All three old keys, after the rotation: TH-1 for what the brand says, BR-2 for who follows it."""
    world = stage.world
    old = world.brand_keys("acme")
    mine = key_set(1, *old)
    forged = {
        "release": bad_software(stage, old),
        "model": [sign(stage.model(sequence=2, packages=stage.model().packages[:1]), *old)],
        "old release": [sign(stage.release("acme/tool", 1, sequence=7), *old)],
        "brand": [sign(world.brand(sequence=3, keys=mine), *old)],
        "lower brand": [stage.chain[0]],
    }[what]
    before = yesterday.picture()
    show(thieves, *replaced(rotated, *forged), images=[EVIL_IMAGE])
    report = yesterday.refresh()
    assert rules(report) & {"TH-1", "DV-5"}
    assert yesterday.runs() == OLD
    after = yesterday.picture()
    assert (after["links"], after["statements"]) == (before["links"], before["statements"])


@cell("a retired key", "install an old revision")
def test_a_routine_rotation_opens_no_way_back(
    stage: Stage, yesterday: Play, thieves: list[Forger], rotated: list[Envelope]
) -> None:
    """What the new keys signed again stays a floor (FL-2): release 1 can't be followed by a release below it."""
    new = stage.world.brand_keys("acme", 2)
    update = [sign(one.payload, *new[:2]) for one in stage.latest[:4]]
    show(thieves, *replaced(rotated, *update))
    assert yesterday.refresh().outcome == "installed"
    assert yesterday.runs() == NEW
    show(thieves, *rotated)
    assert "FL-1" in rules(yesterday.refresh())
    assert yesterday.runs() == NEW


# --- at threshold


@cell("a brand's keys at threshold", "install anything", "mix and match", "freeze", says="yes")
def test_the_brand_s_keys_are_the_brand_until_it_has_new_ones(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """He installs what he likes, and jumps ahead of every release to come; new keys end all of it (BR-2, FL-2)."""
    world = stage.world
    stolen = world.brand_keys("acme")[:2]
    # Freeze: the highest sequence there is, so that no true release can follow.
    jump = [
        sign(stage.revision("acme/tool", 9, "mallory"), *stolen),
        sign(stage.release("acme/tool", 9, sequence=2**53 - 1), *stolen),
    ]
    show(thieves, *replaced(stage.statements(*stage.latest), *jump), images=[EVIL_IMAGE])
    report = today.refresh()
    assert report.outcome == "installed", str(report.as_json())[-900:]
    assert today.runs() == ["app 2", "mallory", "gadget 1"]
    # The end: the role `root` gives the brand new keys; what these sign counts, and the jump is forgotten.
    new = world.brand_keys("acme", 2)
    brand = world.brand(sequence=2, keys=key_set(2, *new), issued=stage.at)
    rekeyed = sign(brand, *world.brand_role, *world.root_keys[:2], *new[:2])
    again = [sign(one.payload, *new[:2]) for one in stage.chain[2:]]
    mended = [
        sign(stage.revision("acme/tool", 3), *new[:2]),
        sign(stage.release("acme/tool", 3), *new[:2]),
        *(sign(one.payload, *new[:2]) for one in stage.latest[:2]),
    ]
    fixed = replaced(stage.statements(*stage.latest), rekeyed, *again, *mended)
    show(thieves, *fixed, images=[image_of("tool 3")])
    report = today.refresh()
    assert (report.outcome, today.runs()) == ("installed", ["app 2", "tool 3", "gadget 1"]), rules(report)
    # And the thief's keys are worth nothing from then on.
    show(thieves, *replaced(fixed, *jump))
    assert "TH-1" in rules(today.refresh())
    assert today.runs() == ["app 2", "tool 3", "gadget 1"]


@cell("a brand's keys at threshold", "install an old revision", says="bounded")
def test_even_the_brand_s_keys_release_no_revision_below_its_minimum(
    stage: Stage, today: Play, thieves: list[Forger]
) -> None:
    """Release 2 calls revision 2 the lowest; a newer release of revision 1 is refused (RL-4)."""
    stolen = stage.world.brand_keys("acme")[:2]
    back = sign(stage.release("acme/tool", 1, sequence=3, targets=[Target("amd64", 1, 1)]), *stolen)
    show(thieves, *replaced(stage.statements(*stage.latest), stage.first[2], back))
    report = today.refresh()
    assert "RL-4" in rules(report)
    assert today.runs() == NEW


@cell("a brand's keys at threshold", "mix and match", says="yes")
def test_the_brand_may_release_one_package_without_another(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """The new tool goes back to revision 2 beside an app at revision 1, above its minimum."""
    stolen = stage.world.brand_keys("acme")[:2]
    mixed = sign(stage.release("acme/app", 1, sequence=3), *stolen)
    show(thieves, *replaced(stage.statements(*stage.latest), stage.first[0], mixed))
    assert today.refresh().outcome == "installed"
    assert today.runs() == ["app 1", "tool 2", "gadget 1"]


@cell("a brand's keys at threshold", "stop what runs", says="yes")
def test_the_brand_may_drop_a_package_from_its_model(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """A newer model without the tool: the device follows its brand, and the generation before still has it."""
    stolen = stage.world.brand_keys("acme")[:2]
    model = stage.model()
    fewer = sign(
        stage.model(sequence=model.sequence + 1, packages=[p for p in model.packages if p.package != "acme/tool"]),
        *stolen,
    )
    show(thieves, *replaced(stage.statements(*stage.latest), fewer))
    assert today.refresh().outcome == "installed"
    assert today.runs() == ["app 2", "gadget 1"]
    roll_back(today.rig.device)
    assert today.runs() == NEW


@cell("a brand's keys at threshold", "stop what runs", says="yes")
def test_what_the_brand_s_keys_can_t_do_is_stop_without_replacing(
    stage: Stage, yesterday: Play, thieves: list[Forger]
) -> None:
    """A release that fails its own check (HC-1), a list of revocations that nobody has (RC-1): the old runs on."""
    world = stage.world
    stolen = world.brand_keys("acme")[:2]
    base = stage.statements(*stage.first)
    dead = sign(stage.model(sequence=2, revocations=7), *stolen)
    sick_image = image_of("mallory", "exit 1")
    sick = sign(
        world.revision(9, sick_image, health=Health(["bin/check"], 5, 0)),
        *stolen,
    )
    show(thieves, *replaced(base, sick, sign(stage.release("acme/tool", 9), *stolen)), images=[sick_image])
    assert "HC-1" in rules(yesterday.refresh())
    assert yesterday.runs() == OLD
    show(thieves, *replaced(base, dead))
    report = yesterday.refresh()
    assert rules(report) & {"RC-1"}
    assert yesterday.runs() == OLD


@cell("a brand's keys at threshold", "install anything", says="yes")
def test_one_brand_s_keys_are_nothing_to_another_brand_s_package(
    stage: Stage, yesterday: Play, thieves: list[Forger]
) -> None:
    """The keys of acme sign a release of evil/gadget: AU-1 by TH-1. And by hand there is a way back."""
    stolen = stage.world.brand_keys("acme")[:2]
    forged = sign(stage.release("evil/gadget", 9), *stolen)
    show(thieves, *replaced(stage.statements(*stage.latest), *bad_software(stage, stolen), forged), images=[EVIL_IMAGE])
    report = yesterday.refresh()
    assert "TH-1" in rules(report)
    assert yesterday.runs() == ["app 2", "mallory", "gadget 1"]
    roll_back(yesterday.rig.device)
    assert yesterday.runs() == OLD
    yesterday.refresh()
    assert yesterday.runs()[1] == "tool 1"
