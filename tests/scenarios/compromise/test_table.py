"""Each promise of the table is played, and nothing is played that it does not promise (SPEC section 16)."""

from importlib import import_module
from pathlib import Path

from tests.scenarios.compromise.table import NO_WAY, PLAYED, Cell, claims_of, table


def claims() -> list[tuple[str, Cell, str]]:
    """Every claim of the tests in this folder."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("test_*.py"))
    return [claim for name in names for claim in claims_of(import_module(f"tests.scenarios.compromise.{name}"))]


def test_the_table_is_whole() -> None:
    """Every cell has a word that the text under the table explains."""
    found = table()
    assert len({holder for holder, _ in found}) * len({column for _, column in found}) == len(found) > 100
    assert {word for word in found.values() if word not in (*PLAYED, NO_WAY, "C", "D", "E")} == set()


def test_every_promise_is_played() -> None:
    """A cell without a test is a mere promise."""
    played = {where for _, where, _ in claims()}
    assert [where for where, word in table().items() if word in PLAYED and where not in played] == []


def test_nothing_else_is_claimed_and_every_test_expects_the_word_of_its_cell() -> None:
    """A table that is changed without its test, or a test without its table, says something else than is so."""
    wrong = [(test, where, says) for test, where, says in claims() if table().get(where) != says]
    assert wrong == []


def test_every_test_of_this_folder_claims_a_cell() -> None:
    """What plays no cell belongs elsewhere."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = import_module(f"tests.scenarios.compromise.{path.stem}")
        tests = {name for name, one in vars(module).items() if name.startswith("test_") and callable(one)}
        assert path.stem == "test_table" or tests <= {name for name, _, _ in claims_of(module)}
