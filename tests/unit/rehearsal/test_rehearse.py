"""`sealring rehearse`: every loss and its recovery really happen, and what differs from the plan is told."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sealring.command.main import run
from sealring.command.outside import Outside
from sealring.command.rehearsing import Stage
from sealring.rehearsal.found import StepFailed
from sealring.rehearsal.steps import At, Begun, Ending, Section, Shown, Situation, Step, Typed
from tests.sessions.runner import matches

PAGE = Path(__file__).resolve().parents[3] / "docs" / "recovery.md"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def sealring(*words: str | Path) -> tuple[int, str, str]:
    """One run: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    code = run([str(one) for one in words], Outside(lambda: NOW, out, err, interactive=False, color=False))
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """The usual rehearsal, once: what it says, and its folder."""
    folder = tmp_path_factory.mktemp("whole")
    code, out, err = sealring("rehearse", folder / "played", "--keep", "-o", folder / "page.md", "--json")
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    return found, folder


@pytest.mark.timeout(300)
def test_every_role_is_lost_below_and_at_its_threshold(whole: tuple[dict[str, Any], Path]) -> None:
    """One key of the root, of its role `brand`, of a brand, of a delegate; then the threshold of each."""
    names = [one["name"] for one in whole[0]["situations"]]
    below = ["root-key", "role-key", "brand-acme-key", "delegates-acme-key"]
    at = ["brand-acme-keys", "delegates-acme-keys", "role-keys", "root-keys"]
    assert names == ["keys", "first", *below, *at]
    assert [one["ends"] for one in whole[0]["situations"]] == [*["done"] * 2, *["recovered"] * 7, "past repair"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("situation", "rule"),
    [
        pytest.param("root-key", "TH-1", id="RT-1: one root key makes no root"),
        pytest.param("role-key", "TH-1", id="BR-1: one key of the role certifies nobody"),
        pytest.param("brand-acme-key", "TH-1", id="TH-1: one brand key releases nothing"),
        pytest.param("brand-acme-keys", "TH-1", id="FL-2: what a thief signed ends with his keys"),
        pytest.param("delegates-acme-keys", "AU-3", id="AU-3: a delegate's thief stays within the delegation"),
        pytest.param("delegates-acme-keys", "RK-1", id="RK-1: the delegation is taken back"),
        pytest.param("role-keys", "TH-1", id="BR-2: the role alone takes no brand over"),
        pytest.param("root-keys", "ST-4", id="ST-4: a new root is another world"),
    ],
)
def test_each_refusal_was_really_made(whole: tuple[dict[str, Any], Path], situation: str, rule: str) -> None:
    """A rehearsal in which nothing is refused would prove nothing."""
    (one,) = [one for one in whole[0]["situations"] if one["name"] == situation]
    refused = [step for step in one["steps"] if f"[{rule}]" in step["expected"]]
    assert refused
    assert all(step["found"] == step["expected"] for step in one["steps"])


@pytest.mark.timeout(300)
def test_nothing_of_it_counts_elsewhere(whole: tuple[dict[str, Any], Path]) -> None:
    """SPEC ST-4: every root that a rehearsal makes is another, and the keys' names say what they are."""
    folder = whole[1] / "played"
    assert all(path.name.startswith("rehearsal-") for path in (folder / "keys").iterdir())
    root, other = folder / "first/signed/root-1.json", folder / "root-anew/signed/root-1.json"
    code, _, err = sealring("verify", folder / "first/signed/brand-acme-1.json", "--root", other)
    assert (code, "[ST-4]" in err) == (24, True)
    assert sealring("verify", folder / "first/signed/brand-acme-1.json", "--root", root)[0] == 0
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.timeout(300)
def test_the_page_in_docs_is_what_the_command_prints(whole: tuple[dict[str, Any], Path]) -> None:
    """But for dates and fingerprints; `sealring rehearse -o docs/recovery.md` writes it anew."""
    pages = (path.read_text(encoding="utf-8").replace("...", "").splitlines() for path in (whole[1] / "page.md", PAGE))
    found, shown = ([line for line in page if line] for page in pages)
    for one, other in zip(found, shown, strict=False):
        assert matches([other], [one])
    assert len(found) == len(shown)


