"""docs/ceremonies.md can be followed as it is written: requests, copies, a rotation, a key taken back."""

from pathlib import Path

import pytest

from tests.sessions.runner import console_blocks, parse_session, run_session

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ceremonies.md"


@pytest.mark.timeout(900)
def test_the_page_can_be_followed_as_it_is_written(tmp_path: Path) -> None:
    """A security team follows it by hand, once a year: what fails there fails in front of everybody."""
    steps = parse_session(console_blocks(PAGE.read_text(encoding="utf-8")))
    assert len(steps) > 30
    run_session(steps, tmp_path)
