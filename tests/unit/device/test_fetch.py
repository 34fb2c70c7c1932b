"""What a store can do to a device that asks it: waste a bounded time, and nothing else."""

import socket
import time
from collections.abc import Iterable, Iterator

import pytest

from sealring.errors import Unreachable
from sealring_client.fetch.errors import NoAnswer, NotThere, PartOnly, Redirected, TooMuch, TooSlow, WrongRange
from sealring_client.fetch.fetcher import Answer, Fetcher, Limits
from tests.unit.device.hostile import Behaviour, Step, answer, hostile

QUICK = Limits(read_seconds=0.5, total_seconds=0.8, lowest_rate=1_000_000)
IMAGE = bytes(range(256)) * 4000  # four pieces


def always(*steps: Step) -> Behaviour:
    return lambda _head: steps


def endless(*steps: Step) -> Behaviour:
    def behaviour(_head: str) -> Iterator[Step]:
        yield from steps[:1]
        while True:
            yield from steps[1:]

    return behaviour


def drip(first: bytes, rest: bytes) -> Behaviour:
    def behaviour(_head: str) -> Iterator[Step]:
        yield first
        for number in range(len(rest)):
            yield rest[number : number + 1]
            yield 0.05

    return behaviour


def test_a_whole_file_comes_and_the_connection_is_kept() -> None:
    with hostile(always(answer(b"hello"))) as store:
        fetcher = Fetcher(store.url + "/brand/", agent="sealring-device/1")
        assert [fetcher.fetch("a/b.json", limit=5) for _ in range(3)] == [b"hello"] * 3
        fetcher.close()
    assert [len(heads) for heads in store.heads] == [3]
    names = [line.partition(":")[0].lower() for line in store.heads[0][0].split("\r\n")[1:-2]]
    assert store.heads[0][0].startswith("GET /brand/a/b.json HTTP/1.1\r\n")
    # Nothing in the headers tells one device from another.
    assert sorted(names) == ["accept", "accept-encoding", "host", "user-agent"]


HEAD_ONLY = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD_ONLY + b"Transfer-Encoding: chunked\r\n\r\n"
REDIRECTS = (301, 302, 303, 307, 308)
HUGE = b"Transfer-Encoding: chunked\r\n\r\naaaaaaaaaaaaaaaa\r\n"
"""A chunk of 2^63 bytes and more."""

