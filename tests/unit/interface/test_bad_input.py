"""Bytes that no client means, at the socket: a refusal in words, nothing written, no memory kept (SPEC HT-3, HT-4).

What is no HTTP, or HTTP that may be read in two ways, is refused by the parser with a bare 400, 414 or 431.
"""

import gzip
import hashlib
import json
import os
import socket
import sqlite3
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.stores import RunningStore
from tests.unit.interface.program import PATIENCE, exchange, read_all

DIGEST = "ab" * 32
SAMPLES = {
    **dict.fromkeys(("digest", "root", "keys"), DIGEST),
    **dict.fromkeys(("version", "sequence", "format", "size", "index", "first"), "1"),
    "token": "abc",
    "brand": "acme",
    "model": "door-1",
    "name": "acme",
    "kind": "brand",
    "subject": "acme",
}
DESCRIBED = json.loads((Path(__file__).resolve().parents[3] / "docs" / "openapi.json").read_text())["paths"]
END = b"Connection: close\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
BODY = b"3\r\nabc\r\n0\r\n\r\n"
MIB = 1024 * 1024


def _targets() -> list[tuple[str, str]]:
    """Each path of the store, filled in, with each of its methods."""
    return [
        (method.upper(), path.format(**SAMPLES)) for path, methods in sorted(DESCRIBED.items()) for method in methods
    ]


def _request(method: str, path: str, *headers: bytes, host: bytes = b"Host: x\r\n", version: str = "1.1") -> bytes:
    return f"{method} {path} HTTP/{version}\r\n".encode("latin-1") + host + b"".join(headers) + END


def _status(answer: bytes) -> int:
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.") else 0


def _check(answer: bytes, method: str, *statuses: int) -> None:
    """An answer with one of these statuses, and its words where it is a refusal by the store."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = _status(answer)
    assert status in statuses, (method, answer[:400])
    if status >= 400 and method != "HEAD":
        assert b"content-type: application/problem+json" in head, answer[:400]
        found: dict[str, Any] = json.loads(body)
        assert found["status"] == status
        assert found["detail"]
        assert len(body) < 13_000


def _written(folder: Path) -> dict[str, str]:
    """What the store holds: its rows, and the bytes of every other file."""
    with sqlite3.connect(f"file:{folder}/store.db?mode=ro", uri=True) as connection:
        rows = hashlib.sha256()
        for line in connection.iterdump():
            rows.update(line.encode())
    connection.close()
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("store.db")]
    return {"rows": rows.hexdigest()} | {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def _resident(pid: int) -> int:
    """Memory of a process and of all below it, in bytes."""
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(_resident(int(one)) for one in below)


@pytest.fixture(autouse=True)
def _nothing_is_written(served: RunningStore) -> Any:
    """Whatever a test of this file sends, what the store holds stays as it was."""
    before = _written(served.folder)
    yield
    assert _written(served.folder) == before


def _address(served: RunningStore) -> tuple[str, int]:
    return "127.0.0.1", served.port


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param((CHUNKED,), 411, id="a body without a length"),
        pytest.param((CHUNKED, b"Content-Length: 3\r\n"), 411, id="two ways to say the length"),
        pytest.param((b"Transfer-Encoding: gzip, chunked\r\n",), 411, id="packed on the way"),
        pytest.param((b"Host: y\r\n",), 400, id="two hosts"),
    ],
)
def test_what_two_readers_may_read_in_two_ways_is_refused_everywhere(
    served: RunningStore, headers: tuple[bytes, ...], status: int
) -> None:
    """HT-7: a proxy that believes the other header would take a part of one's body for another's request."""
    for method, path in _targets():
        body = BODY if CHUNKED in headers or b"gzip" in headers[0] else b""
        _check(exchange(_address(served), _request(method, path, *headers) + body), method, status)


def test_a_body_where_none_belongs_is_refused_unread(served: RunningStore) -> None:
    """HT-7."""
    for method, path in _targets():
        if method in ("GET", "HEAD", "OPTIONS"):
            sent = _request(method, path, b"Content-Length: 999999999999\r\n") + b"abc"
            _check(exchange(_address(served), sent), method, 413)


@pytest.mark.parametrize("packing", ["gzip", "br, gzip", "x-made-up"])
def test_a_packed_body_is_not_unpacked(served: RunningStore, packing: str) -> None:
    """HT-7: 100 kB on the line are 100 MB in memory."""
    bomb = gzip.compress(bytes(100 * MIB), 9)
    for method, path in _targets():
        if method in ("POST", "PATCH"):
            length = f"Content-Length: {len(bomb)}\r\nContent-Encoding: {packing}\r\n".encode()
            _check(exchange(_address(served), _request(method, path, length) + bomb), method, 415)


@pytest.mark.parametrize(
    "kind", ["application/json", "text/html", "multipart/form-data; boundary=x", "", "/", "a" * 9000]
)
def test_a_body_of_another_type_is_refused(served: RunningStore, kind: str) -> None:
    """HT-7: a form on a web page can't be made to publish anything; without a type, the bytes decide."""
    for path in ("/v1/reports", "/v1/publications"):
        said = f"Content-Type: {kind}\r\nContent-Length: 3\r\n".encode()
        _check(exchange(_address(served), _request("POST", path, said) + b"abc"), "POST", 415 if kind else 400)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "DELETE", "PUT", "FROB", "get", "M-SEARCH", "PROPFIND"])
