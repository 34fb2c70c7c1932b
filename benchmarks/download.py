"""A download of 300 MB, verified and durable, beside hashing and writing the same bytes alone.

The server is a process of its own that answers by sendfile, so that what is measured is the device. Memory is that of
a device's process of its own, for a tenth of the size and for all of it.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from statistics import median

from benchmarks.figure import Figure
from sealring_client.apply.images import ImageStore
from sealring_client.fetch.fetcher import Fetcher

MB = 1_000_000
SIZE = 300 * MB
PAIRS = 7

_SERVER = """
import os, socket, sys
path, size = sys.argv[1], os.path.getsize(sys.argv[1])
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
file = open(path, "rb")
while True:
    line, _ = listening.accept()
    while request := line.recv(65536):
        line.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % size)
        sent = 0
        while sent < size:
            sent += os.sendfile(line.fileno(), file.fileno(), sent, size - sent)
"""


def run() -> Iterator[Figure]:
    """The figures of `download`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in (SIZE // 10, SIZE):
            (folder / str(size)).write_bytes(os.urandom(size))
        whole, tenth = folder / str(SIZE), folder / str(SIZE // 10)
        digest = sha256(whole.read_bytes()).hexdigest()
        with _serving(whole) as url:
            pairs = [(_download(url, digest, SIZE, folder), _alone(whole, folder)) for _ in range(PAIRS)]
        ours, limit = median(a for a, _ in pairs), median(b for _, b in pairs)
        ratio = median(b / a for a, b in pairs)
        yield Figure("download", "300 MB fetched, verified, durable", PAIRS, ours, "s", limit, ratio, ">= 0.9")
        small, large = _peak_mib(tenth, folder), _peak_mib(whole, folder)
        yield Figure("download", "peak memory, 300 MB beside 30 MB", 1, large, "MiB", small, large / small, "<= 1.05")


def download(url: str, digest: str, size: int, folder: Path) -> None:
    """What a device does with one image: from the store into the image store."""
    images = ImageStore(folder / "images")
    with images.begin(digest, size) as incoming:
        for piece in Fetcher(url).stream(f"v1/blobs/{digest}", offset=0, size=size):
            incoming.write(piece)
        incoming.finish()
    images.remove(digest)


def _download(url: str, digest: str, size: int, folder: Path) -> float:
    begin = time.perf_counter()
    download(url, digest, size, folder)
    return time.perf_counter() - begin


def _alone(source: Path, folder: Path) -> float:
    """Hash and write the same bytes from the page cache, in one process, as plainly as it can be done."""
    begin = time.perf_counter()
    digest, target = sha256(), folder / "alone"
    with source.open("rb", buffering=0) as read, target.open("wb", buffering=0) as write:
        buffer = memoryview(bytearray(256 * 1024))
        while count := read.readinto(buffer):
            digest.update(buffer[:count])
            write.write(buffer[:count])
        os.fsync(write.fileno())
    target.unlink()
    return time.perf_counter() - begin


@contextmanager
def _serving(path: Path) -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", _SERVER, path], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


def _peak_mib(path: Path, folder: Path) -> float:
    """Peak resident memory of a process that downloads this file, MiB."""
    size, digest = path.stat().st_size, sha256(path.read_bytes()).hexdigest()
    with _serving(path) as url:
        words = [sys.executable, "-m", "benchmarks.download", url, digest, str(size), str(folder)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


if __name__ == "__main__":
    download(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    # Not getrusage: its peak survives exec, and so is that of the process that started this one.
    print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line))
