"""Key sets by family, delegations and serials: what their drafts keep and refuse (SPEC TH-2, TH-3, AU-2)."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.command.creating import WORLD, Desk

BRAND = ["brand", "--brand", "acme", "--root", "{desk}/root.json"]
KEYS = [word for name in "abq" for word in ("--key", f"{{desk}}/{name}.pub")]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    found = Desk(tmp_path)
    found.fill()
    return found


def thresholds(desk: Desk, path: Path) -> list[tuple[str, int, str]]:
    """Family, threshold and presence, in their order."""
    found: list[dict[str, Any]] = desk.content(path)["keys"]["thresholds"]
    return [(one["family"], one["threshold"], one["presence"]) for one in found]


def test_a_family_enters_as_if_known_and_the_classical_one_as_required(desk: Desk) -> None:
    """SPEC TH-2: `required` from the first day would cut off every device of an older edition."""
    first = desk.create(*BRAND, *KEYS, "--threshold", "2", "--family-threshold", "ml-dsa=1")
    assert thresholds(desk, first) == [("classical", 2, "required"), ("ml-dsa", 1, "if_known")]


def test_the_threshold_of_one_family_leaves_the_others_as_they_are(desk: Desk) -> None:
    """The attack by oversight: a change of one number that takes the second family's protection away."""
    first = desk.create(*BRAND, *KEYS, "--threshold", "2", "--family-threshold", "ml-dsa=1:required")
    second = desk.create("brand", "--replaces", str(first), "--threshold", "1")
    assert thresholds(desk, second) == [("classical", 1, "required"), ("ml-dsa", 1, "required")]
    third = desk.create("brand", "--replaces", str(first), "--family-threshold", "ml-dsa=0")
    assert thresholds(desk, third) == [("classical", 2, "required")]
    only = desk.create(*BRAND, "--key", "{desk}/q.pub", "--family-threshold", "ml-dsa=1:required")
    assert thresholds(desk, only) == [("ml-dsa", 1, "required")]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param(["--family-threshold", "ml-dsa"], 2, "FAMILY=N", id="no number"),
        pytest.param(["--family-threshold", "ml-dsa=one"], 2, "FAMILY=N", id="a word"),
        pytest.param(["--family-threshold", "ml-dsa=1:maybe"], 2, "FAMILY=N", id="a third presence"),
        pytest.param(["--family-threshold", "ml-dsa=2"], 20, "threshold 2 of ml-dsa, with 1 such keys", id="too many"),
        pytest.param([], 2, "give the threshold", id="none"),
    ],
)
def test_a_threshold_that_nobody_could_meet_is_refused(words: list[str], code: int, message: str, desk: Desk) -> None:
    found, said = desk.refused(*BRAND, *KEYS, *words)
    assert (found, message in said["message"]) == (code, True), said


DELEGATION = ["delegation", "--root", "{desk}/root.json", "--key", "{desk}/c.pub", "--threshold", "1"]


@pytest.mark.parametrize(
    ("words", "code", "rule"),
    [
        pytest.param(["--delegation", "acme/ci", "--packages", "evil/*"], 20, "AU-2", id="packages of another brand"),
        pytest.param(["--delegation", "acme/ci", "--models", "evil/door"], 20, "AU-2", id="models of another brand"),
        pytest.param(["--delegation", "acme/ci", "--packages", "*"], 20, "ST-3", id="everything"),
        pytest.param(["--delegation", "acme/acme"], 20, "AU-2", id="the brand's own name"),
        pytest.param(["--delegation", "acme"], 2, "", id="no name"),
        pytest.param(["--delegation", "acme/ci", "--packages", "acme/a", "--no-packages"], 2, "", id="some and none"),
    ],
)
def test_a_delegation_lies_within_its_brand(words: list[str], code: int, rule: str, desk: Desk) -> None:
    """SPEC AU-2: a brand can't give away what is not its own."""
    found, said = desk.refused(*DELEGATION, *words, "--role", "revision")
    assert (found, said["rule"]) == (code, rule), said