def test_another_method_is_refused_with_those_that_there_are(served: RunningStore, method: str) -> None:
    """HT-3: TRACE above all gives nothing back of what it was sent."""
    for path in sorted({path for _, path in _targets()}):
        answer = exchange(_address(served), _request(method, path, b"X-Secret: hush\r\nContent-Length: 0\r\n"))
        _check(answer, method, 400 if method == "get" else 405)
        assert b"hush" not in answer
        assert method == "get" or b"\r\nallow: " in answer


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../v1/roots/1", "/v1/%2e%2e/roots/1", "//v1/roots/1", "/v1//roots/1", "/v1/roots/1/", "/v1/roots/1;x=y",
        "/v1/blobs/..%2f..%2fstore.db", "/v1/blobs/%2e%2e%2f%2e%2e%2fstore.db", "/v1/statements/..%c0%af..%c0%afkeys",
        "/v1/heads/brand/1/%00", "/v1/heads/brand/1/..", "/v1/heads/%2e%2e/1/x", "/v1/halts/%ff%fe%00",
        "/tuf/..%2fstore.toml", "/tuf/targets/%e0%80%ae", "/v1/roots/01x", "/v1/roots/" + "9" * 400,
        "/v1/log/" + "9" * 4000 + "/1", "/v1/entries/-1", "/v1/brands/acme/" + "0" * 9000, "/%", "/v1/halts/%zz",
        "/v1/halts/" + "a" * 60_000, "/v1/proofs/" + DIGEST + "/" + ",".join([DIGEST] * 900),
        "/v1/views/" + "%41" * 9000,
    ],
)  # fmt: skip
def test_tricks_in_paths_find_nothing(served: RunningStore, path: str) -> None:
    """HT-1: one thing has one address; what is no address of a thing is 404, whatever a decoder makes of it."""
    answer = exchange(_address(served), _request("GET", path))
    _check(answer, "GET", 404, 414) if _status(answer) != 414 else None
    assert b"SQLite format" not in answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"GET /v1/roots/1\r\n\r\n", 400, id="HTTP/0.9"),
        pytest.param(b"GET /v1/roots/1 HTTP/3.7\r\nHost: x\r\n\r\n", 400, id="HTTP/3.7"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, id="HTTP/2"),
        pytest.param(_request("GET", "/v1/halts/\xe9"), 400, id="a byte that is no text"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, id="TLS"),
        pytest.param(_request("GET", "/v1/roots/1", host=b""), 400, id="no host"),
        pytest.param(_request("GET", "/v1/roots/1", host=b"Host: a b\r\n"), 400, id="no name of a host"),
        pytest.param(_request("GET", "/v1/roots/1", b"X: a\r\n b\r\n"), 400, id="a header in two lines"),
        pytest.param(_request("GET", "/v1/roots/1", b"X: a\0b\r\n"), 400, id="NUL in a header"),
        pytest.param(_request("GET", "/v1/roots/1", b"Content-Length : 0\r\n"), 400, id="a blank before the colon"),
        pytest.param(_request("POST", "/v1/reports", b"Content-Length: -3\r\n"), 400, id="a negative length"),
        pytest.param(
            _request("POST", "/v1/reports", b"Content-Length: +3\r\n") + b"abc", 400, id="a length with a sign"
        ),
        pytest.param(
            _request("POST", "/v1/reports", b"Content-Length: 3, 4\r\n") + b"abcd", 400, id="a list of lengths"
        ),
        pytest.param(
            _request("POST", "/v1/reports", b"Content-Length: 3\r\nContent-Length: 4\r\n") + b"abcd",
            400,
            id="two lengths",
        ),
        pytest.param(_request("POST", "/v1/reports", b"Transfer-Encoding: xchunked\r\n"), 400, id="another encoding"),
        pytest.param(_request("GET", "/v1/roots/1", b"X: a\r\n" * 100_000), 431, id="100,000 headers"),
        pytest.param(_request("GET", "/v1/roots/1", b"X: " + b"a" * 3_000_000 + b"\r\n"), 431, id="a header of 3 MB"),
        pytest.param(_request("GET", "/v1/halts/" + "a" * 3_000_000), 414, id="an address of 3 MB"),
    ],
)
def test_what_is_no_plain_http_gets_a_bare_refusal_and_the_line_is_closed(
    served: RunningStore, sent: bytes, status: int
) -> None:
    """Nothing of it reaches the store's program; the reader stops reading, so that nothing after it counts either."""
    answer = exchange(_address(served), sent + _request("GET", "/v1/roots/1"))
    assert _status(answer) in (status, 431) if status == 414 else _status(answer) in (status, 0)
    assert answer.count(b"HTTP/1.1 ") <= 1


