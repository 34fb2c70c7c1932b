"""Every rule of SPEC sections 2 to 9 shows in a vector, or the README says why no file can hold it."""

import re
from pathlib import Path

import pytest

from tests.vectors.form import HERE, files, read_vector

SPEC = (Path(__file__).parents[2] / "SPEC.md").read_text()
PART = SPEC[SPEC.index("\n## 2. ") : SPEC.index("\n## 10. ")]
RULES = re.findall(r"\*\*\[([A-Z]{2}-\d+)\]\*\*", PART)
README = (HERE / "README.md").read_text().partition("## Which file shows which rule")[2]
ROWS = dict(re.findall(r"^\| ([A-Z]{2}-\d+) \| (.+) \|$", README, re.MULTILINE))
EXPECTED = {read_vector(path.read_text()).refused for path in files()}


def test_sections_2_to_9_have_rules() -> None:
    """The headings are where this file looks for them."""
    assert len(RULES) > 70
    assert {"EN-1", "LG-2"} <= set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_shows(rule: str) -> None:
    """A rule that no vector expects has a row that names files which are there, or begins with `no file`."""
    if rule in EXPECTED:
        return
    assert rule in ROWS, f"no vector expects {rule}, and the README does not say where it shows"
    named = re.findall(r"`([a-z0-9-]+/[a-z0-9-]+)`", ROWS[rule])
    assert named or ROWS[rule].startswith("no file: ")
    assert [name for name in named if not (HERE / f"{name}.vec").exists()] == []


def test_no_row_is_left_over() -> None:
    """A row for a rule that is gone, or that a vector expects by its id, says nothing."""
    assert sorted(ROWS) == sorted(set(RULES) - EXPECTED)