def test_a_delegation_covers_apps_unless_more_is_said_and_can_be_narrowed(desk: Desk) -> None:
    words = ["--delegation", "acme/ci", "--role", "release", "--packages", "acme/*", "--models", "acme/*"]
    first = desk.create(*DELEGATION, *words)
    assert desk.content(first)["kinds"] == ["app"]
    second = desk.content(desk.create("delegation", "--replaces", str(first), "--no-packages", "--no-models"))
    assert (second["packages"], second["models"], second["roles"]) == ([], [], ["release"])


def test_two_devices_never_share_a_key_by_oversight(desk: Desk) -> None:
    """The next serial is made from the one before; with its key, one stolen device would be two."""
    words = ["serial", "--model", "acme/door-1", "--serial", "A-1", "--key", "{desk}/d.pub"]
    first = str(desk.create(*words, "--root", "{desk}/root.json"))
    code, said = desk.refused("serial", "--replaces", first, "--serial", "A-2")
    assert (code, "two devices" in said["message"]) == (2, True)
    next_one = desk.content(desk.create("serial", "--replaces", first, "--serial", "A-2", "--key", "{desk}/c.pub"))
    assert (next_one["serial"], next_one["sequence"]) == ("A-2", 1)
    assert desk.content(desk.create("serial", "--replaces", first))["sequence"] == 2


def test_a_stack_keeps_its_parts_and_lets_go_of_those_that_are_dropped(desk: Desk) -> None:
    words = ["--stack", "acme/line", "--part", "acme/tool/amd64=3", "--part", "acme/base/amd64=7"]
    first = str(desk.create("stack", "--root", "{desk}/root.json", *words))
    again = ["stack", "--replaces", first, "--part", "acme/tool/amd64=4"]
    assert [p["revision"] for p in desk.content(desk.create(*again))["parts"]] == [7, 4]
    assert [p["revision"] for p in desk.content(desk.create(*again, "--drop-part", "acme/base/amd64"))["parts"]] == [4]
    for wrong in (["--drop-part", "acme/none/amd64"], ["--part", "acme/tool=4"], ["--part", "tool/amd64=4"]):
        assert desk.refused(*again, *wrong)[0] == 2


def test_what_was_said_of_one_image_is_not_said_of_the_next(desk: Desk) -> None:
    """A bill of materials signed for another build would be a false one."""
    words = ["revision", "--package", "acme/tool", "--revision", "1", "--architecture", "amd64", "--version", "1"]
    words += ["--root", "{desk}/root.json", "--image", "{desk}/image", "--sbom", "{desk}/sbom", "--advisory", "CVE-1"]
    first = str(desk.create(*words, "--verity", "ab" * 32, "--health", "bin/check", "--health-timeout", "30"))
    again = ["revision", "--replaces", first, "--revision", "2"]
    second = desk.content(desk.create(*again, "--image", "{desk}/kernel"))
    assert {"sbom", "advisories"}.isdisjoint(second)
    assert second["image"].keys() == {"sha256", "size", "content"}
    assert second["health"]["timeout"] == 30
    third = desk.content(desk.create(*again, "--health-soak", "60", "--content", "raw"))
    assert third["health"] == {"command": ["bin/check"], "timeout": 30, "soak": 60}
    assert (third["image"]["content"], third["image"]["verity"]) == ("raw", "ab" * 32)


@pytest.mark.parametrize("words", [["--x", "ticket"], ["--x", "a=1", "--x", "a=2"], ["--x", "a=1", "--no-x"]])
def test_an_extra_is_a_name_and_a_text_each_name_once(words: list[str], desk: Desk) -> None:
    release = str(desk.keep("release.json", WORLD.release()))
    assert desk.refused("release", "--replaces", release, *words)[0] == 2
