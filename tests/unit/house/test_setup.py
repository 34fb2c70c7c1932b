"""The set-up takes nothing that it was not told to take, ends in time, and says what to do."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests import run
from tests.run import UV_WHEELS, SetupError, download, get_uv, open_url, unpack_uv

Answer = Callable[[BaseHTTPRequestHandler], None]
Serve = Callable[[Answer], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve(answer)` is the address of a server on this machine whose every GET is `answer`'s to give."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the test's output is its own."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def body(handler: BaseHTTPRequestHandler, data: bytes, *, promised: int | None = None) -> None:
    """A 200 with these bytes; `promised` is the length that the header claims."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(data) if promised is None else promised))
    handler.end_headers()
    handler.wfile.write(data)


def test_a_registry_that_serves_other_bytes_is_refused_and_nothing_is_unpacked(serve: Serve, tmp_path: Path) -> None:
    """The attack: a mirror, or whoever stands before it, puts a program of its own into the wheel."""

    def evil(handler: BaseHTTPRequestHandler) -> None:
        if handler.path.endswith("/simple/uv/"):
            links = "".join(f'<a href="../../files/{name}#sha256=00">{name}</a>' for name, _ in UV_WHEELS.values())
            return body(handler, links.encode())
        return body(handler, b"PK not the wheel")

    with pytest.raises(SetupError, match="not the pinned"):
        get_uv(tmp_path, {"PIP_INDEX_URL": serve(evil) + "/simple"})
    assert list(tmp_path.rglob("*")) == []


def test_a_wheel_is_unpacked_only_under_its_digest(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="refused"):
        unpack_uv(b"anything", "0" * 64, tmp_path / "uv-x" / "uv")
    assert list(tmp_path.rglob("*")) == []


def test_half_an_answer_is_no_answer(serve: Serve) -> None:
    """A cut connection: http.client gives back what came, so the length is compared here."""
    url = serve(lambda handler: body(handler, b"half", promised=9))
    with pytest.raises(SetupError, match=r"4 of 9 bytes|IncompleteRead"):
        download(url, seconds=5, attempts=1)


@pytest.mark.timeout(30)  # the drip lasts longer than three deadlines, and the test ends by them
def test_a_slow_drip_ends_in_time(serve: Serve) -> None:
    """A server that sends a byte now and then would hold the set-up for ever without the deadline."""

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(1200):
                handler.wfile.write(b".")
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return  # the other side has had enough, as it should

    with pytest.raises(SetupError, match="too slow"):
        download(serve(drip), seconds=0.5, attempts=3)


def test_a_passing_fault_is_tried_again_and_a_lasting_one_is_not(serve: Serve) -> None:
    """503 once, then the bytes; 404 is asked once only."""
    asked: list[str] = []

    def moody(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        if handler.path == "/gone":
            return handler.send_error(404)
        return handler.send_error(503) if len(asked) == 1 else body(handler, b"good")

    url = serve(moody)
    assert download(url + "/here", seconds=20, attempts=2) == b"good"
    with pytest.raises(SetupError, match="404"):
        download(url + "/gone", seconds=20, attempts=2)
    assert asked == ["/here", "/here", "/gone"]


def test_a_password_in_the_index_reaches_the_index_and_no_log(serve: Serve) -> None:
    seen: list[str | None] = []

    def note(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers["Authorization"])
        handler.send_error(403)

    url = serve(note).replace("//", "//me:s3cret@")
    with pytest.raises(SetupError) as refused:
        download(url, seconds=5)
    assert seen == ["Basic bWU6czNjcmV0"]
    assert "s3cret" not in str(refused.value)


def test_an_address_that_is_none_is_said_plainly() -> None:
    with pytest.raises(ValueError, match="unknown url type"):
        open_url("simple/uv/", 1.0)
    with pytest.raises(SetupError, match="could not download"):
        download("simple/uv/")


def test_missing_packages_are_named_with_the_command_that_installs_them(tmp_path: Path) -> None:
    """A machine without apt-get on its path stands for every one on which the set-up may install nothing."""
    done = subprocess.run(
        [sys.executable, run.__file__, "tests"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "apt-get update && apt-get install -y --no-install-recommends squashfs-tools" in done.stderr
    assert "strace" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_word_gives_the_usage() -> None:
    done = subprocess.run([sys.executable, run.__file__, "tset"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "demo|tests|setup" in done.stderr
