"""Proofs and answers from a store of many packages, in SQLite and in PostgreSQL, beside granian's plainest answer.

One worker, asked on kept-alive connections by a few threads of this process; the peer is asked the same way in the same
run, so what the asking costs is in both. The kinds of database take turns.
"""

import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

from benchmarks.big_store import INSTALLED, BigStore
from benchmarks.figure import Figure
from sealring_server.catalogue import last_entry
from sealring_server.clock import system_clock
from sealring_server.here import open_store
from tests.hostile import Line
from tests.rigs.postgres import postgres_server
from tests.scenarios.devices import MODEL
from tests.stores import REPOSITORY, make_folder, now
from tests.world import World

PACKAGES = int(os.environ.get("READS_PACKAGES", "10000"))
ASKED = int(os.environ.get("READS_REQUESTS", "1500"))
THREADS, TURNS = 4, 3
KINDS = ("SQLite", "PostgreSQL")

_PLAIN = """
import sys
from granian.constants import Interfaces
from granian.server.mp import MPServer

def app(environ, start):
    start("200 OK", [("Content-Length", "5")])
    return [b"hello"]

MPServer("plain", address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.WSGI, workers=1,
         blocking_threads=16, log_enabled=False).serve(target_loader=lambda _: app)
"""


def run() -> Iterator[Figure]:
    """The figures of `reads`."""
    world = World(at=now())
    with tempfile.TemporaryDirectory() as name, postgres_server(durable=True) as server, _plain() as plain:
        urls = dict(zip(KINDS, ("", server.database()), strict=True))
        paths: dict[str, dict[str, list[str]]] = {}
        with _served(world, Path(name) / "SQLite", "") as one, _served(world, Path(name) / "pg", urls[KINDS[1]]) as two:
            stores = dict(zip(KINDS, (one, two), strict=True))
            for kind, (url, big) in stores.items():
                paths[kind] = _paths(big)
                for asked in paths[kind].values():
                    _ask(url, asked[: ASKED // 10])
            for what in ("proof", "answer, asked before", "answer, new"):
                yield from _figures(what, {kind: (stores[kind][0], paths[kind][what]) for kind in KINDS}, plain)


def _figures(what: str, asked: dict[str, tuple[str, list[str]]], plain: str) -> Iterator[Figure]:
    rates: dict[str, list[float]] = {kind: [] for kind in (*KINDS, "peer")}
    seconds: dict[str, list[float]] = {kind: [] for kind in (*KINDS, "peer")}
    for turn in range(TURNS):
        for kind, (url, paths) in (*asked.items(), ("peer", (plain, ["/"] * ASKED))):
            begin = time.perf_counter()
            part = len(paths) // TURNS
            took = _ask(url, paths[turn * part : (turn + 1) * part])
            rates[kind].append(len(took) / (time.perf_counter() - begin))
            seconds[kind] += took
    for kind in KINDS:
        peer = median(rates["peer"])
        ratio = median(ours / limit for ours, limit in zip(rates[kind], rates["peer"], strict=True))
        yield Figure("reads", f"{what}, {kind}", PACKAGES, median(rates[kind]), "/s", peer, ratio)
        for part in (50, 99):
            mine, other = (quantiles(seconds[name], n=100)[part - 1] * 1e3 for name in (kind, "peer"))
            yield Figure("reads", f"{what}, {kind}: p{part}", PACKAGES, mine, "ms", other, mine / other)
    ratio = median(two / one for one, two in zip(*(rates[kind] for kind in KINDS), strict=True))
    yield Figure("reads", f"{what}: PostgreSQL beside SQLite", PACKAGES, ratio, "times", 1.0, ratio)


def _paths(big: BigStore) -> dict[str, list[str]]:
    """What is asked: proofs of any leaf; the first sync of a device; and questions that nobody asked before."""
    here = open_store(big.store.folder, system_clock)
    with here.database.reading() as connection:
        entry = last_entry(connection)
    here.database.close()
    chance = random.Random(1)
    proofs = [f"/v1/proofs/{entry.map.hex()}/{chance.choice(big.keys).hex()}" for _ in range(ASKED)]
    # Each names other versions of what it has, so none is in the cache of answers.
    new = [f"/v1/answers/{MODEL}?root=1&tuf=1.{1 + n}.{1 + n}.{1 + n}" for n in range(ASKED)]
    return {"proof": proofs, "answer, asked before": [f"/v1/answers/{MODEL}"] * ASKED, "answer, new": new}


def _ask(url: str, paths: list[str]) -> list[float]:
    """Ask for all of these, by a few threads; the seconds of each."""
    parts = [paths[number::THREADS] for number in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        return [one for some in pool.map(lambda part: _one_line(url, part), parts) for one in some]


def _one_line(url: str, paths: list[str]) -> list[float]:
    parts = urlsplit(url)
    found = []
    with closing(HTTPConnection(str(parts.hostname), parts.port, timeout=60)) as line:
        for path in paths:
            begin = time.perf_counter()
            line.request("GET", path)
            answer = line.getresponse()
            answer.read()
            assert answer.status == 200, (path, answer.status)
            found.append(time.perf_counter() - begin)
    return found


@contextmanager
def _served(world: World, folder: Path, database: str) -> Iterator[tuple[str, BigStore]]:
    """A store of so many packages whose bounds for strangers are no bounds for this benchmark."""
    store = make_folder(world, folder, database=database)
    settings = folder / "store.toml"
    said = settings.read_text() if settings.exists() else ""
    said = said if "\n[strangers]\n" in said else f"{said}\n[strangers]\n"
    settings.write_text(said.replace("\n[strangers]\n", "\n[strangers]\nrequests = 100000.0\nburst = 100000\n"))
    store.start()
    try:
        big = BigStore(PACKAGES, world, store, _NoLine(store.url), random.Random(PACKAGES), [1] * INSTALLED, [])
        for some in range(0, INSTALLED, 10):
            big.publish(big.seed() if some == 0 else [], list(range(some, some + 10)))
        big.fill((PACKAGES - INSTALLED) * 2, 100)
        yield store.url, big
    finally:
        store.stop()
        store.kill()


class _NoLine(Line):
    """Devices would ask the store itself."""

    def __init__(self, url: str) -> None:
        self.url = url


@contextmanager
def _plain() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-c", _PLAIN, str(port)], cwd=REPOSITORY, stdin=subprocess.DEVNULL
    ) as server:
        try:
            _wait(lambda: socket.create_connection(("127.0.0.1", port), 1).close())
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait(attempt: Callable[[], object]) -> None:
    for _ in range(600):
        try:
            attempt()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError
