"""Revocation lists: told as what changes, and nothing is un-revoked by accident (SPEC CE-8, RC-1, AU-1)."""

from pathlib import Path
from typing import Any

import pytest

from sealring.chain import read_claim
from sealring.statement import Revocations
from sealring.statement.fleet import Revoked
from tests.unit.command.creating import WORLD, Desk
from tests.world import NOW

TOOL = "revision acme/tool/3/amd64"
AT = f"{NOW:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with a signed list in force that stops one revision, and software."""
    found = Desk(tmp_path)
    found.fill()
    line = Revoked(TOOL, NOW.replace(month=1), "opens every door", "replace")
    found.keep("list.json", Revocations(issuer="acme", revoked=[line], **WORLD.common("acme", 300, sequence=3)))
    found.keep("builders.json", Revocations(issuer="builders", revoked=[], **WORLD.common("acme", 300)))
    found.keep("tool.json", WORLD.revision(3))
    found.keep("other.json", WORLD.revision(3, brand="evil"))
    found.keep("brand.json", WORLD.brand())
    return found


def lines(desk: Desk, path: Path) -> dict[str, dict[str, str]]:
    """The lines of a draft, by what they name."""
    found: list[dict[str, Any]] = desk.content(path)["revoked"]
    return {line.pop("what"): line for line in found}


def again(*words: str) -> list[str]:
    """The options of the list that follows the one in force."""
    return ["revocations", "--replaces", "{desk}/list.json", *words]


def revoke(what: str, action: str = "keep") -> list[str]:
    return ["--revoke", what, "--action", action, "--why", "because"]


def test_a_line_is_added_and_the_others_stay(desk: Desk) -> None:
    draft = desk.create(*again(*revoke("store acme/main")))
    assert desk.content(draft)["sequence"] == 4
    assert lines(desk, draft) == {
        TOOL: {"since": "2026-01-01T12:00:00Z", "why": "opens every door", "action": "replace"},
        "store acme/main": {"since": AT, "why": "because", "action": "keep"},
    }


def test_a_line_becomes_stronger_and_its_beginning_stays(desk: Desk) -> None:
    """Audits ask since when, and a later list does not make it later."""
    assert lines(desk, desk.create(*again(*revoke(TOOL, "stop"))))[TOOL] == {
        "since": "2026-01-01T12:00:00Z",
        "why": "because",
        "action": "stop",
    }


def test_a_line_never_becomes_milder_unsaid(desk: Desk) -> None:
    """The attack by oversight: a list that is issued again lets go of what it held."""
    code, said = desk.refused(*again(*revoke(TOOL)))
    assert (code, said["rule"]) == (2, "CE-8")
    assert "the list in force says replace, keep would be milder" in said["message"]
    assert f'--lift "{TOOL}"' in said["hint"]
    assert lines(desk, desk.create(*again(*revoke(TOOL), "--lift", TOOL)))[TOOL]["action"] == "keep"


def test_a_line_leaves_the_list_by_lift_alone(desk: Desk) -> None:
    assert lines(desk, desk.create(*again("--lift", TOOL))) == {}
    code, said = desk.refused(*again("--lift", "revision acme/tool/4/amd64"))
    assert code == 2
    assert "no line of --replaces" in said["message"]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(
            ["--issuer", "acme", "--sequence", "4", "--root", "{desk}/root.json"], id="without the list before"
        ),
        pytest.param([*again("--sequence", "5")], id="over a list that it has not seen"),
        pytest.param([*again("--sequence", "2")], id="below the list in force"),
        pytest.param([*again("--issuer", "acme/builders")], id="in the place of another issuer's"),
        pytest.param(["--replaces", "{desk}/builders.json", "--issuer", "acme"], id="the brand's for the delegation's"),
    ],
)
def test_a_list_follows_the_one_in_force(words: list[str], desk: Desk) -> None:
    """Whatever else it replaced, it would lift lines that nobody has looked at."""
    code, said = desk.refused(*(words if words[0] == "revocations" else ["revocations", *words]))
    assert (code, said["rule"]) == (2, "CE-8")
    assert "by --lift" in said["hint"]


def test_a_draft_of_the_list_takes_lines_of_another_action(desk: Desk) -> None:
    """All lines of one run have one action; the draft is replaced under its own sequence."""
    first = desk.create(*again(*revoke("store acme/main")))
    second = desk.create("revocations", "--replaces", str(first), "--sequence", "4", *revoke("stack acme/line", "stop"))
    assert desk.content(second)["sequence"] == 4
    assert {what: line["action"] for what, line in lines(desk, second).items()} == {
        TOOL: "replace",
        "stack acme/line": "stop",
        "store acme/main": "keep",
    }


