"""He holds keys of the brand acme, and takes back or gives away in its name (SPEC AU-2, RK).

One key below the threshold, keys that were rotated away, or the threshold itself; the stores are his too.
"""

import pytest

from sealring.envelope import Envelope
from sealring.statement import Common
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.powers import HIGHEST, MALLORY, NEW, bad_tool, by_partner, listed
from tests.scenarios.compromise.stage import Play, Stage, replaced, rules, show
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import image_of
from tests.stores import Refused, publish
from tests.world import key_set, sign

STOP = (("revision acme/app/2/amd64", "stop"), ("revision acme/tool/2/amd64", "stop"))


def powers(stage: Stage) -> dict[str, Common]:
    """What he would say in the brand's name."""
    return {
        "a delegation": stage.world.delegation(packages=["acme/*"], sequence=9),
        "a list": stage.world.revocations(9, *STOP),
        "a partner's list": stage.world.revocations(9, ("release acme/tool/latest/stable", "keep"), issuer="partner"),
    }


@cell("one brand key below threshold", "install anything", "stop what runs")
@pytest.mark.parametrize("what", ["a delegation", "a list", "a partner's list"])
def test_one_key_of_two_gives_nothing_away_and_takes_nothing_back(
    stage: Stage, today: Play, thieves: list[Forger], what: str
) -> None:
    """He signs with the one key that he has: TH-1, at a store as on a device."""
    forged = sign(powers(stage)[what], stage.world.brand_keys("acme")[0])
    before = today.picture()
    show(
        thieves,
        *replaced(stage.statements(*stage.latest), forged, *by_partner(stage, *bad_tool(stage))),
        images=[MALLORY],
    )
    report = today.refresh()
    assert "TH-1" in rules(report)
    assert (report.stopped, report.vulnerable) == ((), ())
    assert today.runs() == NEW
    after = today.picture()
    assert (after["links"], after["statements"]) == (before["links"], before["statements"])
    with pytest.raises(Refused) as refused:
        publish(stage.main.store.url, [forged])
    assert refused.value.rule == "TH-1"


def rotated(stage: Stage, base: list[Envelope], **more: object) -> list[Envelope]:
    """The brand has new keys, which signed chain and software again."""
    world = stage.world
    old, new = world.brand_keys("acme")[:2], world.brand_keys("acme", 2)
    brand = world.brand(sequence=2, keys=key_set(2, *new), issued=stage.at, **more)  # type: ignore[arg-type]
    again = [sign(one.payload, *new[:2]) for one in (*stage.chain[2:], *stage.latest[:4])]
    return replaced(base, sign(brand, *world.brand_role, *old, *new[:2]), *again)


@cell("a retired key", "install anything", "stop what runs")
@pytest.mark.parametrize("what", ["a delegation", "a list", "a partner's list"])
def test_keys_that_were_rotated_away_give_and_take_nothing(
    stage: Stage, today: Play, thieves: list[Forger], what: str
) -> None:
    """All three old keys, after the rotation: TH-1."""
    now = rotated(stage, stage.statements(*stage.latest))
    show(thieves, *now)
    assert today.refresh().outcome == "none"
    forged = sign(powers(stage)[what], *stage.world.brand_keys("acme"))
    show(thieves, *replaced(now, forged, *by_partner(stage, *bad_tool(stage))), images=[MALLORY])
    report = today.refresh()
    assert "TH-1" in rules(report)
    assert (report.stopped, today.runs()) == ((), NEW)


