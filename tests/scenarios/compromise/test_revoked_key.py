"""He holds what was taken back: a revoked delegation's keys, statements on a list, a revoked brand (SPEC RK).

The device has seen the list, and the stores are his, with all that was ever signed.
"""

import pytest

from sealring.envelope import Envelope
from sealring.statement import Common
from sealring.statement.software import Target
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.powers import (
    HIGHEST,
    MALLORY,
    NEW,
    PARTNER,
    bad_tool,
    by_partner,
    delegated,
    listed,
    root_list,
)
from tests.scenarios.compromise.stage import Play, Stage, replaced, rules, show
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import image_of
from tests.stores import Refused, RunningStore, publish
from tests.world import key_set, sign

ROLES = ["model", "release", "revision", "revocations"]


@pytest.fixture
def taken_back(stage: Stage, today: Play, thieves: list[Forger]) -> list[Envelope]:
    """The partner was revoked, and the device knows it."""
    power = delegated(stage, roles=ROLES, models=["acme/door-1"])
    mine = replaced(stage.statements(*stage.latest), power)
    show(thieves, *mine)
    assert today.refresh().outcome == "none"
    now = replaced(mine, listed(stage, 1, (PARTNER, "stop")))
    show(thieves, *now)
    assert today.refresh().outcome == "none"
    return now


def attacks(stage: Stage) -> dict[str, list[Common]]:
    """What he signs with the revoked delegation's key."""
    tool = [one for one in stage.model().packages if one.package == "acme/tool"]
    return {
        "software": bad_tool(stage),
        "an old release": [stage.release("acme/tool", 1, sequence=9, targets=[Target("amd64", 1, 1)])],
        "the highest sequence": [stage.release("acme/tool", 2, sequence=HIGHEST)],
        "a rival": [stage.release("acme/tool", 2, sequence=2, x={"with": "love"})],
        "a list": [stage.world.revocations(HIGHEST, ("revision acme/tool/3/amd64", "replace"), issuer="partner")],
        "a model": [stage.model(sequence=9, packages=tool)],
    }


@cell("a revoked key", "install anything", "install an old revision", "freeze", "mix and match")
@cell("a revoked key", "stop what runs", says="bounded")
@pytest.mark.parametrize("what", ["software", "an old release", "the highest sequence", "a rival", "a list", "a model"])
def test_a_revoked_delegation_s_keys_sign_nothing(
    stage: Stage, today: Play, thieves: list[Forger], taken_back: list[Envelope], what: str
) -> None:
    """A revoked delegation vouches for nothing, floors included (AU-6, RK-1); the brand's next release comes."""
    before = today.picture()
    forged = by_partner(stage, *attacks(stage)[what])
    show(thieves, *replaced(taken_back, *forged), images=[MALLORY])
    today.refresh()
    assert today.runs() == NEW
    assert today.picture()["links"] == before["links"]
    update = stage.software("acme/tool", 3)
    show(thieves[:1], *replaced(taken_back, *update), images=[image_of("tool 3")])
    report = today.refresh()
    assert (report.outcome, today.runs()) == ("installed", ["app 2", "tool 3", "gadget 1"]), rules(report)