def test_a_file_is_revoked_by_its_id_or_by_its_subject(desk: Desk) -> None:
    words = ["--revoke-file", "{desk}/tool.json", "--action", "stop", "--why", ""]
    claim = read_claim((desk.folder / "tool.json").read_bytes())
    assert set(lines(desk, desk.create(*again(*words)))) == {TOOL, claim.envelope.id}
    assert set(lines(desk, desk.create(*again(*words, "--by-subject")))) == {TOOL}


def test_the_root_takes_back_brands(desk: Desk) -> None:
    words = ["revocations", "--issuer", "root", "--root", "{desk}/root.json", "--action", "keep", "--why", "sold"]
    draft = desk.create(*words, "--revoke", "brand evil", "--revoke-file", "{desk}/brand.json")
    assert desk.content(draft)["authority"] == "root"
    assert len(lines(desk, draft)) == 2


@pytest.mark.parametrize(
    ("what", "needed"),
    [
        pytest.param("revision acme/tool/3", "BRAND/PACKAGE/REVISION/ARCHITECTURE", id="a word too few"),
        pytest.param("release acme/tool/stable", "BRAND/PACKAGE/TRACK/RISK", id="a channel without its track"),
        pytest.param("store acme/main/x", "BRAND/STORE", id="a word too many"),
        pytest.param("revison acme/tool/3/amd64", "TYPE one of", id="a typing error"),
        pytest.param("acme/tool", "TYPE one of", id="no type"),
        pytest.param("ab" * 31, "TYPE one of", id="half an id"),
        pytest.param("revocations acme/acme", "TYPE one of", id="a list"),
    ],
)
def test_a_line_that_could_never_meet_a_statement_is_wrong_usage(what: str, needed: str, desk: Desk) -> None:
    """It would look revoked to everybody, and be to no device."""
    code, said = desk.refused(*again(*revoke(what)))
    assert code == 2
    assert needed in said["message"]


def test_an_assertion_of_somebody_else_is_not_revoked_by_its_id(desk: Desk) -> None:
    """SPEC AU-1: an id tells nobody whose it is, so the line would do nothing, unseen."""
    for name in ("other.json", "brand.json", "list.json", "root.json"):
        code, said = desk.refused(*again("--revoke-file", f"{{desk}}/{name}", "--action", "keep", "--why", "x"))
        assert (code, said["rule"]) == (24, "AU-1")


def test_another_brands_subject_is_refused(desk: Desk) -> None:
    code, said = desk.refused(*again(*revoke("revision evil/tool/3/amd64")))
    assert code == 20
    assert "not the authority's own" in said["message"]


def test_a_delegation_never_stops_what_runs(desk: Desk) -> None:
    """Only the brand itself may: one stolen build key must not darken a fleet."""
    words = ["revocations", "--replaces", "{desk}/builders.json"]
    code, said = desk.refused(*words, *revoke(TOOL, "stop"))
    assert code == 20
    assert "says `stop`" in said["message"]
    desk.create(*words, *revoke(TOOL, "replace"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["--revoke", TOOL], "give --action and --why", id="no action"),
        pytest.param(["--revoke", TOOL, "--action", "stop"], "give --action and --why", id="no reason"),
        pytest.param(["--action", "stop", "--why", "x"], "go with --revoke", id="nothing to revoke"),
        pytest.param(["--lift", TOOL, "--by-subject"], "goes with --revoke-file", id="no file"),
    ],
)
def test_half_a_line_is_wrong_usage(words: list[str], message: str, desk: Desk) -> None:
    code, said = desk.refused(*again(*words))
    assert (code, message in said["message"]) == (2, True), said


def test_the_list_in_force_gives_its_number(desk: Desk) -> None:
    """SPEC RC-1: a number that is typed may name a list that nobody has."""
    words = ["release", "--package", "acme/tool", "--channel", "latest/stable", "--root", "{desk}/root.json"]
    words += ["--revision", "amd64=1"]
    assert desk.content(desk.create(*words, "--revocations-list", "{desk}/list.json"))["revocations"] == 3
    code, said = desk.refused(*words, "--revocations-list", "{desk}/builders.json")
    assert (code, said["rule"]) == (24, "RC-1")
    code, said = desk.refused(*words, "--revocations-list", "{desk}/tool.json")
    assert (code, said["rule"]) == (24, "ST-6")
