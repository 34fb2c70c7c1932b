"""A check that finds nothing new: requests, bytes, what is written, and CPU beside python-tuf's own refresh.

A real store serves, a real device is provisioned from it and up to date; each check is the command as a process of its
own. A relay between them counts what goes over the line.
"""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.figure import Figure
from tests.hostile import Reply, between, over_http
from tests.scenarios.devices import Rig, image_of, new_device
from tests.stores import RunningStore, first_software, now, running_store
from tests.world import World

ROUNDS = 15
MAX_BODY = 400  # bytes; SPEC DV-8

_PYTHON_TUF = """
import sys
from tuf.ngclient import Updater
url, folder, root = sys.argv[1:]
Updater(folder, url + "/tuf/", bootstrap=open(root, "rb").read()).refresh()
"""


def run() -> Iterator[Figure]:
    """The figures of `poll`."""
    world = World(at=now())
    with tempfile.TemporaryDirectory() as name, running_store(world, Path(name) / "store") as store:
        with between(over_http(store.url)) as line, new_device() as device:
            bodies: list[int] = []
            line.change = lambda _, reply: _counted(bodies, reply)
            software = first_software(world, store, image_of("hello"), url=line.url)
            store.publish([world.root, *software], images=[image_of("hello")])
            device.provision(world.root, software[:3])
            assert device.refresh().outcome == "installed"
            yield from _figures(device, store, Path(name), line.asked, bodies)


def _figures(device: Rig, store: RunningStore, folder: Path, asked: list[str], bodies: list[int]) -> Iterator[Figure]:
    command = [str(Path(sys.executable).parent / "sealring-device"), "check", "--state", str(device.folder)]
    peer = _python_tuf(store, folder)
    for one in (command, peer):
        _cpu(one)  # once for the page cache
    before, written = device.everything(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock
    asked.clear()
    bodies.clear()
    _cpu(command)
    blocks = resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock - written
    yield Figure("poll", "requests of a check with nothing new", 1, len(asked), "requests", 1, len(asked) / 1, "1")
    yield Figure("poll", "body of the answer", 1, sum(bodies), "B", MAX_BODY, sum(bodies) / MAX_BODY, "<= 400 B")
    changed = sum(len(data) for path, (at, data) in device.everything().items() if before[path] != (at, data))
    yield Figure("poll", "bytes written", 1, changed + blocks * 512, "B", aim="0")
    pairs = [(_cpu(command), _cpu(peer)) for _ in range(ROUNDS)]
    ours, theirs = median(a for a, _ in pairs), median(b for _, b in pairs)
    ratio = median(a / b for a, b in pairs)
    yield Figure("poll", "CPU beside python-tuf's refresh", ROUNDS, ours * 1e3, "ms", theirs * 1e3, ratio, "< 1")


def _python_tuf(store: RunningStore, folder: Path) -> Sequence[str]:
    """python-tuf's client with the metadata of this store on its disk, in a process of its own."""
    metadata, root = folder / "python-tuf", folder / "1.root.json"
    metadata.mkdir()
    root.write_bytes(store.get("/tuf/1.root.json").body)
    return [sys.executable, "-c", _PYTHON_TUF, store.url, str(metadata), str(root)]


def _counted(bodies: list[int], reply: Reply) -> Reply:
    bodies.append(len(reply.body))
    return reply


def _cpu(command: Sequence[str]) -> float:
    """Seconds of CPU of one run of a command, all its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
