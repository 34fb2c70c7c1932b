"""Packed bodies: only of answers, whole, one member, and never beyond the bound (SPEC AN-4, HF-1)."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring_client.fetch.errors import BadPacking, NoAnswer, TooMuch
from sealring_client.fetch.fetcher import Body, Fetcher
from sealring_client.fetch.packed import BadPackingError, TooLongError, unpack
from tests.hostile import Reply, between

PLAIN = b"sealring bundle 1\n" + bytes(range(256)) * 40


@given(st.binary(max_size=5000))
def test_what_was_packed_comes_back(data: bytes) -> None:
    """AN-4: and the bound is the last length that is taken."""
    packed = gzip.compress(data)
    assert unpack(packed, len(data)) == data
    if data:
        with pytest.raises(TooLongError):
            unpack(packed, len(data) - 1)


@given(st.binary(max_size=300), st.integers(0, 400))
def test_nothing_else_escapes(data: bytes, cut: int) -> None:
    """AN-4: rubbish, and what is cut off anywhere, is refused by its own errors."""
    packed = gzip.compress(PLAIN)
    for raw in (data, packed[:cut] if cut < len(packed) else packed[:-1], packed + (data or b"!"), packed * 2):
        with pytest.raises((BadPackingError, TooLongError)):
            unpack(raw, len(PLAIN) * 3)


def test_a_bomb_is_unpacked_to_the_bound_and_no_further() -> None:
    """AN-4: a thousand to one; what is held is the bound and a byte."""
    bomb = gzip.compress(bytes(64 * 1024 * 1024), 9)
    assert len(bomb) < 70_000
    with pytest.raises(TooLongError):
        unpack(bomb, 1024)


def packed(*names: str, body: bytes = b"") -> Reply:
    return Reply(200, tuple(("Content-Encoding", name) for name in names), body or gzip.compress(PLAIN))


def asked(reply: Reply, *, answer: bool, limit: int = 100_000) -> Body | bytes:
    with between(lambda _path, _headers: reply) as line:
        fetcher = Fetcher(line.url)
        found = fetcher.fetch_answer("v1/x", limit=limit) if answer else fetcher.fetch("v1/x", limit=limit)
        fetcher.close()
        return found


def test_an_answer_may_come_packed_or_not() -> None:
    """AN-4: and its cost is what came over the line."""
    body = packed("gzip").body
    assert asked(packed("gzip"), answer=True) == Body(PLAIN, len(body))
    assert asked(Reply(200, (), PLAIN), answer=True) == Body(PLAIN, len(PLAIN))


@pytest.mark.parametrize(
    ("reply", "refusal"),
    [
        pytest.param(packed("br"), NoAnswer, id="another packing"),
        pytest.param(packed("gzip", "gzip"), NoAnswer, id="packed twice"),
        pytest.param(packed("gzip, gzip"), NoAnswer, id="packed twice in one line"),
        pytest.param(packed("gzip", body=zlib.compress(PLAIN)), BadPacking, id="not gzip"),
        pytest.param(packed("gzip", body=gzip.compress(PLAIN)[:-1]), BadPacking, id="cut off"),
        pytest.param(packed("gzip", body=gzip.compress(PLAIN) * 2), BadPacking, id="two members"),
        pytest.param(packed("gzip", body=gzip.compress(PLAIN) + b"\0"), BadPacking, id="something behind it"),
        pytest.param(packed("gzip", body=gzip.compress(bytes(100_001))), TooMuch, id="too long once unpacked"),
        pytest.param(Reply(200, (), bytes(100_001)), TooMuch, id="too long as it is"),
    ],
)
def test_other_packings_are_refused(reply: Reply, refusal: type[Exception]) -> None:
    """AN-4: each by an error of the fetcher, whatever a store sends."""
    with pytest.raises(refusal):
        asked(reply, answer=True)


def test_nothing_else_is_asked_for_packed_or_taken_so() -> None:
    """AN-4: a TUF file or an image that comes packed is refused, and never asked for so."""
    headers: list[dict[str, str]] = []

    def upstream(_path: str, sent: dict[str, str]) -> Reply:
        headers.append({name.lower(): value for name, value in sent.items()})
        return packed("gzip")

    with between(upstream) as line:
        fetcher = Fetcher(line.url)
        with pytest.raises(NoAnswer):
            fetcher.fetch("v1/x", limit=100_000)
        assert fetcher.fetch_answer("v1/x", limit=100_000).data == PLAIN
        with pytest.raises(NoAnswer):
            fetcher.stream("v1/x", offset=0, size=len(PLAIN))
        fetcher.close()
    assert [one["accept-encoding"] for one in headers] == ["identity", "gzip", "identity"]