@cell("a retired key", "stop what runs")
def test_a_stop_signed_by_retired_keys_is_weakened(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """One store brings the thief's list, the other the rotation: it says `keep` from then on (RK-3)."""
    stop = sign(stage.world.revocations(HIGHEST, *STOP), *stage.world.brand_keys("acme")[:2])
    now = rotated(stage, stage.statements(*stage.latest))
    show(thieves[:1], *replaced(stage.statements(*stage.latest), stop))
    show(thieves[1:], *now)
    report = today.refresh()
    assert today.runs() == NEW
    assert {one.action for one in report.vulnerable} <= {"keep"}
    # And what he took back for ever ends with the list that the brand's certificate names.
    done = rotated(stage, stage.statements(*stage.latest), revocations=1)
    new = stage.world.brand_keys("acme", 2)[:2]
    again = sign(
        stage.world.brand(
            sequence=3, keys=key_set(2, *stage.world.brand_keys("acme", 2)), revocations=1, issued=stage.at
        ),
        *stage.world.brand_role,
        *new,
    )
    mended = [sign(one.payload, *new) for one in stage.software("acme/tool", 3)]
    done = replaced(done, again, sign(stage.world.revocations(1), *new), *mended)
    show(thieves, *done, images=[image_of("tool 3")])
    report = today.refresh()
    assert (report.vulnerable, today.runs()) == ((), ["app 2", "tool 3", "gadget 1"]), rules(report)


@cell("a retired key", "install anything", "install an old revision")
def test_retired_keys_lift_no_revocation(stage: Stage, yesterday: Play, thieves: list[Forger]) -> None:
    """The brand took revision 2 of its app back, then rotated: the old keys' list of a higher number lifts nothing."""
    bad = listed(stage, 1, ("revision acme/app/2/amd64", "stop"))
    show(thieves, *replaced(stage.statements(*stage.first), bad))
    assert yesterday.refresh().outcome == "none"
    now = rotated(stage, replaced(stage.statements(*stage.latest), bad))
    show(thieves, *now)
    assert "RK-1" in rules(yesterday.refresh())
    lift = sign(stage.world.revocations(HIGHEST), *stage.world.brand_keys("acme"))
    for statements in (replaced(now, lift), now):
        show(thieves, *statements)
        report = yesterday.refresh()
        assert rules(report) & {"RK-1", "TH-1"}
        assert "app 2" not in yesterday.runs()


@cell("a brand's keys at threshold", "stop what runs", "freeze", says="yes")
def test_the_brand_s_keys_stop_its_packages_until_it_has_new_ones(
    stage: Stage, today: Play, thieves: list[Forger]
) -> None:
    """He stops all that is the brand's (RK-6), for ever as he thinks; new keys, and the list that they name, end it."""
    world = stage.world
    stop = sign(world.revocations(HIGHEST, *STOP), *world.brand_keys("acme")[:2])
    show(thieves, *replaced(stage.statements(*stage.latest), stop))
    report = today.refresh()
    assert (report.outcome, today.runs()) == ("stopped", ["gadget 1"])
    new = world.brand_keys("acme", 2)
    brand = world.brand(sequence=2, keys=key_set(2, *new), revocations=1, issued=stage.at)
    rekeyed = sign(brand, *world.brand_role, *world.root_keys[:2], *new[:2])
    first = listed(stage, 1)
    again = [sign(one.payload, *new[:2]) for one in (*stage.chain[2:], *stage.latest[:4], first)]
    show(thieves, *replaced(stage.statements(*stage.latest), rekeyed, *again))
    report = today.refresh()
    assert (report.outcome, today.runs()) == ("installed", NEW), rules(report)


@cell("a brand's keys at threshold", "stop what runs", says="yes")
def test_one_brand_s_list_is_nothing_to_another_brand_s_package(
    stage: Stage, today: Play, thieves: list[Forger]
) -> None:
    """By ids of all that is evil's, and the certificates': a brand takes back its own alone (RK-1, RK-4)."""
    world = stage.world
    ids = [(one.id, "stop") for one in (*stage.chain[:2], *stage.first[4:])]
    stop = sign(world.revocations(1, *ids), *world.brand_keys("acme")[:2])
    update = [stage.revision("evil/gadget", 2), stage.release("evil/gadget", 2)]
    show(
        thieves,
        *replaced(stage.statements(*stage.latest), stop, *map(world.signed, update)),
        images=[image_of("gadget 2")],
    )
    report = today.refresh()
    assert (report.outcome, today.runs()) == ("installed", ["app 2", "tool 2", "gadget 2"]), rules(report)
    assert (report.stopped, report.vulnerable) == ((), ())
    named = sign(world.revocations(2, ("revision evil/gadget/2/amd64", "stop")), *world.brand_keys("acme")[:2])
    for thief in thieves:
        thief.add_power("acme", named.raw)
    assert "RK-4" in rules(today.refresh())
    assert today.runs() == ["app 2", "tool 2", "gadget 2"]