@pytest.mark.timeout(300)
def test_a_hybrid_shape_of_lone_holders_is_played_too(tmp_path: Path) -> None:
    """SPEC TH-2: each family of a hybrid root must be met; where one key is enough there is no loss below it."""
    (tmp_path / "plan.toml").write_text(
        '[root]\nholders = ["ruth", "quinn:ml-dsa-65"]\nthreshold = 1\nfamilies = { ml-dsa = 1 }\n'
        '[role-brand]\nholders = ["bert:ecdsa-p256"]\nthreshold = 1\n'
        '[brand.acme]\nholders = ["alice", "bob"]\nthreshold = 2\n'
        '[delegates.acme]\nholders = ["ci"]\nthreshold = 1\n'
    )
    code, out, err = sealring("rehearse", tmp_path / "here", "--plan", tmp_path / "plan.toml")
    assert code == 0, err
    assert "1 of 1 classical and 1 of 1 ml-dsa" in out
    assert "**Note.** the root: every key of it must sign" in out
    assert "too few of the brand's keys are left" in out
    assert not (tmp_path / "here").exists()


@pytest.mark.timeout(300)
def test_the_shape_of_real_authorities_is_taken_from_their_assertions(
    whole: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    """Here those of another rehearsal: whoever reads them needs none of their keys."""
    signed = whole[1] / "played" / "first" / "signed"
    plans = [part for name in ("root-1", "brand-acme-1") for part in ("--plan", signed / f"{name}.json")]
    refused = sealring("rehearse", "--plan", signed / "release-acme-tool-latest-stable-1.json")
    assert (refused[0], "has holders" in refused[2]) == (2, True)
    code, out, err = sealring("rehearse", *plans, "--json")
    assert code == 0, err
    assert [len(one["holders"]) for one in json.loads(out)["parties"]] == [3, 3, 3, 3]
    assert not list(tmp_path.iterdir())


def wrong(step: Step) -> Situation:
    return Situation("wrong", "A step that ends otherwise", "nothing", (), (Section("one", (step,)),))


@pytest.mark.parametrize(
    ("step", "found"),
    [
        pytest.param(Typed(("sealring", "show", At("pass"))), "exit 20 [ST-1]", id="a refusal where none may be"),
        pytest.param(Typed(("sealring", "--version"), Ending(21, "TH-1")), "done", id="no refusal where one must be"),
    ],
)
def test_a_step_that_ends_otherwise_ends_the_rehearsal(tmp_path: Path, step: Step, found: str) -> None:
    """A recovery that does not work must be found out here, and said with the step."""
    (tmp_path / "pass").write_text("no assertion")
    with pytest.raises(StepFailed) as told:
        Stage(tmp_path, NOW).play(wrong(step))
    assert (told.value.number, told.value.ending, told.value.exit_code) == (1, found, 1)
    assert step.line in str(told.value)


@pytest.mark.timeout(300)
def test_a_device_that_takes_what_it_must_refuse_is_told(whole: tuple[dict[str, Any], Path]) -> None:
    """The same for what devices do: the file that is in force is taken, whatever the plan says of it."""
    folder = whole[1] / "played"
    begun = Begun("a device", At("first/signed/root-1.json"), "acme/box")
    shown = Shown("a device", (At("first/signed/brand-acme-1.json"),), "TH-1")
    stage = Stage(folder, NOW)
    with pytest.raises(StepFailed) as told:
        stage.play(Situation("x", "x", "x", (), (Section("x", (begun, shown)),)))
    assert told.value.ending == "takes all of it"


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    """Throw-away keys must never lie among real ones, nor a real folder be removed at the end."""
    (tmp_path / "real.key").write_text("precious")
    code, _, err = sealring("rehearse", tmp_path)
    assert (code, "is not empty" in err) == (12, True)
    assert (tmp_path / "real.key").read_text() == "precious"


def test_a_plan_that_nobody_could_follow_makes_nothing(tmp_path: Path) -> None:
    """SPEC TH-3."""
    code, _, err = sealring("rehearse", tmp_path / "new", "--root-keys", "2", "--root-threshold", "3")
    assert (code, "3 of 2 classical" in err) == (2, True)
    assert not (tmp_path / "new").exists()
