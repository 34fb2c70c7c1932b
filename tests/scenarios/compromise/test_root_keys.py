"""He holds keys of the root: the role `brand`, some of the role `root`, or its threshold (SPEC section 16).

The stores are his too, so that every statement that he makes reaches the device.
"""

import pytest

from sealring.envelope import Envelope
from sealring.statement.authorities import RootRoles
from sealring_client.apply.install import Disk
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.stage import Play, Stage, replaced, rules, show
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import image_of
from tests.stores import Refused, publish
from tests.world import Key, key_set, sign

OLD, NEW = ["app 1", "tool 1", "gadget 1"], ["app 2", "tool 2", "gadget 1"]


def taken_over(stage: Stage, brand: Envelope, keys: list[Key], *software: Envelope) -> list[Envelope]:
    """What a store lists once `keys` speak for acme: chain and yesterday's software signed by them."""
    again = [sign(one.payload, *keys) for one in (*stage.chain[2:], *stage.first[:4])]
    return replaced(stage.statements(*stage.first), brand, *again, *software)


@cell("the role brand at threshold", "install anything", "install an old revision", "mix and match", "stop what runs")
@pytest.mark.parametrize("sequence", [1, 2, 7])
@pytest.mark.parametrize("what", ["software", "an old release", "a new and an old one", "a model without the tool"])
def test_the_role_brand_can_t_take_over_a_brand_that_is_known(
    stage: Stage, today: Play, thieves: list[Forger], what: str, sequence: int
) -> None:
    """He certifies keys of his own for acme: without the keys before them, or the role `root`, no (BR-2, TH-1)."""
    world, mine = stage.world, [stage.world.key(f"mallory-{n}") for n in "ab"]
    brand = sign(world.brand(sequence=sequence, keys=key_set(2, *mine)), *world.brand_role, *mine)
    software = {
        "software": [stage.revision("acme/tool", 9, "mallory"), stage.release("acme/tool", 9)],
        "an old release": [stage.release("acme/tool", 1, sequence=9)],
        "a new and an old one": [stage.release("acme/app", 2), stage.release("acme/tool", 1, sequence=9)],
        "a model without the tool": [stage.model(sequence=2, packages=stage.model().packages[:1])],
    }[what]
    before = today.picture()
    signed = [sign(one, *mine) for one in software]
    show(thieves, *taken_over(stage, brand, mine, *signed), images=[image_of("mallory")])
    report = today.refresh()
    assert "TH-1" in rules(report)
    assert today.runs() == NEW
    after = today.picture()
    assert (after["links"], after["statements"]) == (before["links"], before["statements"])


@cell("the role brand at threshold", "install anything")
def test_no_store_publishes_such_a_brand(stage: Stage) -> None:
    """He publishes it where devices would look for it (PB-1): TH-1."""
    world, mine = stage.world, [stage.world.key(f"mallory-{n}") for n in "ab"]
    brand = sign(world.brand(sequence=2, keys=key_set(2, *mine)), *world.brand_role, *mine)
    with pytest.raises(Refused) as refused:
        publish(stage.main.store.url, [brand])
    assert refused.value.rule == "TH-1"


@cell("the role brand at threshold", "install anything")
def test_the_brand_s_own_keys_are_needed_even_when_its_certificate_has_ended(
    stage: Stage, yesterday: Play, thieves: list[Forger]
) -> None:
    """The root changes its role `brand`; a thief of the new one alone can't follow a former brand either (BR-3)."""
    world, mine = stage.world, [stage.world.key(f"mallory-{n}") for n in "ab"]
    role = world.key("brands-2")
    roles = RootRoles(key_set(2, *world.root_keys), key_set(1, role))
    root = sign(world.root_statement(sequence=2, roles=roles, issued=stage.at), *world.root_keys[:2])
    brand = sign(world.brand(sequence=2, keys=key_set(2, *mine)), role, *mine)
    show(thieves, *replaced(taken_over(stage, brand, mine), root))
    report = yesterday.refresh()
    assert rules(report) & {"TH-1", "BR-1", "MD-1"}
    assert report.exit_code != 0
    assert yesterday.runs() == OLD
    show(thieves, *replaced(taken_over(stage, brand, mine), root))
    assert yesterday.refresh().outcome != "installed"
    # The true brand, certified by the new role, comes back from honest stores.
    again = sign(stage.chain[0].payload, *world.brand_role, role, *world.brand_keys("acme")[:2])
    evil = sign(stage.chain[1].payload, *world.brand_role, role)
    show(thieves, *replaced(stage.statements(*stage.latest), root, again, evil))
    report = yesterday.refresh()
    assert (report.outcome, yesterday.runs()) == ("installed", NEW), rules(report)