REFUSALS: list[tuple[str, Behaviour, type[Unreachable]]] = [
    ("short body", always(answer(b"half", length=8), None), PartOnly),
    ("short body, then silence", always(answer(b"half", length=8), 5.0), NoAnswer),
    ("drip in the body", drip(answer(b"", length=60), b"x" * 60), TooSlow),
    ("drip in the headers", drip(HEAD_ONLY + b"X: ", b"y" * 100), TooSlow),
    ("drip in the status line", drip(b"", b"HTTP/1.1 200 " + b"y" * 100), TooSlow),
    ("silence", always(5.0), NoAnswer),
    ("hung up", always(None), NoAnswer),
    ("longer than the limit", always(answer(b"x" * 65)), TooMuch),
    ("names an endless length", always(answer(b"x", length=10**14)), TooMuch),
    ("endless chunks", endless(CHUNKED, b"1\r\nx\r\n" * 9999), TooMuch),
    (
        "a trailer without end",
        endless(CHUNKED + b"0\r\n", b"x: y\r\n" * 9999),
        TooMuch,
    ),
    ("headers without end", endless(HEAD_ONLY, b"x: y\r\n" * 9999), NoAnswer),
    ("one header without end", endless(HEAD_ONLY + b"x: ", b"y" * 60_000), NoAnswer),
    ("100-continue without end", endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 999), TooMuch),
    ("chunks that end early", always(CHUNKED + b"9\r\nabc", None), PartOnly),
    (
        "chunk size that is no number",
        always(CHUNKED + b"zz\r\nabc", None),
        PartOnly,
    ),
    ("no length, ended by hanging up", always(HEAD_ONLY + b"\r\nall of it?", None), PartOnly),
    ("two lengths", always(HEAD_ONLY + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), NoAnswer),
    ("length with a sign", always(HEAD_ONLY + b"Content-Length: +1\r\n\r\na"), NoAnswer),
    ("negative length", always(HEAD_ONLY + b"Content-Length: -1\r\n\r\na"), NoAnswer),
    ("length and chunks", always(answer(b"0\r\n\r\n", Transfer_Encoding="chunked")), NoAnswer),
    ("packed", always(answer(b"x", Content_Encoding="gzip")), NoAnswer),
    ("no HTTP", always(b"220 mail ready\r\n", None), NoAnswer),
    ("not asked for 206", always(answer(b"x", status="206 Partial Content")), NoAnswer),
    ("not asked for 304", always(b"HTTP/1.1 304 Not Modified\r\n\r\n"), NoAnswer),
    ("no body, in endless chunks", always(b"HTTP/1.1 204 None\r\n" + HUGE), NoAnswer),
    ("not asked for 304 in endless chunks", always(b"HTTP/1.1 304 Not Modified\r\n" + HUGE), NoAnswer),
    ("500", always(answer(b"sorry", status="500 Oops")), NoAnswer),
    ("404", always(answer(b"no", status="404 Not Found")), NotThere),
    ("410", always(answer(b"no", status="410 Gone")), NotThere),
    *[
        (f"redirect {n}", always(answer(status=f"{n} Go", Location="/b")), Redirected)
        for n in (301, 302, 303, 307, 308)
    ],
]


@pytest.mark.timeout(30)  # none of these answers ends by itself
@pytest.mark.parametrize(("behaviour", "refusal"), [pytest.param(*case[1:], id=case[0]) for case in REFUSALS])
def test_a_hostile_answer_is_one_typed_error_in_bounded_time(behaviour: Behaviour, refusal: type[Unreachable]) -> None:
    """SPEC HF-1, HF-2, HF-3: endless, slow, short and redirected answers; never a part, never a hang."""
    with hostile(behaviour) as store:
        fetcher = Fetcher(store.url, limits=QUICK)
        with pytest.raises(Unreachable) as caught:
            fetcher.fetch("a", limit=64)
        fetcher.close()
    assert type(caught.value) is refusal
    assert caught.value.exit_code == (11 if refusal is NotThere else 10)
    assert store.url in str(caught.value)
    assert caught.value.hint()


def test_redirect_is_not_followed() -> None:
    """SPEC HF-2: the store is asked once, and nobody else."""
    with hostile(always(answer(status="302 Found", Location="/elsewhere"))) as store:
        fetcher = Fetcher(store.url)
        with pytest.raises(Redirected):
            fetcher.fetch("a", limit=64)
        fetcher.close()
    assert store.heads[0][0].startswith("GET /a ")
    assert [len(heads) for heads in store.heads] == [1]


@pytest.mark.parametrize(
    ("sent", "kept"), [("120", 120), ("999999999", 86400), ("-5", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)]
)
def test_retry_after_is_kept_in_seconds_and_bounded(sent: str, kept: int | None) -> None:
    with hostile(always(answer(status="503 Busy", Retry_After=sent))) as store:
        fetcher = Fetcher(store.url)
        with pytest.raises(NoAnswer) as caught:
            fetcher.fetch("a", limit=64)
        fetcher.close()
    assert caught.value.retry_after_seconds == kept


def test_a_store_that_is_not_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(NoAnswer):
        Fetcher(url).fetch("a", limit=64)


@pytest.mark.parametrize("url", ["ftp://a", "http://", "http://u@a", "http://a:99999", "https://a/?q", "http://a b"])
def test_an_address_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(NoAnswer):
        Fetcher(url)


