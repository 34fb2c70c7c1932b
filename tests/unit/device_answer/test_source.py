"""A bundle read as files by path: what is in it, what is nowhere, and what is asked for elsewhere (SPEC AN-3, BN-3)."""

from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring.bundle import StatementEntry, TufEntry, in_order, read_bundle, write_bundle
from sealring.errors import TrustError
from sealring_client.decide.answer.shelf import Shelf
from sealring_client.decide.answer.source import AnswerSource
from sealring_client.fetch.errors import NotThere, TooMuch
from sealring_client.fetch.fetcher import Answer
from tests.world import World, sign

WORLD = World()
BRANDS = [WORLD.signed(WORLD.brand(sequence=n)) for n in (1, 2)]
DELEGATIONS = [WORLD.signed(WORLD.delegation(sequence=n)) for n in (2, 1)]
RAW = write_bundle(
    in_order(
        [
            *(StatementEntry(one.raw) for one in (*BRANDS, *DELEGATIONS)),
            TufEntry("3.root.json", b"root"),
            TufEntry("targets/ab.catalogue.json", b"entry"),
        ]
    ),
    parts=True,
)


@dataclass
class Behind:
    """Has everything, and notes what it was asked for."""

    asked: list[str] = field(default_factory=list)

    def fetch(self, path: str, *, limit: int) -> bytes:
        self.asked.append(path)
        return b"behind"[:limit]

    def fetch_if_changed(self, path: str, *, etag: str | None, limit: int) -> Answer:
        self.asked.append(path)
        return Answer(None if etag else b"behind"[:limit], etag)


def source(behind: Behind | None = None, **more: Answer | bytes | int | None) -> AnswerSource:
    return AnswerSource.read("acme/main", RAW, Shelf(), behind=behind, **more)  # type: ignore[arg-type]


def test_each_part_lies_at_its_path() -> None:
    """AN-3: the newest of a subject is its head; every version has its own place."""
    found = source()
    assert found.fetch("v1/heads/brand/1/acme", limit=9999) == BRANDS[1].raw
    assert found.fetch("v1/brands/acme/1", limit=9999) == BRANDS[0].raw
    assert found.fetch(f"v1/statements/{BRANDS[0].digest}", limit=9999) == BRANDS[0].raw
    assert found.fetch("tuf/3.root.json", limit=4) == b"root"
    (shown,) = read_bundle(found.fetch("v1/authorities/acme", limit=9999))
    assert shown == StatementEntry(DELEGATIONS[0].raw)
    with pytest.raises(TooMuch):
        found.fetch("tuf/3.root.json", limit=3)


@pytest.mark.parametrize(
    "path",
    ["v1/roots/2", "v1/brands/acme/3", "v1/heads/model/1/acme/door-1", "v1/authorities/root", "tuf/4.root.json"],
)
def test_what_may_change_and_is_not_in_it_is_nowhere(path: str) -> None:
    """AN-3: no store is asked for it; the next root of a TUF repository is such a thing too."""
    behind = Behind()
    with pytest.raises(NotThere):
        source(behind, tuf_root=2).fetch(path, limit=9999)
    assert behind.asked == []


@pytest.mark.parametrize(
    "path",
    ["v1/statements/" + "00" * 32, "v1/views/" + "00" * 32, "v1/log/3/1", "tuf/2.root.json", "tuf/9.snapshot.json"],
)
def test_what_is_named_by_content_or_version_comes_from_behind(path: str) -> None:
    """AN-3: and behind a stick there is nothing."""
    behind = Behind()
    assert source(behind, tuf_root=2).fetch(path, limit=9999) == b"behind"
    assert behind.asked == [path]
    with pytest.raises(NotThere):
        source(tuf_root=2).fetch(path, limit=9999)


def test_where_a_timestamp_comes_from() -> None:
    """AN-3, DV-8: the poll's; else the store is asked whether the held one is the newest; of a stick the held one."""
    path, behind = "tuf/timestamp.json", Behind()
    polled = Answer(b"polled", '"p"')
    assert source(behind, stamp=polled).fetch_if_changed(path, etag=None, limit=99) == polled
    assert behind.asked == []
    held = source(behind, held=b"held").fetch_if_changed(path, etag=None, limit=99)
    assert held.body == b"held"
    assert source(behind).fetch_if_changed(path, etag=None, limit=99).body == b"behind"
    assert behind.asked == [path] * 2
    assert source(held=b"held").fetch_if_changed(path, etag=None, limit=99) == Answer(b"held", None)
    with pytest.raises(NotThere):
        source().fetch_if_changed(path, etag=None, limit=99)


def test_a_forged_head_hides_nothing_from_the_record() -> None:
    """AN-3: what was put before the genuine one is known to have been shown in its place."""
    forged = sign(WORLD.brand(sequence=99), *WORLD.delegate_keys())
    raw = write_bundle([StatementEntry(one.raw) for one in (forged, *BRANDS)])
    found = AnswerSource.read("acme/main", raw, Shelf())
    assert found.fetch("v1/heads/brand/1/acme", limit=9999) == forged.raw
    assert found.shown == {forged.digest}


@given(st.binary(max_size=200), st.integers(0, len(RAW)), st.integers(0, len(RAW)))
def test_nothing_else_escapes(junk: bytes, start: int, end: int) -> None:
    """BN-3: whatever the bytes, a bundle or its refusal."""
    for raw in (junk, RAW[:start] + junk + RAW[end:]):
        with suppress(TrustError):
            AnswerSource.read("acme/main", raw, Shelf())
