"""He holds keys of the root, and takes brands back in its name (SPEC AU-2, RK-1); the stores are his too."""

import pytest

from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.powers import MALLORY, NEW, bad_tool, by_partner, delegated, root_list
from tests.scenarios.compromise.stage import Play, Stage, replaced, rules, show
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import image_of
from tests.stores import Refused, publish
from tests.world import sign


@cell("the role brand at threshold", "stop what runs")
@cell("root keys below threshold", "stop what runs")
@pytest.mark.parametrize("who", ["the role brand", "one root key", "both"])
@pytest.mark.parametrize("action", ["keep", "stop"])
def test_only_the_role_root_takes_a_brand_back(
    stage: Stage, today: Play, thieves: list[Forger], who: str, action: str
) -> None:
    """The role `brand` certifies and takes nothing back; one root key of two is none: TH-1, at a store too."""
    world = stage.world
    keys = {"the role brand": world.brand_role, "one root key": world.root_keys[:1]}
    forged = root_list(stage, keys.get(who, [*world.brand_role, *world.root_keys[:1]]), ("brand acme", action))
    update = stage.software("acme/tool", 3)
    show(thieves, *replaced(stage.statements(*stage.latest), forged, *update), images=[image_of("tool 3")])
    report = today.refresh()
    assert "TH-1" in rules(report)
    assert (report.outcome, today.runs()) == ("installed", ["app 2", "tool 3", "gadget 1"])
    with pytest.raises(Refused) as refused:
        publish(stage.main.store.url, [forged])
    assert refused.value.rule == "TH-1"


@cell("the role brand at threshold", "install anything", "stop what runs")
@cell("root keys below threshold", "install anything", "stop what runs")
def test_neither_speaks_for_a_brand(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """He signs acme's list and a delegation of its packages with all of these keys: TH-1 (AU-2)."""
    world = stage.world
    keys = [*world.brand_role, world.root_keys[0]]
    said = [world.revocations(1, ("revision acme/app/2/amd64", "stop")), world.delegation()]
    forged = [*(sign(one, *keys) for one in said), *by_partner(stage, *bad_tool(stage))]
    show(thieves, *replaced(stage.statements(*stage.latest), *forged), images=[MALLORY])
    assert "TH-1" in rules(today.refresh())
    assert today.runs() == NEW


@cell("root keys at threshold", "stop what runs", says="yes")
def test_the_root_s_keys_stop_all_that_a_brand_has_signed(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """His list stops acme's packages at once (RK-6), and only its own keys' word on a higher number lifts it (RK-2)."""
    world = stage.world
    stop = root_list(stage, world.root_keys[:2], ("brand acme", "stop"))
    mine = replaced(stage.statements(*stage.latest), stop)
    show(thieves, *mine)
    report = today.refresh()
    assert {one.package for one in report.stopped} == {"acme/app", "acme/tool"}
    assert today.runs() == ["gadget 1"]
    show(thieves, *stage.statements(*stage.latest))
    today.refresh()
    assert today.runs() == ["gadget 1"]
    show(thieves, *replaced(mine, root_list(stage, world.root_keys[:2], sequence=2)))
    report = today.refresh()
    assert (report.outcome, today.runs()) == ("installed", NEW), rules(report)


@cell("root keys at threshold", "stop what runs", says="yes")
def test_even_the_root_takes_back_nothing_but_brands(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """By the ids of acme's own statements and lists: the root's list takes back brands alone (RK-1, RK-5)."""
    world = stage.world
    power = delegated(stage)
    ids = [(one.id, "stop") for one in (*stage.chain[2:], *stage.latest, power)]
    now = replaced(stage.statements(*stage.latest), power, root_list(stage, world.root_keys[:2], *ids))
    show(
        thieves,
        *replaced(now, *by_partner(stage, stage.revision("acme/tool", 3), stage.release("acme/tool", 3))),
        images=[image_of("tool 3")],
    )
    report = today.refresh()
    assert (report.stopped, report.vulnerable) == ((), ())
    assert (report.outcome, today.runs()) == ("installed", ["app 2", "tool 3", "gadget 1"]), rules(report)