@cell("a revoked key", "install anything")
@cell("a revoked key", "stop what runs", says="bounded")
def test_what_he_had_signed_before_counts_no_more(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """Software installed by his keys is out of the generation with the list (RK-6), and no order brings it back."""
    mine = replaced(stage.statements(*stage.latest), delegated(stage), *by_partner(stage, *bad_tool(stage)))
    show(thieves, *mine, images=[MALLORY])
    assert (today.refresh().outcome, today.runs()[1]) == ("installed", "mallory")
    now = replaced(mine, listed(stage, 1, (PARTNER, "stop")))
    show(thieves, *now)
    assert (today.refresh().outcome, today.runs()) == ("stopped", ["app 2", "gadget 1"])
    # The stores forget the list; the device does not (RK-2).
    for statements in (mine, now, mine):
        show(thieves, *statements, images=[MALLORY])
        today.refresh()
        assert today.runs() == ["app 2", "gadget 1"]
    show(thieves, *replaced(now, *stage.software("acme/tool", 3)), images=[image_of("tool 3")])
    assert (today.refresh().outcome, today.runs()) == ("installed", ["app 2", "tool 3", "gadget 1"])


@cell("a revoked key", "install anything", "install an old revision")
@pytest.mark.parametrize("how", ["by id", "by subject"])
@pytest.mark.parametrize("what", ["the release", "the revision", "the model"])
def test_a_statement_on_the_list_is_no_reason_for_anything(
    stage: Stage, yesterday: Play, thieves: list[Forger], what: str, how: str
) -> None:
    """Genuine and current, and taken back: nothing is installed because of it (RK-1), with a newer one all is well."""
    about = {"the release": stage.latest[3], "the revision": stage.latest[2], "the model": stage.chain[2]}[what]
    subject = {
        "the release": "release acme/tool/latest/stable",
        "the revision": "revision acme/tool/2/amd64",
        "the model": "model acme/door-1",
    }[what]
    line = (about.id if how == "by id" else subject, "keep")
    now = replaced(stage.statements(*stage.latest), listed(stage, 1, line))
    show(thieves, *now)
    report = yesterday.refresh()
    assert "RK-1" in rules(report)
    assert yesterday.runs()[1] == "tool 1"
    newer = [*stage.software("acme/tool", 3), stage.world.signed(stage.model(sequence=2))]
    if how == "by subject":
        newer += [listed(stage, 2, ("revision acme/tool/2/amd64", "keep"))]
    show(thieves, *replaced(now, *newer), images=[image_of("tool 3")])
    report = yesterday.refresh()
    assert (report.outcome, yesterday.runs()) == ("installed", ["app 2", "tool 3", "gadget 1"]), rules(report)


@cell("a revoked key", "install anything", "install an old revision", "mix and match")
@pytest.mark.parametrize("what", ["software", "a new certificate"])
def test_a_revoked_brand_s_keys_are_nothing(stage: Stage, today: Play, thieves: list[Forger], what: str) -> None:
    """The root took the brand evil back (RK-1); what else the device runs goes on, and is updated."""
    world, keys = stage.world, stage.world.brand_keys("evil")[:2]
    now = replaced(stage.statements(*stage.latest), root_list(stage, world.root_keys[:2], ("brand evil", "keep")))
    show(thieves, *now)
    assert today.refresh().outcome == "none"
    forged = {
        "software": [stage.revision("evil/gadget", 9, "mallory"), stage.release("evil/gadget", 9)],
        "a new certificate": [world.brand("evil", sequence=2)],
    }[what]
    signed = [sign(one, *world.brand_role, *keys) for one in forged]
    signed += [
        sign(one, *keys) for one in (stage.revision("evil/gadget", 9, "mallory"), stage.release("evil/gadget", 9))
    ]
    update = stage.software("acme/tool", 3)
    show(thieves, *replaced(now, *signed, *update), images=[MALLORY, image_of("tool 3")])
    report = today.refresh()
    assert "RK-1" in rules(report)
    assert today.runs()[:2] == ["app 2", "tool 3"], rules(report)
    assert "mallory" not in today.runs()


@cell("a revoked key", "stop what runs", says="bounded")
def test_a_revoked_brand_can_still_stop_its_own_until_it_has_new_keys(
    stage: Stage, today: Play, thieves: list[Forger]
) -> None:
    """No line takes back a list (RK-5), so the thief's may end its own packages; new keys end that (BR-2, RK-3)."""
    world, old, new = stage.world, stage.world.brand_keys("evil")[:2], stage.world.brand_keys("evil", 2)
    theirs = root_list(stage, world.root_keys[:2], (stage.chain[1].id, "keep"))
    stop = world.revocations(HIGHEST, ("revision evil/gadget/1/amd64", "stop"), brand="evil")
    now = replaced(stage.statements(*stage.latest), theirs)
    show(thieves, *replaced(now, sign(stop, *old)))
    assert (today.refresh().outcome, today.runs()) == ("stopped", ["app 2", "tool 2"])
    rekeyed = world.brand("evil", sequence=2, keys=key_set(2, *new), revocations=1, issued=stage.at)
    again = [
        sign(rekeyed, *world.root_keys[:2], *world.brand_role, *new[:2]),
        sign(world.revocations(1, brand="evil"), *new[:2]),
        *(sign(one.payload, *new[:2]) for one in stage.first[4:]),
    ]
    show(thieves, *replaced(now, *again))
    report = today.refresh()
    assert (report.outcome, today.runs()) == ("installed", NEW), rules(report)


@cell("a revoked key", "install anything")
def test_an_honest_store_publishes_nothing_by_it(stage: Stage, shop: RunningStore) -> None:
    """The partner and a revision were taken back: TH-1, or RK-1 by name; the brand goes on (PB-1)."""
    lines = [(PARTNER, "keep"), ("revision acme/tool/9/amd64", "keep")]
    publish(shop.url, [delegated(stage)])
    publish(shop.url, [listed(stage, 1, *lines)])
    with pytest.raises(Refused) as refused:
        publish(shop.url, by_partner(stage, stage.release("acme/tool", 3)))
    assert refused.value.rule in ("TH-1", "RK-1")
    with pytest.raises(Refused) as refused:
        publish(shop.url, [stage.world.signed(one) for one in bad_tool(stage)], [MALLORY])
    assert refused.value.rule == "RK-1"
    publish(shop.url, stage.software("acme/tool", 3), [image_of("tool 3")])
