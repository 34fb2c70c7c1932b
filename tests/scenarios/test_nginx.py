"""deploy/nginx.conf before a real store, in Debian's nginx (SPEC HT-1, HT-2, HT-5, PB-11, RD-2)."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.front import Asked, Told, front
from tests.rigs.nginx import Nginx, nginx
from tests.stores import Answer, RunningStore, ask, begin, first_software, now, running_store
from tests.world import World

IMAGE = bytes(range(256)) * 2048
DIGEST = sha256(IMAGE).hexdigest()
PATIENCE = 30.0  # seconds
NEVER_SAID = "/v1/statements/" + "0" * 64


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """A store with an image that is released."""
    world = World(at=now())
    with running_store(world, tmp_path_factory.mktemp("behind") / "shop") as made:
        made.publish(first_software(world, made, IMAGE), [IMAGE])
        yield made


@pytest.fixture(scope="module")
def proxy(store: RunningStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """An nginx before it."""
    with nginx(tmp_path_factory.mktemp("before") / "nginx", store.port) as made:
        yield made


def _cached(answer: Answer) -> str:
    return answer.headers.get("x-cache", "")


def _newest(found: Nginx) -> str:
    """The address of the newest TUF snapshot."""
    signed = json.loads(found.ask("/tuf/timestamp.json").body)["signed"]
    return f"/tuf/{signed['meta']['snapshot.json']['version']}.snapshot.json"


def test_what_never_changes_is_asked_for_once(proxy: Nginx) -> None:
    """HT-1: a CDN takes the whole load of a release."""
    path = _newest(proxy)
    first, second = proxy.ask(path), proxy.ask(path)
    assert (_cached(first), _cached(second)) == ("MISS", "HIT")
    assert first.body == second.body
    assert second.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_a_refusal_is_never_kept(proxy: Nginx) -> None:
    """HT-3: what is not there yet may be published in the next second."""
    for _ in range(3):
        answer = proxy.ask(NEVER_SAID)
        assert (answer.status, answer.problem()["status"]) == (404, 404)
        assert _cached(answer) == "MISS"
    assert proxy.ask("/nowhere").problem()["status"] == 404


def test_the_timestamp_is_asked_again_and_costs_no_body(proxy: Nginx) -> None:
    """HT-2: within a second from the cache, then revalidated by its ETag; a device's own ETag is answered by 304."""
    answer = proxy.ask("/tuf/timestamp.json")
    seen = set()
    deadline = time.monotonic() + PATIENCE
    while "REVALIDATED" not in seen and time.monotonic() < deadline:
        again = proxy.ask("/tuf/timestamp.json", If_None_Match=answer.headers["etag"])
        assert (again.status, again.body) == (304, b"")
        seen.add(_cached(again))
        time.sleep(0.3)
    assert "REVALIDATED" in seen


def test_ranges_of_an_image_come_from_the_cache(proxy: Nginx) -> None:
    """HT-5, HF-4: devices resume, and the store sends an image once."""
    path = f"/v1/blobs/{DIGEST}"
    part = proxy.ask(path, Range="bytes=1000-1999")
    assert (part.status, part.body) == (206, IMAGE[1000:2000])
    assert proxy.ask(path).body == IMAGE
    for start in (0, 100_000, len(IMAGE) - 7):
        again = proxy.ask(path, Range=f"bytes={start}-")
        assert (again.status, again.body, _cached(again)) == (206, IMAGE[start:], "HIT")
        assert again.headers["content-range"] == f"bytes {start}-{len(IMAGE) - 1}/{len(IMAGE)}"
    assert proxy.ask(path, Range=f"bytes={len(IMAGE)}-").status == 416


def test_an_upload_streams_through_and_what_came_is_kept(tmp_path: Path) -> None:
    """PB-11: the proxy holds back nothing, so that what came before the line broke is at the store."""
    world = World(at=now())
    with running_store(world, tmp_path / "shop") as made, nginx(tmp_path / "nginx", made.port) as proxy:
        opened = begin(made.url, first_software(world, made, IMAGE))
        path = f"/v1/publications/{opened.token}/blobs/{DIGEST}"
        half = len(IMAGE) // 2
        tus = {"Tus_Resumable": "1.0.0", "Content_Type": "application/offset+octet-stream"}
        with proxy.line() as line:
            head = f"PATCH {path} HTTP/1.1\r\nHost: store.example\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
            head += f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(IMAGE)}\r\n\r\n"
            line.sendall(head.encode() + IMAGE[:half])
            there, deadline = 0, time.monotonic() + PATIENCE
            while there < half - 65536 and time.monotonic() < deadline:
                there = int(ask(made.url, path, "HEAD", None, **tus).headers["upload-offset"])
                time.sleep(0.05)
        assert there >= half - 65536
        deadline = time.monotonic() + PATIENCE
        rest = proxy.ask(path, "PATCH", IMAGE[there:], Upload_Offset=str(there), **tus)
        while rest.status in (409, 423) and time.monotonic() < deadline:  # until the store knows that the line is gone
            there = int(ask(made.url, path, "HEAD", None, **tus).headers["upload-offset"])
            rest = proxy.ask(path, "PATCH", IMAGE[there:], Upload_Offset=str(there), **tus)
        assert rest.status == 204
        assert proxy.ask(f"/v1/publications/{opened.token}/commit", "POST").status == 200
        path = _newest(proxy)
        proxy.ask(path)
        proxy.ask(f"/v1/blobs/{DIGEST}")
        shown = proxy.ask("/tuf/timestamp.json")
        made.kill()
        _with_the_store_dead(proxy, path, shown)


