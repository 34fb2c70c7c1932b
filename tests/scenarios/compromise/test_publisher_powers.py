"""A certified publisher that is hostile takes back, gives away and names what is another's (SPEC AU, RK, RQ, EL, FL-6).

The brand `evil` has all of its own keys, and the stores.
"""

import msgspec
import pytest

from sealring.envelope import Envelope
from sealring.statement import Common
from sealring.statement.fleet import Revoked
from sealring.statement.software import Final, Requirement, StackPart, Target
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.powers import HIGHEST, MALLORY, NEW, bad_tool, by_partner
from tests.scenarios.compromise.stage import DAY, Play, Stage, replaced, rules, show
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import image_of
from tests.stores import Refused, publish
from tests.world import sign

UPDATED = ["app 2", "tool 3", "gadget 1"]


def evil(stage: Stage, *statements: Common) -> list[Envelope]:
    """These, by the publisher's own threshold."""
    return [sign(one, *stage.world.brand_keys("evil")[:2]) for one in statements]


def update(stage: Stage) -> list[Envelope]:
    """The next release of acme/tool, which nobody may keep away."""
    return stage.software("acme/tool", 3)


@cell("a hostile certified publisher", "stop what runs", "block another store")
def test_its_list_reaches_nothing_of_another_brand(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """It says `stop` of every id of acme's, certificates, stores and partner included: a list is of its own (RK-1)."""
    tool = update(stage)
    ids = [(one.id, "stop") for one in (*stage.chain, *stage.latest[:4], *tool)]
    everything = evil(stage, stage.world.revocations(1, *ids, brand="evil"))
    show(thieves, *replaced(stage.statements(*stage.latest), *everything, *tool), images=[image_of("tool 3")])
    report = today.refresh()
    assert (report.outcome, today.runs()) == ("installed", UPDATED), rules(report)
    assert (report.stopped, report.vulnerable) == ((), ())


def foreign(stage: Stage) -> dict[str, tuple[Common, str]]:
    """What names another's things in its own name, with the rule that refuses it wherever it is read."""
    world = stage.world
    delegation, own = world.delegation(brand="evil"), world.revocations(1, brand="evil")
    line = Revoked("revision acme/tool/2/amd64", stage.at, "hello", "stop")
    stack = world.stack(("gadget", 1), brand="evil")
    return {
        "a list of another's": (msgspec.structs.replace(own, revoked=[line]), "RK-4"),
        "another's list": (world.revocations(9, ("store acme/main", "stop")), "TH-1"),
        "another's packages given away": (msgspec.structs.replace(delegation, packages=["acme/*"]), "AU-2"),
        "another's delegation": (world.delegation(sequence=9), "TH-1"),
        "another's parts": (msgspec.structs.replace(stack, parts=[StackPart("acme/tool", "amd64", 1)]), "AU-1"),
        "another's stack": (world.stack(("tool", 1), sequence=9), "TH-1"),
    }


@cell("a hostile certified publisher", "install anything", "install an old revision", "stop what runs")
@pytest.mark.parametrize(
    "what",
    [
        "a list of another's",
        "another's list",
        "another's packages given away",
        "another's delegation",
        "another's parts",
        "another's stack",
    ],
)
def test_it_gives_away_and_takes_back_nothing_of_another_brand(
    stage: Stage, today: Play, thieves: list[Forger], what: str
) -> None:
    """In its own name it is refused when it is read (AU-1, AU-2, RK-4), in the other's by its keys (TH-1)."""
    said, rule = foreign(stage)[what]
    [forged] = evil(stage, said)
    before = today.picture()
    show(thieves, *replaced(stage.statements(*stage.latest), *by_partner(stage, *bad_tool(stage))), images=[MALLORY])
    for thief in thieves:
        thief.add_power("evil", forged.raw)
        thief.add_power("acme", forged.raw)
    found = rules(today.refresh())
    assert "stack" in what or "parts" in what or rule in found
    assert today.runs() == NEW
    after = today.picture()
    assert (after["links"], after["statements"]) == (before["links"], before["statements"])
    with pytest.raises(Refused) as refused:
        publish(stage.main.store.url, [forged])
    assert refused.value.rule == rule


@cell("a hostile certified publisher", "mix and match")
@pytest.mark.parametrize("signed", ["in its own name", "in the other's"])
def test_a_stack_of_its_own_chooses_nothing(stage: Stage, yesterday: Play, thieves: list[Forger], signed: str) -> None:
    """The model follows acme/line; its stack for that place, or one of its own: TH-1 or AU-1, and none moves."""
    world = stage.world
    model = world.signed(stage.model(sequence=2, stack="acme/line"))
    own = world.stack(("app", 2), ("tool", 1), sequence=9)
    if signed == "in its own name":
        own = msgspec.structs.replace(world.stack(("gadget", 1), brand="evil", sequence=9), stack="line")
    [forged] = evil(stage, own)
    for thief in thieves:
        thief.alias[forged.digest] = "acme/line"
    old = world.signed(world.stack(("app", 1), ("tool", 1)))
    show(thieves, *replaced(stage.statements(*stage.first), model, old))
    assert yesterday.refresh().outcome == "none"
    show(thieves, *replaced(stage.statements(*stage.latest), model, forged, *stage.first[:3:2]))
    assert rules(yesterday.refresh()) & {"TH-1", "AU-1", "DV-4"}
    assert yesterday.runs() == ["app 1", "tool 1", "gadget 1"]


@cell("a hostile certified publisher", "block another store", "stop what runs")
@pytest.mark.parametrize("needs", ["what never comes", "a later one than there is", "what this model has not"])
def test_what_its_package_requires_holds_only_its_own_back(
    stage: Stage, today: Play, thieves: list[Forger], needs: str
) -> None:
    """Its package is left as it was, and no other waits for it (RQ-1)."""
    requirement = {
        "what never comes": Requirement("acme/app", 2**31 - 1),
        "a later one than there is": Requirement("acme/tool", 4),
        "what this model has not": Requirement("evil/nowhere", 1),
    }[needs]
    own = evil(
        stage,
        stage.revision("evil/gadget", 9, requires=[requirement]),
        stage.release("evil/gadget", 9),
    )
    now = replaced(stage.statements(*stage.latest), *own, *update(stage))
    show(thieves, *now, images=[image_of("tool 3"), image_of("gadget 9")])
    report = today.refresh()
    assert "RQ-1" in rules(report)
    assert (report.outcome, today.runs()) == ("installed", UPDATED)


@cell("a hostile certified publisher", "install anything", "install an old revision")
def test_its_last_word_needs_the_root_s(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """A final release would lift the ends of acme's model and certificate: without the root's role none (EL-1)."""
    revision = stage.world.revision(9, MALLORY, "evil", package="gadget")
    [own] = evil(stage, revision)
    last = Final(stage.chain[0].id, [stage.chain[2].id], sorted({own.id, stage.latest[0].id, stage.latest[2].id}))
    release = stage.release("evil/gadget", 9, final=last, targets=[Target("amd64", 9, 1)])
    show(thieves, *replaced(stage.statements(*stage.latest), own, *evil(stage, release)), images=[MALLORY])
    report = today.refresh()
    assert rules(report) & {"EL-1", "TH-1"}, rules(report)
    assert today.runs() == NEW
    with pytest.raises(Refused) as refused:
        publish(stage.main.store.url, [own, *evil(stage, release)], [MALLORY])
    assert refused.value.rule in ("EL-1", "TH-1")
    late = stage.at + 400 * DAY
    for thief in thieves:
        thief.at = late
    show(thieves, *replaced(stage.statements(*stage.latest), own, *evil(stage, release)), images=[MALLORY])
    assert today.refresh(late).outcome != "installed"
    assert today.runs() == NEW


@cell("a hostile certified publisher", "block another store", "stop what runs")
def test_a_flood_of_conflicts_is_kept_to_its_bound(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """Two delegations for each of 20 places: 8 conflicts are kept (FL-6), and others' updates come."""
    for thief, number in zip(thieves, (1, 2), strict=True):
        many = [
            stage.world.delegation(f"d{n:02}", "evil", packages=["evil/gadget"], x={"n": f"{number}"})
            for n in range(20)
        ]
        show(
            [thief],
            *replaced(stage.statements(*stage.latest), *evil(stage, *many), *update(stage)),
            images=[image_of("tool 3")],
        )
    report = today.refresh()
    assert "FL-3" in rules(report)
    assert len(report.evidence) == len(list((today.rig.folder / "evidence").iterdir())) == 8
    assert (report.outcome, today.runs()) == ("installed", UPDATED)


@cell("a hostile certified publisher", "block another store", "stop what runs")
def test_a_flood_of_powers_is_bounded(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """It delegates its package 70 times, some with a list: 64 are held (FL-4), and others' updates come."""
    world, names = stage.world, [f"d{n:02}" for n in range(70)]
    lines = [(f"{n:064x}", "keep") for n in range(20)]
    given = [world.delegation(name, "evil", packages=["evil/*"]) for name in names]
    lists = [world.revocations(HIGHEST, *lines, brand="evil", issuer=name) for name in names[::10]]
    now = replaced(stage.statements(*stage.latest), *evil(stage, *given, *lists), *update(stage))
    show(thieves, *now, images=[image_of("tool 3")])
    report = today.refresh()
    assert "FL-4" in rules(report)
    assert (report.outcome, today.runs()) == ("installed", UPDATED)
    assert len(list((today.rig.folder / "statements").iterdir())) < 100
