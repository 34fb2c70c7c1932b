"""Whose shape is rehearsed: plans from numbers, from a file and from real assertions."""

import pytest

from sealring.keys import FamilyThreshold
from sealring.rehearsal.plan import MAX_NAME, BrandPlan, Holder, NotRehearsable, Party, Plan, settled, successor
from sealring.rehearsal.shape import like, made_up, parse_plan
from tests.world import World

NAMES = ("acme",)
TOML = """
[root]
holders = ["ruth", "quinn:ml-dsa-65"]
threshold = 1
families = { ml-dsa = 1 }
[role-brand]
holders = ["bert"]
threshold = 1
[brand.acme]
holders = ["alice", "bob"]
threshold = 2
"""


def usual(**changed: tuple[int, int]) -> Plan:
    numbers = {"root": (3, 2), "role": (3, 2), "own": (3, 2), "delegates": (3, 2), **changed}
    return made_up(NAMES, **numbers)


def test_every_throw_away_key_says_what_it_is_and_is_one_persons() -> None:
    """SPEC ST-4 keeps rehearsals apart from production; the names keep people from mixing the files up."""
    plan = settled(made_up(("acme", "other"), (5, 3), (2, 1), (3, 2), (1, 1)))
    found = [one.name for party in plan.parties for one in party.holders]
    assert all(name.startswith("rehearsal-") for name in found)
    assert len(set(found)) == len(found)
    every = {one.name for one in plan.holders()}
    assert {successor(one).name for party in plan.parties for one in party.signers()} <= every


def test_a_threshold_is_met_by_family() -> None:
    """SPEC TH-2: a hybrid key set needs each family's own number."""
    thresholds = (FamilyThreshold("classical", 1, "required"), FamilyThreshold("ml-dsa", 1, "if_known"))
    ruth, rosa, quinn = Holder("ruth"), Holder("rosa"), Holder("quinn", "ml-dsa-65")
    party = Party("the root", (ruth, rosa, quinn), thresholds)
    assert party.pick() == (ruth, quinn)
    assert party.pick([ruth]) == (rosa, quinn)
    assert party.pick([quinn]) is None
    assert party.after([quinn]).holders == (ruth, rosa, Holder("quinn-new", "ml-dsa-65"))


def test_real_assertions_give_names_types_and_thresholds() -> None:
    """The team plays its own shape; nothing but names is taken, so nothing needs to be trusted."""
    world = World()
    found = like([world.root_statement(), world.brand(), world.delegation()], usual())
    assert [one.name for one in found.root.holders] == [key.name for key in world.root_statement().roles.root.keys]
    brand = found.brands[0]
    assert (brand.name, brand.delegation) == ("acme", world.delegation().delegation)
    assert brand.own.thresholds == tuple(world.brand().keys.thresholds)
    with pytest.raises(NotRehearsable):
        like([world.release()], usual())


def test_a_plan_file_names_holders_types_and_thresholds() -> None:
    found = settled(parse_plan(TOML))
    assert [one.type for one in found.root.holders] == ["ed25519", "ml-dsa-65"]
    assert found.root.words.startswith("1 of 1 classical and 1 of 1 ml-dsa")
    assert any("one key alone is enough" in note for note in found.notes)
    assert any("ends the root" in note for note in found.notes)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("root = [", id="no TOML"),
        pytest.param(TOML + "\n[extra]\n", id="a table that nobody knows"),
        pytest.param(TOML.replace('"bert"', '"Bert Bond"'), id="no name"),
        pytest.param(TOML.replace("threshold = 2", "threshold = 3"), id="TH-3: more than there are"),
        pytest.param(TOML.replace("quinn:ml-dsa-65", "quinn:rot13"), id="no type of key"),
        pytest.param(TOML.replace("brand.acme", "brand.root"), id="AU-1: no brand bears this name"),
        pytest.param(TOML + '\n[delegates.evil]\nholders = ["eve"]\nthreshold = 1\n', id="delegates of no brand"),
    ],
)
def test_a_plan_that_nobody_could_follow_is_refused(text: str) -> None:
    with pytest.raises(NotRehearsable):
        settled(parse_plan(text))


def test_one_person_with_keys_of_two_roles_is_told() -> None:
    """Whoever robs her has both: a runbook that hides it would count on keys that are gone."""
    plan = usual()
    shared = Plan(plan.root, plan.root, plan.brands)
    found = settled(shared)
    assert "rehearsal-ruth-2" in [one.name for one in found.role.holders]
    assert any(note.startswith("ruth holds keys of") for note in found.notes)


def test_the_longest_names_stay_within_a_name() -> None:
    long = Party("long", tuple(Holder("x" * 38 + end) for end in ("-a", "-b")), usual().root.thresholds)
    plan = settled(Plan(long, long, (BrandPlan("acme", long, long),)))
    found = [one.name for one in plan.holders()]
    assert max(map(len, found)) <= MAX_NAME
    assert len({one for party in plan.parties for one in party.holders}) == 8