def _with_the_store_dead(proxy: Nginx, path: str, shown: Answer) -> None:
    """Devices go on installing what was released; a publisher is told at once."""
    stale, deadline = shown, time.monotonic() + PATIENCE
    while _cached(stale) != "STALE" and time.monotonic() < deadline:  # until it is older than it may be in the cache
        stale = proxy.ask("/tuf/timestamp.json")
        time.sleep(0.2)
    assert (stale.status, stale.body, _cached(stale)) == (200, shown.body, "STALE")
    assert _cached(proxy.ask(path)) == "HIT"
    assert proxy.ask(f"/v1/blobs/{DIGEST}", Range="bytes=5-9").body == IMAGE[5:10]
    assert proxy.ask("/v1/reports", "POST", b"").status == 502
    assert proxy.ask(NEVER_SAID).status == 502


def test_what_a_closed_store_answers_is_kept_for_nobody(tmp_path: Path) -> None:
    """RD-2: `private` is said, and heeded: the next asker gets his own answer. The asked name goes through."""
    asked: list[Asked] = []

    def origin(request: Asked) -> Told:
        asked.append(request)
        allowed = "Signature" in request.headers
        kept = [("Cache-Control", "private, max-age=31536000, immutable")]
        return Told(200, b"for this device", kept) if allowed else Told(401, b"{}", [("Cache-Control", "no-store")])

    with front(origin) as url, nginx(tmp_path / "nginx", int(url.rpartition(":")[2])) as proxy:
        for _ in range(2):
            assert proxy.ask(f"/v1/blobs/{DIGEST}", Signature="a=:b:").body == b"for this device"
            assert proxy.ask(f"/v1/blobs/{DIGEST}").status == 401
    assert len(asked) == 4
    assert {request.headers["Host"] for request in asked} == {"store.example"}
    assert {request.headers["X-Forwarded-For"] for request in asked} == {"127.0.0.1"}


def test_slow_clients_and_many_are_bounded(store: RunningStore, tmp_path: Path) -> None:
    """HT-4, PB-13: half a header is cut off, and one address has its part. The times here are a second each."""
    shorter = (
        ("client_header_timeout 15s", "client_header_timeout 1s"),
        ("client_body_timeout 20s", "client_body_timeout 1s"),
    )
    few = (("rate=200r/s", "rate=1r/s"), ("burst=4000", "burst=20"))
    with nginx(tmp_path / "nginx", store.port, *shorter, *few) as proxy:
        with proxy.line() as head, proxy.line() as body:
            head.sendall(b"GET /tuf/timestamp.json HTTP/1.1\r\nHost: x\r\nX: ")
            body.sendall(b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nseal")
            for line in (head, body):
                assert not line.recv(1) or line.recv(11).startswith(b"TTP/1.1 4")
        with proxy.line() as line:
            line.sendall(b"GET /v1/health/live HTTP/1.1\r\nHost: x\r\n\r\n" * 40)
            found = b""
            with contextlib.suppress(ConnectionError, TimeoutError):
                line.settimeout(2)
                while piece := line.recv(65536):
                    found += piece
    assert found.count(b"HTTP/1.1 204") >= 15
    assert b"HTTP/1.1 429" in found


def test_only_clients_with_a_certificate_get_in(store: RunningStore, tmp_path: Path) -> None:
    """Client TLS ends at the proxy: without a certificate 400, with one of another maker too; with one 200."""
    with nginx(tmp_path / "nginx", store.port, ("# client TLS: ", "")) as proxy:
        assert proxy.ask("/tuf/timestamp.json").status == 400
        assert proxy.ask("/tuf/timestamp.json", by="door-1").status == 200
        with nginx(tmp_path / "other", store.port) as other:
            context = proxy.context()
            context.load_cert_chain(*other.maker.issue("door-2"))
            plain = socket.create_connection(("127.0.0.1", proxy.port), PATIENCE)
            with context.wrap_socket(plain, server_hostname="store.example") as line:
                line.sendall(b"GET /tuf/timestamp.json HTTP/1.1\r\nHost: x\r\n\r\n")
                assert line.recv(12) == b"HTTP/1.1 400"
