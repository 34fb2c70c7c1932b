"""What a fuzzer is, and what must hold for every input of every one of them."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from sealring.errors import SealringError, TrustError

Judge = Callable[[bytes], bool]
"""Reads one input. True: accepted, and it was the one spelling of what was read. False: there was nothing to read.
A refusal is raised."""
Mutate = Callable[[bytes, int], bytes]
"""A changed input, from the input and a seed; the same for the same two."""

RULES = frozenset(re.findall(r"\*\*\[([A-Z]{2}-\d+)\]\*\*", (Path(__file__).parents[2] / "SPEC.md").read_text()))
LARGEST = 16 * 1024  # bytes of an input, where a harness says nothing else
CODES = {10, 11, 12, *range(20, 28)}  # SPEC section 15, of what bytes alone can bring about


@dataclass(frozen=True)
class Harness:
    """One parser under test.

    Args:
        open: makes the judge; the folder is empty and the judge's own, for parsers that read files.
        seeds: inputs to begin with, good and bad ones.
        mutate: a way to change an input that knows its form; None for JSON and plain bytes, which all know.
        mend: makes a checksum right that chance would never meet.
        refusals: what the parser may raise.
        largest: bytes of an input.
    """

    open: Callable[[Path], Judge]
    seeds: Callable[[], Iterable[bytes]]
    mutate: Mutate | None = None
    mend: Callable[[bytes], bytes] | None = None
    refusals: type[SealringError] = TrustError
    largest: int = LARGEST


def pure(judge: Judge) -> Callable[[Path], Judge]:
    """The `open` of a judge that needs no folder."""
    return lambda _: judge


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty folder for a judge, in memory where the machine has such a place: some judges write for each input."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="sealring-fuzz-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


def run_one(harness: Harness, judge: Judge, data: bytes) -> SealringError | bool:
    """Whether one input was accepted, or the refusal; what is raised, an AssertionError among it, is a bug."""
    try:
        return judge(data)
    except harness.refusals as refusal:
        check_refusal(refusal)
        return refusal


def check_refusal(refusal: SealringError) -> None:
    """A refusal names a rule, has an exit code, and can be shown on any terminal, whatever the bytes were."""
    words = f"{refusal}{refusal.hint()}"
    assert words.isprintable(), ascii(words)
    assert len(words) < 2000, f"{len(words)} characters"
    assert refusal.exit_code in CODES, refusal.exit_code
    if isinstance(refusal, TrustError):
        assert words.isascii(), ascii(words)
        assert refusal.rule in RULES, refusal.rule


def check_plain_json(raw: bytes) -> Any:
    """What these bytes spell for another reader of JSON, which must write the very same bytes (SPEC ST-1, EN-2)."""
    assert raw.isascii()
    assert b"\\" not in raw
    found = json.loads(raw, object_pairs_hook=_distinct, parse_float=_no_number, parse_constant=_no_number)
    assert json.dumps(found, separators=(",", ":")).encode() == raw
    return found


def _distinct(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    assert len(found) == len(members), "a member stands twice"
    return found


def _no_number(text: str) -> NoReturn:
    raise AssertionError(f"the number {text}")
