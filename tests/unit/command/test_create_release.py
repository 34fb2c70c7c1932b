"""Releases in phases, and last ones: what a draft keeps, and what it refuses (SPEC RL, RV, TH)."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.command.creating import WORLD, Desk
from tests.world import NOW

NEW = ["release", "--package", "acme/tool", "--channel", "latest/stable", "--root", "{desk}/root.json"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    found = Desk(tmp_path)
    found.fill()
    return found


def released(desk: Desk, *words: str) -> Path:
    """A first release with these options."""
    return desk.create(*NEW, *words)


def plan(desk: Desk, path: Path) -> dict[str, Any]:
    """The rollout plan of a draft."""
    found: dict[str, Any] = desk.content(path)["rollout"]
    return found


def test_widening_a_share_keeps_the_devices_that_were_chosen(desk: Desk) -> None:
    """A new seed would choose others: then two shares of 5 % are 10 % of the fleet on a build that is on trial."""
    first = released(desk, "--revision", "amd64=2", "--rollout-share", "5%")
    second = desk.create("release", "--replaces", str(first), "--rollout-share", "50%")
    assert plan(desk, second) == {**plan(desk, first), "share": 5000}


def test_each_plan_has_a_seed_of_its_own(desk: Desk) -> None:
    """Or the same devices would be the first with every package."""
    seeds = {plan(desk, released(desk, "--revision", "amd64=2", "--rollout-share", "5%"))["seed"] for _ in range(3)}
    assert len(seeds) == 3


def test_a_new_seed_is_drawn_when_it_is_asked_for(desk: Desk) -> None:
    first = released(desk, "--revision", "amd64=2", "--rollout-share", "5%")
    second = desk.create("release", "--replaces", str(first), "--rollout-seed", "new")
    assert plan(desk, second)["seed"] != plan(desk, first)["seed"]


def test_the_next_revision_goes_to_those_who_tried_and_the_others_stay_where_they_are(desk: Desk) -> None:
    """What only a share has tried is no build to fall back on: the unchosen would all get it unseen."""
    first = released(desk, "--revision", "amd64=2:1:1", "--rollout-share", "5%", "--issued", "2026-02-01T00:00:00Z")
    second = desk.create("release", "--replaces", str(first), "--revision", "amd64=3", "--rollout-share", "1%")
    assert desk.content(second)["targets"] == [{"architecture": "amd64", "revision": 3, "minimum": 1, "previous": 1}]
    assert plan(desk, second) == {**plan(desk, first), "share": 100, "start": f"{NOW:%Y-%m-%dT%H:%M:%SZ}"}


def test_after_a_whole_plan_the_one_before_is_what_everybody_ran(desk: Desk) -> None:
    first = released(desk, "--revision", "amd64=2:1:1", "--rollout-share", "100%")
    second = desk.create("release", "--replaces", str(first), "--revision", "amd64=3", "--no-rollout")
    assert desk.content(second)["targets"][0]["previous"] == 2
    assert "rollout" not in desk.content(second)


def test_another_revision_never_inherits_the_share_of_the_one_before(desk: Desk) -> None:
    """Half of the fleet runs revision 2; nobody has tried revision 3."""
    first = str(released(desk, "--revision", "amd64=2", "--rollout-share", "50%"))
    for words in (["--revision", "amd64=3"], ["--channel", "latest/edge"], ["--revision", "arm64=1"]):
        code, said = desk.refused("release", "--replaces", first, *words)
        assert code == 2
        assert "at 50 %" in said["message"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["--rollout-share", "100.01%"], "at most 100%", id="more than all"),
        pytest.param(["--rollout-share", "999999999%"], "at most 100%", id="far more than all"),
        pytest.param(["--rollout-share", "5"], "no share such as 5%", id="no unit: per cent, or hundredths of it"),
        pytest.param(["--rollout-share", "0.001%"], "no share such as 5%", id="finer than is kept"),
        pytest.param(["--rollout-share", "-5%"], "no share such as 5%", id="less than nothing"),
        pytest.param(["--rollout-silence", "1h"], "give --rollout-share too", id="a plan without a share"),
        pytest.param(["--rollout-share", "5%", "--rollout-halt", "forever"], "no length of time", id="no length"),
        pytest.param(["--rollout-share", "5%", "--no-rollout"], "ends the plan", id="begun and ended"),
        pytest.param(["--drop-architecture", "arm64"], "not in --replaces", id="dropped and never there"),
        pytest.param(["--revocations", "1", "--revocations-list", "{desk}/root.json"], "not both", id="two numbers"),
        pytest.param(["--final"], "--final needs", id="final, resting on nothing"),
        pytest.param(["--final-brand", "{desk}/root.json"], "go with --final", id="files without --final"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(words: list[str], message: str, desk: Desk) -> None:
    code, said = desk.refused(*NEW, "--revision", "amd64=2", *words)
    assert (code, message in said["message"]) == (2, True), said


def test_lengths_beyond_those_of_the_type_are_refused_by_the_rule_that_devices_apply(desk: Desk) -> None:
    """SPEC ST-3: a draft that no device would read is not worth a signature."""
    words = ["--revision", "amd64=2", "--rollout-share", "5%", "--rollout-halt", "8d"]
    code, said = desk.refused(*NEW, *words)
    assert (code, said["rule"]) == (20, "ST-3")


def final(**files: str) -> list[str]:
    """The options of a final release; each file is one in the desk."""
    names = {"brand": "brand.json", "model": "model.json", "revision": "tool-2.json", **files}
    return ["--final", *(word for kind, name in names.items() for word in (f"--final-{kind}", f"{{desk}}/{name}"))]


@pytest.fixture
def shelf(desk: Desk) -> Desk:
    """A desk with what a final release rests on, and with what it can't."""
    desk.keep("brand.json", WORLD.brand())
    desk.keep("model.json", WORLD.model())
    desk.keep("tool-2.json", WORLD.revision(2))
    desk.keep("tool-3.json", WORLD.revision(3))
    desk.keep("other-brand.json", WORLD.brand("evil"))
    desk.keep("other-model.json", WORLD.model("gate-1", brand="evil"))
    desk.keep("other-tool.json", WORLD.revision(2, brand="evil"))
    desk.draft("draft-brand.json", WORLD.brand())
    desk.draft("draft-model.json", WORLD.model())
    desk.draft("draft-tool.json", WORLD.revision(2))
    return desk


