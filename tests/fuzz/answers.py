"""The judge of a store's HTTP answers: status line, headers, chunks and bodies (SPEC HF-1 to HF-4)."""

import re
import socket
from random import Random

from sealring_client.fetch.bounded_socket import BoundedSocket
from sealring_client.fetch.fetcher import Fetcher, Limits

LIMIT = 4096  # bytes of a fetched body
OFFSET, SIZE = 10, 64  # of a download that goes on
_LIMITS = Limits(read_seconds=2, total_seconds=4)
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,128}"')


def answer(data: bytes) -> bool:
    """HF-3: an input is the kind of request and all that the store sends; a part is never taken for the whole."""
    here, there = socket.socketpair()
    fetcher = Fetcher("http://127.0.0.1:1/store", limits=_LIMITS)  # what is asked again finds nobody at port 1
    with here, there:
        fetcher._line.sock = BoundedSocket(here, fetcher._line.bounds)
        there.sendall(data[1:])
        there.shutdown(socket.SHUT_WR)
        try:
            return _ask(fetcher, data[0] % 3 if data else 0, data[1:])
        finally:
            fetcher.close()


def _ask(fetcher: Fetcher, kind: int, sent: bytes) -> bool:
    if kind == 0:
        _check_body(fetcher.fetch("tuf/timestamp.json", limit=LIMIT), sent)
    elif kind == 1:
        found = fetcher.fetch_if_changed("tuf/timestamp.json", etag='"a"', limit=LIMIT)
        assert found.etag is None or _ETAG.fullmatch(found.etag)
        if found.body is not None:
            _check_body(found.body, sent)
        else:
            assert b"304" in sent
    else:
        stream = fetcher.stream("v1/blobs/0", offset=OFFSET, size=SIZE)
        assert stream.start in (0, OFFSET)
        body = b"".join(bytes(piece) for piece in stream)
        assert len(body) == SIZE - stream.start
        _check_body(body, sent)
    return True


def _check_body(body: bytes, sent: bytes) -> None:
    """The body is within its limit and stands in what was sent; its length was told by one number or by chunks."""
    assert len(body) <= LIMIT
    if re.search(rb"(?i)transfer-encoding", sent):
        return
    assert body in sent
    assert str(len(body)).encode() in sent


def answers() -> list[bytes]:
    """Answers that a store gives, and some that none should."""
    body = bytes(range(64))
    ok = b'HTTP/1.1 200 OK\r\nContent-Length: 64\r\nETag: "a"\r\n\r\n' + body
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n" + body[:32] + b"\r\n20;a=b\r\n" + body[32:]
    part = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 10-63/64\r\nContent-Length: 54\r\n\r\n" + body[10:]
    wholes = [
        ok,
        chunks + b"\r\n0\r\nA: b\r\n\r\n",
        part,
        part.replace(b"/64", b"/*"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + ok,
        b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n',
        b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n",
        ok.replace(b"64", b"064"),
        ok.replace(b"\r\nETag", b"\r\nContent-Length: 64\r\nETag"),
        ok.replace(b"\r\nETag", b"\r\nContent-Encoding: gzip\r\nETag"),
        ok.replace(b"HTTP/1.1", b"HTTP/1.0"),
        ok.replace(b"\r\n", b"\n"),
    ]
    return [bytes((kind,)) + whole for kind in range(3) for whole in wholes]


def change_answer(data: bytes, seed: int) -> bytes:
    """The answer with a line of its head changed, moved, repeated or added."""
    rng = Random(seed)
    head, mark, body = data[1:].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    at = rng.randrange(len(lines))
    kind = rng.randrange(5)
    if kind == 0:
        lines.insert(at, rng.choice(_LINES))
    elif kind == 1:
        lines.insert(at, lines[rng.randrange(len(lines))])
    elif kind == 2:
        del lines[at]
    elif kind == 3:
        name, colon, value = lines[at].partition(b":")
        lines[at] = name + colon + rng.choice((*_VALUES, value * 2))
    else:
        body = rng.choice((body[:-1], body + b"x", body * 2, *_BODIES, b"5\r\n" + body))
    start = data[:1] if rng.random() < 0.9 else bytes((rng.randrange(3),))
    return start + b"\r\n".join(lines) + mark + body


_VALUES = (b"", b" 0", b" 64", b" 54", b" -1", b" 9" * 30, b"\x00", b" \xff")
_BODIES = (b"0\r\n\r\n", b"ffffffffff\r\n", b"-1\r\n")
_LINES = (
    b"Content-Length: 64",
    b"Content-Length: 54",
    b"Content-Length: +64",
    b"Content-Length: 6_4",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: gzip, chunked",
    b"Content-Range: bytes 10-63/64",
    b"Content-Range: bytes 0-63/64",
    b"Content-Encoding: identity",
    b"ETag: \xff",
    b"Retry-After: 99999999999999999999",
    b"Connection: close",
    b"HTTP/1.1 100 Continue",
    b" folded",
    b"A: " + b"a" * 4000,
    b"A: b\n" * 120,
    b"no colon",
)
