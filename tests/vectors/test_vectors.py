"""Every vector against this implementation, and every vector as its maker writes it."""

from collections import Counter
from pathlib import Path

import pytest

from sealring.errors import TrustError
from tests.vectors.form import HERE, Vector, files, read_vector
from tests.vectors.make import vectors
from tests.vectors.procedures import PROCEDURES
from tests.vectors.taking import Facts


def judge(vector: Vector) -> Facts | TrustError:
    """What was accepted, or the refusal."""
    try:
        return PROCEDURES[vector.headers["check"]](vector)
    except TrustError as refusal:
        return refusal


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(HERE)))
def test_a_vector_is_judged_as_it_says(path: Path) -> None:
    """The very rule that the vector names refuses it, or what is accepted is what the vector states."""
    vector = read_vector(path.read_text())
    found = judge(vector)
    if isinstance(found, TrustError):
        assert found.rule == vector.refused, f"{found} [{found.rule}]"
        assert f"{found}{found.hint()}".isprintable()
        assert f"{found}{found.hint()}".isascii()
        assert 20 <= found.exit_code <= 27
    else:
        assert vector.refused == ""
        stated = {name: value for name, value in vector.headers.items() if name in found}
        assert stated == {name: found[name] for name in stated}


def test_the_files_are_exactly_what_the_maker_writes() -> None:
    """A vector whose bytes changed, by hand or by a change of the product, fails here."""
    made = {path: vector.to_text() for path, vector in vectors().items()}
    assert {str(path.relative_to(HERE)): path.read_text() for path in files()} == made


def test_most_vectors_are_attacks() -> None:
    """A verifier is judged by what it refuses: at least 90 vectors, two thirds of them refusals."""
    counts = Counter(bool(read_vector(path.read_text()).refused) for path in files())
    assert counts.total() >= 90
    assert counts[True] >= 2 * counts[False]
