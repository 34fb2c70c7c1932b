"""What a holder reads is all that is signed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from sealring.command.meaning import describe, difference, duration
from sealring.statement import Common
from tests.samples import EVERY_TYPE


def _others(value: Any) -> Iterator[Any]:
    """The value with one thing in it changed, once for every thing in it."""
    match value:
        case bool():
            yield not value
        case int():
            yield value + 1
        case str():
            yield value + "z"
        case bytes():
            yield value[:-1] + bytes([value[-1] ^ 1])
        case datetime():
            yield value + timedelta(seconds=1)
        case dict():
            yield from ({**value, key: text + "z"} for key, text in value.items())
        case list():
            yield from _other_lists(value)
        case msgspec.Struct():
            for name in value.__struct_fields__:
                for other in _others(getattr(value, name)):
                    yield msgspec.structs.replace(value, **{name: other})


def _other_lists(value: list[Any]) -> Iterator[list[Any]]:
    for at, one in enumerate(value):
        yield value[:at] + value[at + 1 :]
        yield from ([*value[:at], other, *value[at + 1 :]] for other in _others(one))


@pytest.mark.parametrize("statement", EVERY_TYPE.values(), ids=EVERY_TYPE)
def test_every_member_is_said(statement: Common) -> None:
    """The attack: a draft that differs in a member which the review leaves out gets signed unseen."""
    said = describe(statement)
    assert len({what for what, _ in said}) == len(said), "two rows of one name would hide a difference"
    changed = 0
    for other in _others(statement):
        changed += 1
        assert describe(other) != said, other
        assert [row for row in difference(statement, other) if row[1] != row[2]], other
    assert changed > 5


@pytest.mark.parametrize("statement", EVERY_TYPE.values(), ids=EVERY_TYPE)
def test_a_review_is_plain_text(statement: Common) -> None:
    """No member can carry a terminal's control characters into a review."""
    assert all(text.isascii() and text.isprintable() for row in describe(statement) for text in row)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 seconds"), (1, "1 second"), (90, "90 seconds"), (86_400, "1 day"), (7200, "2 hours")]
)
def test_lengths_of_time_are_exact(seconds: int, words: str) -> None:
    assert duration(seconds) == words
