"""He holds a partner's keys at threshold: what a brand delegated is his, until it ends or is taken back (SPEC AU).

The stores are his too, so that every statement that he makes reaches the device. What lies outside the delegation is
played in `test_delegate_limits`.
"""

import pytest

from sealring.envelope import Envelope
from sealring.statement.software import Health, Target
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.powers import (
    HIGHEST,
    MALLORY,
    NEW,
    PARTNER,
    at_this_time,
    bad_tool,
    by_partner,
    delegated,
    listed,
    partner_key,
)
from tests.scenarios.compromise.stage import DAY, Play, Stage, replaced, rules, show
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import image_of
from tests.world import key_set, sign


def ended(stage: Stage, thieves: list[Forger], how: str) -> Envelope:
    """How the brand's trust in the partner ends; what of that is a statement."""
    if how == "it ran out":
        at_this_time(thieves, stage.at + 5 * DAY)
    if how == "it was revoked":
        return listed(stage, 1, (PARTNER, "keep"))
    new = key_set(1, *stage.world.delegate_keys("partner", 2))
    reissued = delegated(stage, sequence=2, keys=new)
    return reissued if how == "he got other keys" else delegated(stage, expires=stage.at + 5 * DAY)


@cell("a delegate at threshold", "install anything", says="bounded")
@pytest.mark.parametrize("how", ["it was revoked", "he got other keys", "it ran out"])
def test_a_delegate_installs_his_packages_until_the_delegation_ends(
    stage: Stage, today: Play, thieves: list[Forger], how: str
) -> None:
    """His own software, as long as he may (AU-3); then nothing more by his keys: AU-6 or TM-1."""
    mine = replaced(stage.statements(*stage.latest), delegated(stage, expires=stage.at + 5 * DAY))
    first = replaced(mine, *by_partner(stage, *bad_tool(stage)))
    show(thieves, *first, images=[MALLORY])
    assert (today.refresh().outcome, today.runs()) == ("installed", ["app 2", "mallory", "gadget 1"])
    end = ended(stage, thieves, how)
    again = image_of("mallory again")
    more = by_partner(stage, stage.revision("acme/tool", 10, "mallory again"), stage.release("acme/tool", 10))
    show(thieves, *replaced(first, end, *more), images=[MALLORY, again])
    report = today.refresh(thieves[0].at)
    assert rules(report) & {"AU-6", "TM-1"}, rules(report)
    assert today.runs() == ["app 2", "mallory", "gadget 1"]
    show(thieves, *replaced(mine, end, *stage.software("acme/tool", 11)), images=[image_of("tool 11")])
    report = today.refresh()
    assert (report.outcome, today.runs()) == ("installed", ["app 2", "tool 11", "gadget 1"]), rules(report)


