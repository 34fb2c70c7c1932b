"""Delegations and revocations that come in a bundle, or meet a wrong clock (SPEC BN-3, DV-11, TM, RK-2)."""

import json

import pytest

from sealring.envelope import Envelope
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.powers import (
    HIGHEST,
    MALLORY,
    NEW,
    at_this_time,
    bad_tool,
    by_partner,
    delegated,
    listed,
    root_list,
)
from tests.scenarios.compromise.stage import DAY, Play, Stage, replaced, rules, show
from tests.scenarios.compromise.table import cell
from tests.scenarios.compromise.test_bundle import bundle_of, seed
from tests.scenarios.compromise.test_clock import FUTURE, PAST, said
from tests.world import sign

STOP = (("revision acme/app/2/amd64", "stop"), ("revision acme/tool/2/amd64", "stop"))

# --- a bundle


def forged_powers(stage: Stage) -> list[Envelope]:
    """Lists and delegations by keys that may sign none: his own, one of two, another brand's, the role brand's."""
    world, mine = stage.world, [stage.world.key(f"mallory-{n}") for n in "ab"]
    return [
        sign(world.revocations(HIGHEST, *STOP), *mine),
        sign(world.revocations(HIGHEST - 1, *STOP), world.brand_keys("acme")[0]),
        sign(world.revocations(HIGHEST - 2, *STOP), *world.brand_keys("evil")),
        root_list(stage, world.brand_role, ("brand acme", "stop")),
        sign(world.delegation(packages=["acme/*"]), *mine),
        *by_partner(stage, *bad_tool(stage)),
    ]


@cell("a bundle", "install anything", "install an old revision", "stop what runs")
def test_forged_powers_in_it_are_passed_over(stage: Stage, newborn: Play) -> None:
    """Nothing in a bundle is trusted for being in it (BN-3): none of them is kept, and the device is as any other."""
    assert seed(newborn, bundle_of(*stage.chain, *forged_powers(stage))) == ""
    held = {path.name for path in (newborn.rig.folder / "statements").iterdir()}
    assert held == {one.digest for one in stage.chain}
    report = newborn.refresh()
    assert (report.outcome, newborn.runs()) == ("installed", NEW), rules(report)
    assert report.vulnerable == ()


@cell("a bundle", "freeze", says="bounded")
@cell("a bundle", "install anything")
def test_an_old_list_or_delegation_in_it_gives_way_to_the_stores(
    stage: Stage, newborn: Play, thieves: list[Forger]
) -> None:
    """It holds what the brand said once, and no longer says: the newer word of a store counts (RK-2, AU-6)."""
    old = [listed(stage, 1, *STOP), delegated(stage, packages=["acme/*"])]
    new = [listed(stage, 2), delegated(stage, sequence=2, packages=["acme/tool"])]
    assert seed(newborn, bundle_of(*stage.chain, *old)) == ""
    forged = by_partner(stage, stage.revision("acme/app", 9, "mallory"), stage.release("acme/app", 9))
    now = replaced(stage.statements(*stage.latest), *new)
    show(thieves[:1], *replaced(now, *forged), images=[MALLORY])
    show(thieves[1:], *now)
    report = newborn.refresh()
    assert "AU-3" in rules(report)
    assert newborn.runs() == NEW


# --- the device's clock


@cell("the device's clock", "install anything")
def test_no_clock_brings_an_ended_delegation_back(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """It ended an hour before the brand's last word, which bounds the time of all that is the brand's (TM-4, AU-6)."""
    late = stage.at + 4 * DAY
    at_this_time(thieves, late)
    power = delegated(stage, expires=late - DAY / 24)
    mine = replaced(stage.statements(*stage.latest), power, listed(stage, 1, issued=late))
    show(thieves, *mine)
    today.refresh(late)
    show(thieves, *replaced(mine, *by_partner(stage, *bad_tool(stage))), images=[MALLORY])
    for date in (PAST, FUTURE):
        _, report = said(today, "refresh", date)
        found = {one["rule"] for line in report["packages"] for one in line["refusals"]}
        assert "TM-1" in found or report["outcome"] == "stale"
        assert today.runs() == NEW


@cell("the device's clock", "install anything", "install an old revision")
@pytest.mark.parametrize("date", [PAST, FUTURE])
def test_no_clock_lifts_a_revocation(stage: Stage, yesterday: Play, thieves: list[Forger], date: str) -> None:
    """Before it was issued or after it has expired: a list that was verified once is in force (RK-2, RC-1)."""
    bad = listed(stage, 1, ("revision acme/app/2/amd64", "keep"), ("revision acme/tool/2/amd64", "keep"))
    show(thieves, *replaced(stage.statements(*stage.first), bad))
    assert yesterday.refresh().outcome == "none"
    show(thieves, *replaced(stage.statements(*stage.latest), bad))
    said(yesterday, "refresh", date)
    assert yesterday.runs() == ["app 1", "tool 1", "gadget 1"]


@cell("the device's clock", "stop what runs")
@pytest.mark.parametrize("date", [PAST, FUTURE])
def test_no_clock_stops_what_only_an_ended_delegation_vouches_for(
    stage: Stage, today: Play, thieves: list[Forger], date: str
) -> None:
    """A partner's software runs on after his delegation has ended (DV-10): expiry stops new installations only."""
    mine = replaced(stage.statements(*stage.latest), delegated(stage), *by_partner(stage, *bad_tool(stage)))
    show(thieves, *mine, images=[MALLORY])
    assert (today.refresh().outcome, today.runs()[1]) == ("installed", "mallory")
    said(today, "refresh", date)
    assert today.runs() == ["app 2", "mallory", "gadget 1"]
    answer = json.loads(today.command("status", date=date).stdout)
    assert answer["stopped"] == []
