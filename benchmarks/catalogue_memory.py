"""What a first check takes of a device's memory at this size, beside python-tuf's client of a repository of 1,000."""

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.big_store import INSTALLED, BigStore
from benchmarks.figure import Figure
from benchmarks.hash_bins import HashBins, name_of
from tests.scenarios.devices import new_device
from tests.stores import signer
from tests.world import DAY, Key

SMALL = 1_000  # packages of the peer's repository

_PYTHON_TUF = """
import sys
from tuf.ngclient import Updater
url, folder, root, *names = sys.argv[1:]
updater = Updater(folder, url, bootstrap=open(root, "rb").read())
updater.refresh()
for name in names:
    assert updater.get_targetinfo(name) is not None
"""
_OURS = """
import sys
from sealring_client.command.main import main
assert main(sys.argv[1:]) == 3
"""
# Not getrusage: its peak survives exec, and so is that of the process that started this one.
_SAY_PEAK = """
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def memory(big: BigStore) -> Iterator[Figure]:
    """Peak memory of a command, whole process, in MiB."""
    with new_device() as device, _small_bins(big) as peer:
        device.provision(big.world.root, big.seed())
        ours = _peak([sys.executable, "-c", _OURS + _SAY_PEAK, "check", "--state", str(device.folder)])
        theirs = _peak(peer)
    yield Figure(
        "catalogue", "peak memory of a first check", big.packages, ours, "MiB", theirs, ours / theirs, "<= 1.1"
    )


@contextmanager
def _small_bins(big: BigStore) -> Iterator[Sequence[str]]:
    """The peer's command; its repository is served from a folder meanwhile."""
    bins = HashBins(SMALL, signer(Key("bins")), big.world.at + 30 * DAY)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in ("timestamp.json", "1.root.json", "1.snapshot.json", "1.targets.json", *_names(bins)):
            (folder / each).write_bytes(bins.file(each))
        (folder / "client").mkdir()
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=name))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        wanted = [name_of(number) for number in range(INSTALLED)]
        yield [
            sys.executable,
            "-c",
            _PYTHON_TUF + _SAY_PEAK,
            url,
            str(folder / "client"),
            str(folder / "1.root.json"),
            *wanted,
        ]
        server.shutdown()


def _names(bins: HashBins) -> list[str]:
    return [f"1.{name}.json" for name in bins.bins]


def _peak(command: Sequence[str]) -> float:
    """MiB that one run of a program held at most."""
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return int(said.splitlines()[-1]) / 1024