@pytest.mark.parametrize("path", ["", "/a", "../a", "a/../b", "a/./b", "a b", "a\r\nX: y", "a#b", "é"])
def test_a_path_that_no_store_has_is_never_sent(path: str) -> None:
    """A name from a store's metadata must not split the request or climb out of the store's folder."""
    with hostile(always(answer(b"x"))) as store:
        with pytest.raises(NoAnswer):
            Fetcher(store.url).fetch(path, limit=64)
    assert store.heads == []


def test_a_connection_that_went_stale_is_opened_anew_once() -> None:
    with hostile(always(answer(b"x"), None)) as store:
        fetcher = Fetcher(store.url)
        assert fetcher.fetch("a", limit=1) == b"x"
        time.sleep(0.05)
        assert fetcher.fetch("a", limit=1) == b"x"
        fetcher.close()
    assert len(store.heads) == 2


def test_after_a_refusal_the_same_fetcher_goes_on() -> None:
    """What is left of a bad answer must not be read as the beginning of the next one."""

    def behaviour(head: str) -> Iterable[Step]:
        return [answer(b"x" * 100 + b"HTTP/1.1 200 OK\r\n")] if "GET /bad" in head else [answer(b"good")]

    with hostile(behaviour) as store:
        fetcher = Fetcher(store.url)
        with pytest.raises(TooMuch):
            fetcher.fetch("bad", limit=10)
        assert fetcher.fetch("a", limit=10) == b"good"
        fetcher.close()


def test_an_unchanged_file_that_announces_chunks_costs_no_memory() -> None:
    """SPEC HF-1: a status without a body, and a chunk larger than any memory; the line is given up."""

    def behaviour(head: str) -> Iterable[Step]:
        if 'If-None-Match: "v1"' in head:
            return [b"HTTP/1.1 304 Not Modified\r\n" + HUGE]
        return [answer(b"body", ETag='"v1"')]

    with hostile(behaviour) as store:
        fetcher = Fetcher(store.url, limits=QUICK)
        assert fetcher.fetch_if_changed("t", etag='"v1"', limit=64) == Answer(None, '"v1"')
        assert fetcher.fetch("t", limit=64) == b"body"
        fetcher.close()


def test_unchanged_file_costs_no_body() -> None:
    def behaviour(head: str) -> Iterable[Step]:
        if 'If-None-Match: "v1"' in head:
            return [b'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n\r\n']
        return [answer(b"body", ETag='"v1"')]

    with hostile(behaviour) as store:
        fetcher = Fetcher(store.url)
        first = fetcher.fetch_if_changed("t", etag=None, limit=64)
        again = fetcher.fetch_if_changed("t", etag=first.etag, limit=64)
        fetcher.close()
    assert first == Answer(b"body", '"v1"')
    assert again == Answer(None, '"v1"')
    assert len(store.heads) == 1


def ranged(head: str) -> Iterable[Step]:
    """A store that does as it should."""
    for line in head.split("\r\n"):
        if line.startswith("Range: bytes="):
            start = int(line.removeprefix("Range: bytes=").split("-")[0])
            where = f"bytes {start}-{len(IMAGE) - 1}/{len(IMAGE)}"
            return [answer(IMAGE[start:], status="206 Partial Content", Content_Range=where)]
    return [answer(IMAGE)]


@pytest.mark.parametrize("offset", [0, 1, 700_000, len(IMAGE) - 1, len(IMAGE)])
def test_resumed_stream_gives_exactly_the_rest(offset: int) -> None:
    with hostile(ranged) as store:
        fetcher = Fetcher(store.url)
        stream = fetcher.stream("i", offset=offset, size=len(IMAGE))
        assert stream.start == offset
        assert b"".join(bytes(piece) for piece in stream) == IMAGE[offset:]
        assert fetcher.stream("i", offset=0, size=len(IMAGE)).start == 0
        fetcher.close()
    assert len(store.heads) == 1  # the connection is kept after a whole stream


