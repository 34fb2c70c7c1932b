"""Every session and the walk-through do what they say, with the installed commands."""

from pathlib import Path

import pytest

from tests.sessions.runner import console_blocks, matches, parse_session, run_session

pytestmark = pytest.mark.timeout(600)
HERE = Path(__file__).resolve().parent
WALK_THROUGH = HERE.parents[1] / "keys_example" / "README.md"


@pytest.mark.parametrize("name", sorted(path.stem for path in HERE.glob("*.txt")))
def test_session(name: str, tmp_path: Path) -> None:
    """The words that a person reads, and the exit codes that a script sees."""
    steps = parse_session((HERE / f"{name}.txt").read_text(encoding="utf-8"))
    assert steps
    run_session(steps, tmp_path)


def test_the_walk_through_can_be_followed_as_it_is_written(tmp_path: Path) -> None:
    """A security team follows it by hand: a command that fails there costs them more than a test."""
    steps = parse_session(console_blocks(WALK_THROUGH.read_text(encoding="utf-8")))
    assert len(steps) > 30
    run_session(steps, tmp_path)


@pytest.mark.parametrize(
    ("expected", "found", "same"),
    [
        pytest.param(["a ... c"], ["a b c"], True, id="any text in a line"),
        pytest.param(["a", "...", "d"], ["a", "b", "c", "d"], True, id="any lines"),
        pytest.param(["a"], ["a", "b"], False, id="a line too many"),
        pytest.param(["a", "b"], ["a"], False, id="a line too few"),
        pytest.param(["at 2026-01-01T00:00:00Z"], ["at 2027-01-01T00:00:00Z"], True, id="another day"),
        pytest.param(["id " + "a" * 64], ["id " + "b" * 64], True, id="another digest"),
        pytest.param(["2 of 3"], ["3 of 3"], False, id="another number"),
    ],
)
def test_a_session_notices_what_differs(expected: list[str], found: list[str], same: bool) -> None:
    """A runner that lets everything pass would make every session true."""
    assert matches(expected, found) == same