@cell("a delegate at threshold", "install an old revision", says="bounded")
def test_a_delegate_goes_back_no_further_than_the_minimum(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """Revision 1 lies below what release 2 calls the lowest: RL-4, whoever signs the next release."""
    mine = replaced(stage.statements(*stage.latest), delegated(stage))
    back = by_partner(stage, stage.release("acme/tool", 1, sequence=3, targets=[Target("amd64", 1, 1)]))
    show(thieves, *replaced(mine, stage.first[2], *back))
    assert "RL-4" in rules(today.refresh())
    assert today.runs() == NEW


@cell("a delegate at threshold", "install an old revision", says="bounded")
def test_an_old_image_under_a_new_number_is_his_own_software_again(
    stage: Stage, today: Play, thieves: list[Forger]
) -> None:
    """As with a brand's own keys; and it ends as all that he installs: with his list of rights (AU-6, RK-6)."""
    mine = replaced(stage.statements(*stage.latest), delegated(stage))
    old = by_partner(stage, stage.revision("acme/tool", 9, "tool 1"), stage.release("acme/tool", 9))
    show(thieves, *replaced(mine, *old))
    assert (today.refresh().outcome, today.runs()[1]) == ("installed", "tool 1")
    mended = stage.software("acme/tool", 3)
    show(thieves, *replaced(mine, listed(stage, 1, (PARTNER, "replace")), *mended), images=[image_of("tool 3")])
    report = today.refresh()
    assert (report.outcome, today.runs()[1]) == ("installed", "tool 3"), rules(report)


@cell("a delegate at threshold", "freeze", says="bounded")
@pytest.mark.parametrize("what", ["the highest sequence", "a rival", "a list by subject", "a list by id"])
def test_what_he_blocks_is_his_own_package_until_he_is_taken_back(
    stage: Stage, today: Play, thieves: list[Forger], what: str
) -> None:
    """He leaves no room for the brand's next release, or takes it back: with his delegation all of it goes (AU-6)."""
    roles = ["release", "revision", "revocations"]
    mine = replaced(stage.statements(*stage.latest), delegated(stage, roles=roles))
    tool, app = stage.software("acme/tool", 3), stage.software("acme/app", 3)
    images = [image_of("tool 3"), image_of("app 3")]
    block = {
        "the highest sequence": [stage.release("acme/tool", 2, sequence=HIGHEST)],
        "a rival": [stage.release("acme/tool", 2, sequence=3)],
        "a list by subject": [
            stage.world.revocations(1, ("release acme/tool/latest/stable", "keep"), issuer="partner")
        ],
        "a list by id": [stage.world.revocations(1, (tool[1].id, "keep"), issuer="partner")],
    }[what]
    blocked = replaced(mine, *tool, *app, *by_partner(stage, *block))
    show(thieves[:1], *blocked, images=images)
    show(thieves[1:], *replaced(mine, *tool, *app), images=images)
    assert today.refresh().outcome == "installed"
    assert rules(today.refresh()) & {"FL-1", "FL-3", "FL-6", "RK-1"}
    assert today.runs() == ["app 3", "tool 2", "gadget 1"]
    # The brand takes him back: the very release that he kept away is installed.
    show(thieves, *replaced(mine, *tool, *app, listed(stage, 1, (PARTNER, "keep"))), images=images)
    report = today.refresh()
    assert (report.outcome, today.runs()) == ("installed", ["app 3", "tool 3", "gadget 1"]), rules(report)


@cell("a delegate at threshold", "mix and match", says="bounded")
def test_a_delegate_moves_his_package_without_the_others(stage: Stage, yesterday: Play, thieves: list[Forger]) -> None:
    """His tool beside any app. A stack of the brand's is not his to sign (AU-4), so what needs one stays together."""
    world = stage.world
    mine = replaced(stage.statements(*stage.first), delegated(stage), *by_partner(stage, *bad_tool(stage)))
    show(thieves, *mine, images=[MALLORY])
    assert (yesterday.refresh().outcome, yesterday.runs()[:2]) == ("installed", ["app 1", "mallory"])
    model, stack = stage.model(sequence=2, stack="acme/line"), world.stack(("app", 1), ("tool", 2))
    together = replaced(mine, *map(world.signed, (model, stack)), stage.latest[2])
    show(thieves, *together)
    report = yesterday.refresh()
    assert (report.outcome, yesterday.runs()[:2]) == ("installed", ["app 1", "tool 2"]), rules(report)
    show(thieves, *replaced(together, *by_partner(stage, world.stack(("tool", 9), sequence=2))), images=[MALLORY])
    report = yesterday.refresh()
    assert "AU-4" in rules(report)
    assert yesterday.runs()[:2] == ["app 1", "tool 2"]


@cell("a delegate at threshold", "stop what runs", says="bounded")
def test_who_was_given_the_model_may_leave_packages_out_of_it_while_he_has_it(
    stage: Stage, today: Play, thieves: list[Forger]
) -> None:
    """A model that lists his own package alone lies within what he was given; it goes with his delegation (AU-6)."""
    power = delegated(stage, roles=["model"], models=["acme/door-1"])
    mine = replaced(stage.statements(*stage.latest), power)
    packages = [one for one in stage.model().packages if one.package == "acme/tool"]
    show(thieves, *replaced(mine, *by_partner(stage, stage.model(sequence=9, packages=packages))))
    assert (today.refresh().outcome, today.runs()) == ("installed", ["tool 2"])
    show(thieves, *replaced(mine, listed(stage, 1, (PARTNER, "keep"))))
    report = today.refresh()
    assert (report.outcome, today.runs()) == ("installed", NEW), rules(report)


@cell("a delegate at threshold", "stop what runs", says="bounded")
@pytest.mark.parametrize("what", ["it fails its check", "it is no image", "it is far too new"])
def test_without_the_model_nothing_that_runs_stops(stage: Stage, today: Play, thieves: list[Forger], what: str) -> None:
    """A bad release of his own package leaves the one that runs (HC-1, DV-10), and other packages get theirs."""
    sick = image_of("mallory", "exit 1")
    revision = {
        "it fails its check": stage.world.revision(9, sick, health=Health(["bin/check"], 5, 0)),
        "it is no image": stage.world.revision(9, b"rubbish"),
        "it is far too new": stage.revision("acme/tool", 9, issued=stage.at + 90 * DAY),
    }[what]
    forged = by_partner(stage, revision, stage.release("acme/tool", 9))
    mine = replaced(stage.statements(*stage.latest), delegated(stage))
    images = [sick, b"rubbish", image_of("app 3")]
    show(thieves, *replaced(mine, *forged), images=images)
    assert rules(today.refresh()) & {"HC-1", "IM-4", "TM-2"}
    assert today.runs() == NEW
    # DV-9: what has failed waits, and nobody waits for it.
    show(thieves, *replaced(mine, *forged, *stage.software("acme/app", 3)), images=images)
    report = today.refresh()
    assert (report.outcome, today.runs()) == ("installed", ["app 3", "tool 2", "gadget 1"]), rules(report)


@cell("a delegate at threshold", "freeze", says="bounded")
def test_a_required_package_of_his_without_an_image_holds_back_what_changes_with_it(
    stage: Stage, today: Play, thieves: list[Forger]
) -> None:
    """Required packages change together or not at all (DV-7); he needs the stores for that (PB-6), and his rights."""
    nowhere = by_partner(stage, stage.world.revision(9, b"nowhere"), stage.release("acme/tool", 9))
    mine = replaced(stage.statements(*stage.latest), delegated(stage), *stage.software("acme/app", 3))
    show(thieves, *replaced(mine, *nowhere), images=[image_of("app 3")])
    assert (today.refresh().outcome, today.runs()) == ("failed", NEW)
    show(thieves, *replaced(mine, *nowhere, listed(stage, 1, (PARTNER, "keep"))), images=[image_of("app 3")])
    report = today.refresh()
    assert (report.outcome, today.runs()) == ("installed", ["app 3", "tool 2", "gadget 1"]), rules(report)


@cell("a delegate at threshold", "install anything", says="bounded")
def test_a_narrower_delegation_takes_the_rest_back_at_once(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """All of the brand's packages were his, now there is one: the wider version is never listened to again (AU-6)."""
    wide = delegated(stage, packages=["acme/*"])
    narrow = delegated(stage, sequence=2)
    base = stage.statements(*stage.latest)
    forged = [
        sign(one, partner_key(stage))
        for one in (stage.revision("acme/app", 9, "mallory"), stage.release("acme/app", 9))
    ]
    show(thieves, *replaced(base, wide, narrow))
    assert today.refresh().outcome == "none"
    for one in (wide, narrow):
        show(thieves, *replaced(base, *forged, one), images=[MALLORY])
        report = today.refresh()
        assert rules(report) & {"AU-3", "DV-5"}, rules(report)
        assert today.runs() == NEW


@cell("a delegate at threshold", "freeze", says="bounded")
def test_a_model_of_his_that_names_dead_stores_ends_with_his_rights(
    stage: Stage, today: Play, thieves: list[Forger]
) -> None:
    """SR-4, AU-6: its end comes from where the stores once proved themselves."""
    power = delegated(stage, roles=["model"], models=["acme/door-1"])
    mine = replaced(stage.statements(*stage.latest), power)
    tool = [wanted for wanted in stage.model().packages if wanted.package == "acme/tool"]
    dead = stage.model(sequence=9, packages=tool, stores=["acme/nowhere"])
    show(thieves, *replaced(mine, *by_partner(stage, dead)))
    today.refresh()
    assert today.refresh().outcome not in ("installed", "none")
    mended = replaced(mine, listed(stage, 1, (PARTNER, "keep")), *stage.software("acme/app", 3))
    show(thieves, *mended, images=[image_of("app 3")])
    assert today.refresh().outcome == "installed"