@cell("root keys below threshold", "install anything", "install an old revision", "mix and match", "stop what runs")
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("what", ["a root", "a brand", "both"])
def test_one_root_key_of_two_makes_nothing(
    stage: Stage, today: Play, thieves: list[Forger], what: str, version: int
) -> None:
    """He signs the next root, or a brand's new keys in the root's stead, alone: TH-1 (RT-1, RT-2, BR-2)."""
    world, mine = stage.world, [stage.world.key(f"mallory-{n}") for n in "ab"]
    one = world.root_keys[:1]
    roles = RootRoles(key_set(1, *mine), key_set(1, *mine))
    root = sign(world.root_statement(sequence=version, roles=roles, root=world.root_id), *one, *mine)
    brand = sign(world.brand(sequence=version, keys=key_set(2, *mine)), *one, *mine, *world.brand_role)
    software = [stage.revision("acme/tool", 9, "mallory"), stage.release("acme/tool", 9)]
    old = stage.release("acme/app", 1, sequence=9)
    listed = taken_over(stage, brand, mine, *(sign(one, *mine) for one in (*software, old)))
    if what == "a root":
        listed = replaced(stage.statements(*stage.first), root)
    before = today.picture()
    for thief in thieves:
        thief.files["/v1/roots/2"] = root.raw
    show(thieves, *(replaced(listed, root) if what == "both" else listed), images=[image_of("mallory")])
    report = today.refresh()
    assert "TH-1" in rules(report)
    assert today.runs() == NEW
    after = today.picture()
    assert (after["links"], after["statements"]) == (before["links"], before["statements"])


@cell("root keys at threshold", "install anything", "install an old revision", "freeze", "mix and match", says="yes")
def test_the_root_s_keys_are_the_root(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """He makes a new root and a new acme: old software beside his own, below every minimum. It ends by hand only."""
    world, mine = stage.world, [stage.world.key(f"mallory-{n}") for n in "ab"]
    roles = RootRoles(key_set(2, *mine), key_set(1, *mine))
    root = sign(world.root_statement(sequence=2, roles=roles, root=world.root_id), *world.root_keys[:2], *mine)
    brand = sign(world.brand(sequence=2, keys=key_set(2, *mine)), *mine)
    software = [stage.revision("acme/tool", 1), stage.release("acme/tool", 1, sequence=2**53 - 1)]
    software += [stage.revision("acme/app", 9, "mallory"), stage.release("acme/app", 9, sequence=2**53 - 1)]
    signed = [sign(one, *mine) for one in software]
    show(thieves, *replaced(taken_over(stage, brand, mine), root, *signed), images=[image_of("mallory")])
    report = today.refresh()
    assert (report.outcome, today.runs()[:2]) == ("installed", ["mallory", "tool 1"]), rules(report)
    # Frozen: what the true brand signs no longer counts, though both stores are honest again.
    stage.reset()
    assert today.refresh().outcome != "installed"
    assert today.runs()[:2] == ["mallory", "tool 1"]


@cell("root keys at threshold", "stop what runs", says="yes")
def test_a_root_that_certifies_nobody_stops_nothing(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """Taking every certificate away does not: what runs goes on (BR-1, DV-10). A brand of his own could drop it."""
    world, mine = stage.world, [stage.world.key(f"mallory-{n}") for n in "ab"]
    roles = RootRoles(key_set(2, *mine), key_set(1, *mine))
    root = sign(world.root_statement(sequence=2, roles=roles, root=world.root_id), *world.root_keys[:2], *mine)
    before = today.picture()
    show(thieves, *replaced(stage.statements(*stage.latest), root))
    report = today.refresh()
    assert rules(report) & {"BR-1", "MD-1"}
    assert (report.exit_code, today.runs()) == (24, NEW)
    assert today.picture()["links"] == before["links"]
    assert len(list(Disk.of(today.rig.folder).images.digests())) == 3
