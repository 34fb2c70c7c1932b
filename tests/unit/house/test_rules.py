"""SPEC.md's rules and the code's citations are one set, seen from both ends."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
RULE = re.compile(r"\*\*\[([A-Z]{2}-\d+)\]\*\*")
# Two letters, a hyphen, a number. Names of three letters and more before the hyphen don't match: their last two
# letters stand at no word boundary.
CITATION = re.compile(r"\b[A-Z]{2}-\d+\b")
CODE = ("trust/sealring", "client/sealring_client", "server/sealring_server")


def rules() -> list[str]:
    """The ids of SPEC.md's rules, in its order; the test fails where there is no SPEC.md or no rule in it."""
    spec = ROOT / "SPEC.md"
    if not spec.exists():
        pytest.fail("there is no SPEC.md: the rules that the code cites are written nowhere", pytrace=False)
    found = RULE.findall(spec.read_text(encoding="utf-8"))
    assert found, "SPEC.md has no rule of the form **[XX-n]**"
    return found


def citations(folders: tuple[str, ...], suffixes: tuple[str, ...]) -> dict[str, set[str]]:
    """Each cited id, and the files that cite it."""
    cited: dict[str, set[str]] = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                for rule in CITATION.findall(path.read_text(encoding="utf-8", errors="replace")):
                    cited.setdefault(rule, set()).add(str(path.relative_to(ROOT)))
    return cited


def test_every_rule_has_an_id_of_its_own() -> None:
    """Two rules under one id would let one of them go untested."""
    found = rules()
    assert sorted({rule for rule in found if found.count(rule) > 1}) == []


def test_every_rule_is_cited_in_the_code() -> None:
    """A rule that no line of code names is a promise that nothing keeps."""
    cited = citations(CODE, (".py",))
    assert [rule for rule in rules() if rule not in cited] == []


def test_every_rule_is_cited_in_a_test() -> None:
    """A rule that no test or vector names may break unseen."""
    cited = citations(("tests",), (".py", ".vec", ".txt"))
    assert [rule for rule in rules() if rule not in cited] == []


def test_every_citation_is_a_rule() -> None:
    """A citation of no rule sends the reader, and a person with an error message, to nothing."""
    known = set(rules())
    cited = citations((*CODE, "tests"), (".py", ".vec", ".txt"))
    assert {rule: sorted(files) for rule, files in cited.items() if rule not in known} == {}