@pytest.mark.parametrize(
    ("files", "code", "rule"),
    [
        pytest.param({"brand": "draft-brand.json"}, 21, "TH-1", id="a brand that nobody signed"),
        pytest.param({"model": "draft-model.json"}, 21, "TH-1", id="a model that nobody signed"),
        pytest.param({"revision": "draft-tool.json"}, 21, "TH-1", id="a revision that nobody signed"),
        pytest.param({"brand": "other-brand.json"}, 24, "AU-1", id="another brand"),
        pytest.param({"model": "other-model.json"}, 24, "RL-2", id="a model that does not run it"),
        pytest.param({"revision": "other-tool.json"}, 24, "RV-1", id="another brand's revision"),
        pytest.param({"revision": "tool-3.json"}, 24, "RV-1", id="a revision that is not released"),
        pytest.param({"model": "tool-2.json"}, 24, "ST-6", id="another type"),
    ],
)
def test_a_final_release_rests_on_what_is_in_force(files: dict[str, str], code: int, rule: str, shelf: Desk) -> None:
    """What it names goes on for ever: a wrong id would end the product instead, when the first certificate expires."""
    found, said = shelf.refused(*NEW, "--revision", "amd64=2", *final(**files))
    assert (found, said["rule"]) == (code, rule)


def test_a_final_release_names_every_revision_that_it_releases(shelf: Desk) -> None:
    code, said = shelf.refused(*NEW, "--revision", "amd64=2", "--revision", "arm64=2", *final())
    assert code == 2
    assert "no file for arm64=2" in said["message"]


def test_a_final_release_is_never_final_for_other_revisions_by_oversight(shelf: Desk) -> None:
    last = str(released(shelf, "--revision", "amd64=2", *final()))
    code, said = shelf.refused("release", "--replaces", last, "--revision", "amd64=3")
    assert code == 2
    assert "final for other revisions" in said["message"]
    again = ["--revision", "amd64=3", *final(revision="tool-3.json")]
    assert "final" in shelf.content(shelf.create("release", "--replaces", last, *again))
    assert "final" not in shelf.content(
        shelf.create("release", "--replaces", last, "--revision", "amd64=3", "--no-final")
    )