def test_a_store_without_ranges_begins_again_and_says_so() -> None:
    """SPEC HF-4: a 200 to a range request is the file from byte 0, never its rest."""
    with hostile(always(answer(IMAGE))) as store:
        fetcher = Fetcher(store.url)
        stream = fetcher.stream("i", offset=1000, size=len(IMAGE))
        assert stream.start == 0
        assert b"".join(bytes(piece) for piece in stream) == IMAGE
        fetcher.close()


def part(where: str, body: bytes = IMAGE[1000:]) -> Behaviour:
    return always(answer(body, status="206 Partial Content", Content_Range=where))


SIZE = len(IMAGE)
STREAM_REFUSALS: list[tuple[str, Behaviour, type[Unreachable]]] = [
    ("206 at another place", part(f"bytes 999-{SIZE - 1}/{SIZE}"), WrongRange),
    ("206 of less", part(f"bytes 1000-{SIZE - 2}/{SIZE}"), WrongRange),
    ("206 of another file", part(f"bytes 1000-{SIZE - 1}/{SIZE + 1}"), WrongRange),
    ("206 without a place", always(answer(IMAGE[1000:], status="206 Partial Content")), WrongRange),
    ("206 with another length", part(f"bytes 1000-{SIZE - 1}/{SIZE}", IMAGE), PartOnly),
    ("200 with another length", always(answer(IMAGE + b"x")), PartOnly),
    ("416", always(answer(status="416 Range Not Satisfiable")), NoAnswer),
    ("404", always(answer(status="404 Not Found")), NotThere),
    ("ends early", always(answer(IMAGE[:5000], length=SIZE), None), PartOnly),
    ("chunks end early", always(CHUNKED + b"9\r\n123456789\r\n0\r\n\r\n"), PartOnly),
    ("more chunks", always(CHUNKED + b"%x\r\n%b\r\n1\r\nx\r\n0\r\n\r\n" % (SIZE, IMAGE)), TooMuch),
    ("drip", drip(answer(IMAGE[:5000], length=SIZE), b"x" * 100), TooSlow),
]


def take(fetcher: Fetcher, came: list[int]) -> None:
    for piece in fetcher.stream("i", offset=1000, size=SIZE):
        came.append(len(piece))


@pytest.mark.parametrize(("behaviour", "refusal"), [pytest.param(*case[1:], id=case[0]) for case in STREAM_REFUSALS])
def test_a_hostile_stream_is_one_typed_error(behaviour: Behaviour, refusal: type[Unreachable]) -> None:
    """SPEC HF-1, HF-3, HF-4: what came so far is never more than asked for, and never passes as the whole."""
    came: list[int] = []
    with hostile(behaviour) as store:
        fetcher = Fetcher(store.url, limits=QUICK)
        with pytest.raises(Unreachable) as caught:
            take(fetcher, came)
        fetcher.close()
    assert type(caught.value) is refusal
    assert sum(came) <= SIZE


def test_a_slow_line_passes_where_a_drip_does_not() -> None:
    """SPEC HF-1: each byte of a stream buys time at the lowest rate, so a large image is not cut."""

    def slow(_head: str) -> Iterator[Step]:
        yield answer(b"", length=20_000)
        for _ in range(20):
            yield b"x" * 1000
            yield 0.05

    with hostile(slow) as store:
        fetcher = Fetcher(store.url, limits=Limits(read_seconds=0.5, total_seconds=0.5, lowest_rate=10_000))
        assert sum(len(piece) for piece in fetcher.stream("i", offset=0, size=20_000)) == 20_000
        with pytest.raises(TooSlow):
            fetcher.fetch("i", limit=20_000)
        fetcher.close()


def test_a_stream_that_is_given_up_leaves_a_fetcher_that_works() -> None:
    with hostile(ranged) as store:
        fetcher = Fetcher(store.url)
        pieces = iter(fetcher.stream("i", offset=0, size=SIZE))
        next(pieces)
        del pieces
        assert fetcher.fetch("i", limit=SIZE) == IMAGE
        fetcher.close()