def test_junk_after_a_request_does_not_become_one(served: RunningStore) -> None:
    """A pipeline ends with the first request in it that is none."""
    good = b"GET /v1/health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = exchange(_address(served), good + b"\0\xff\x13 junk\r\n\r\n" + good)
    assert answer.count(b"HTTP/1.1 204") == 1
    assert answer.count(b"HTTP/1.1 400") <= 1
    both = exchange(_address(served), good + _request("GET", "/v1/health/live"))
    assert both.count(b"HTTP/1.1 204") == 2


def test_too_long_is_refused_before_it_is_read_and_memory_stays(served: RunningStore) -> None:
    """HT-4: 60 requests of 4 MB headers, lengths without end and half bodies leave the workers as they were."""
    assert served.process is not None
    address = _address(served)
    huge = [
        _request("GET", "/v1/roots/1", b"X: " + b"a" * (4 * MIB) + b"\r\n"),
        _request("POST", "/v1/reports", b"Content-Length: 999999999999\r\n") + bytes(4 * MIB),
        _request("POST", "/v1/publications", b"Content-Length: 17000000\r\n") + bytes(4 * MIB),
    ]
    for sent in huge * 3:
        exchange(address, sent)
    before = _resident(served.process.pid)
    for sent in huge * 20:
        assert _status(exchange(address, sent)) in (0, 413, 431)
    assert _resident(served.process.pid) - before < 24 * MIB


def test_slow_askers_are_cut_off_and_hold_up_nobody(served: RunningStore) -> None:
    """HT-7: 150 askers who never end their headers are cut off; bodies that never come take their part, and no more."""
    with ExitStack() as lines:
        slow = [lines.enter_context(socket.create_connection(_address(served), PATIENCE)) for _ in range(150)]
        for number, line in enumerate(slow):
            line.sendall((b"", b"GET /v1/ro", b"GET /v1/roots/1 HTTP/1.1\r\nHost: x\r\nX: ")[number % 3])
        bodies = [lines.enter_context(socket.create_connection(_address(served), PATIENCE)) for _ in range(13)]
        for line in bodies:
            line.sendall(_request("POST", "/v1/publications", b"Content-Length: 100000\r\n") + b"sealring")
        time.sleep(0.2)  # until the workers wait for more
        refused = exchange(_address(served), _request("POST", "/v1/reports", b"Content-Length: 3\r\n") + b"abc")
        _check(refused, "POST", 429)
        assert b"\r\nretry-after: " in refused
        for _ in range(20):
            assert served.get("/tuf/timestamp.json").status == 200
        for line in slow:
            assert _status(read_all(line)) in (0, 400, 408)
