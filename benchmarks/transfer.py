"""500 MB to a store and back by the product's own code, beside the plain limit of the same server.

The limit is granian with an app that writes a body's bytes to a file and syncs it, or gives those of a file, and a
client of the standard library that sends a file, or writes and syncs what comes: no hash, no signature, no database.
Ours and the limit's are measured in turns. A bucket's bytes go over one line more, whose other end is not counted as
CPU, and is in the wall time.
"""

import http.client
import io
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median

from msgspec import structs

from benchmarks.download import download
from benchmarks.figure import Figure
from sealring.bundle import StatementEntry, write_bundle
from sealring.command.main import run as sealring
from sealring.command.outside import Outside
from sealring_server.settings import Images
from tests.rigs.s3 import s3_server
from tests.stores import REPOSITORY, RunningStore, now, running_store
from tests.world import World

MB = 1_000_000
SIZE = int(os.environ.get("TRANSFER_MB", "500")) * MB
TURNS = 3
PIECE = 1024 * 1024
AIM = "<= 1.3"

_PLAIN = """
import os, sys
from granian.constants import Interfaces
from granian.server.mp import MPServer

SIZE, PIECE = int(sys.argv[2]), 1024 * 1024

def app(environ, start):
    if environ["REQUEST_METHOD"] == "PUT":
        left = int(environ["CONTENT_LENGTH"])
        with open(sys.argv[3], "wb", buffering=0) as file:
            while left and (piece := environ["wsgi.input"].read(min(65536, left))):
                file.write(piece)
                left -= len(piece)
            os.fsync(file.fileno())
        start("204 No Content", [])
        return []
    start("200 OK", [("Content-Length", str(SIZE))])
    return pieces()

def pieces():
    with open(sys.argv[3], "rb", buffering=0) as file:
        while piece := file.read(PIECE):
            yield piece

MPServer("plain", address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.WSGI, workers=1,
         blocking_threads=4, log_enabled=False).serve(target_loader=lambda _: app)
"""


@dataclass(frozen=True)
class Took:
    """One turn: seconds of wall time, and of CPU of the client and the server together."""

    wall: float
    cpu: float


def run() -> Iterator[Figure]:
    """The figures of `transfer`."""
    with tempfile.TemporaryDirectory() as name, _plain(Path(name) / "plain") as (port, plain):
        folder = Path(name)
        for kind in ("folder", "bucket"):
            (folder / kind).mkdir()
            with _store(kind, folder / kind) as store:
                yield from _figures(kind, store, folder / kind, port, plain)


def _figures(kind: str, store: RunningStore, folder: Path, port: int, plain: int) -> Iterator[Figure]:
    assert store.process is not None
    server = store.process.pid
    up, down = [], []
    for turn in range(TURNS):
        digest = _write(folder / "image", turn)
        work = _publication(store, folder, digest, turn)
        up.append((_timed(work, server), _timed(lambda: _put(port, folder / "image"), plain)))
        fetched = _timed(lambda digest=digest: download(store.url, digest, SIZE, folder), server)  # type: ignore[misc]
        down.append((fetched, _timed(lambda: _get(port, folder / "limit"), plain)))
    for what, pairs in (("upload", up), ("download", down)):
        size = f"{SIZE // MB} MB {what}, {kind}"
        for unit in ("wall", "cpu"):
            mine = median(getattr(one, unit) for one, _ in pairs)
            peer = median(getattr(one, unit) for _, one in pairs)
            ratio = median(getattr(a, unit) / getattr(b, unit) for a, b in pairs)
            aim = AIM if (unit, kind) == ("wall", "folder") else ""
            yield Figure("transfer", f"{size}: {unit} beside the limit", TURNS, mine, "s", peer, ratio, aim)


def _publication(store: RunningStore, folder: Path, digest: str, turn: int) -> Callable[[], None]:
    """The publisher's command for one revision with this image and its release."""
    world, image = store.world, folder / "image"
    revision = world.revision(turn + 1)
    named = structs.replace(revision, image=structs.replace(revision.image, sha256=digest, size=SIZE))
    signed = [world.signed(named), world.signed(world.release(turn + 1))]
    (folder / "all.bundle").write_bytes(write_bundle([StatementEntry(one.raw) for one in signed]))
    words = ["publish", store.url, str(folder / "all.bundle"), "--image", str(image), "--json"]

    def work() -> None:
        out, err = io.StringIO(), io.StringIO()
        assert sealring(words, Outside(now, out, err, interactive=False, color=False)) == 0, err.getvalue()

    return work


def _write(path: Path, turn: int) -> str:
    """Another image each turn; its digest."""
    part, hasher = os.urandom(PIECE), sha256()
    with path.open("wb") as file:
        for at in range(0, SIZE, PIECE):
            piece = (f"{turn} {at} ".encode() + part)[: min(PIECE, SIZE - at)]
            hasher.update(piece)
            file.write(piece)
    return hasher.hexdigest()


def _timed(work: Callable[[], object], server: int) -> Took:
    before, cpu, begin = _cpu(server), time.process_time(), time.perf_counter()
    work()
    wall = time.perf_counter() - begin
    return Took(wall, time.process_time() - cpu + _cpu(server) - before)


def _cpu(server: int) -> float:
    """Seconds of CPU of a server and its workers so far."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    ticks = 0
    for process in (str(server), *children):
        said = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(said[11]) + int(said[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _put(port: int, source: Path) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, blocksize=PIECE)
    with source.open("rb", buffering=0) as file:
        line.request("PUT", "/", file, {"Content-Length": str(SIZE)})
        assert line.getresponse().status == 204
    line.close()


def _get(port: int, target: Path) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port)
    line.request("GET", "/")
    answer, buffer, there = line.getresponse(), memoryview(bytearray(256 * 1024)), 0
    with target.open("wb", buffering=0) as file:
        while count := answer.readinto(buffer):
            file.write(buffer[:count])
            there += count
        os.fsync(file.fileno())
    assert there == SIZE
    line.close()


@contextmanager
def _store(kind: str, folder: Path) -> Iterator[RunningStore]:
    world = World(at=now())
    with ExitStack() as closing:
        images = Images()
        if kind == "bucket":
            images = closing.enter_context(s3_server(folder / "s3")).settings("transfer")
        store = closing.enter_context(running_store(world, folder / "store", images=images))
        store.publish([world.signed(world.brand())])
        yield store


@contextmanager
def _plain(file: Path) -> Iterator[tuple[int, int]]:
    """The limit's server: its port and process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", _PLAIN, str(port), str(SIZE), str(file)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL) as server:
        try:
            for _ in range(600):
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield port, server.pid
        finally:
            server.terminate()
