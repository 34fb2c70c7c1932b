"""A real S3 server for tests: versitygw over a folder, built once into .cache.

with s3_server(folder) as s3:
    settings = s3.settings("bucket-name", "prefix")        # a new bucket; `[images]` of a store
"""

import contextlib
import fcntl
import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sealring_server import settings
from tests.rigs.components import path_of
from tests.run import CACHE

VERSION = "v1.8.0"
MODULE = "github.com/versity/versitygw/cmd/versitygw"
BUILD_SECONDS = 900
START_SECONDS = 30
ACCESS, SECRET = "store-of-a-test", "a-secret-of-a-test"


def versitygw() -> Path:
    """The server's program; the first test that asks builds it (2 CPU minutes), the others wait."""
    folder = CACHE / f"versitygw-{VERSION}"
    program = folder / "bin" / "versitygw"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            env = {**os.environ, "GOBIN": str(folder / "bin"), "GOCACHE": str(CACHE / "go-build"), "GOFLAGS": ""}
            command = [str(path_of("go")), "install", f"{MODULE}@{VERSION}"]
            subprocess.run(command, env=env, check=True, timeout=BUILD_SECONDS, cwd=folder)
    return program


@dataclass
class S3:
    """A running server; each folder below `buckets` is a bucket."""

    port: int
    folder: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Returns once it answers; also after `kill`, with all that it held."""
        command = [versitygw(), "--port", f"127.0.0.1:{self.port}", "--region", "us-east-1", "--quiet", "posix"]
        env = {**os.environ, "ROOT_ACCESS_KEY": ACCESS, "ROOT_SECRET_KEY": SECRET}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*map(str, command), str(self.buckets)], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            _wait(self.port, self.process)
        except RuntimeError:
            self.kill()
            raise

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    @property
    def buckets(self) -> Path:
        """Where its buckets are."""
        return self.folder / "buckets"

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def credentials(self, secret: str = SECRET) -> Path:
        """A file with a key, of which only the right secret opens the server."""
        path = self.folder / ("right.toml" if secret == SECRET else "other.toml")
        path.write_text(f'access_key_id = "{ACCESS}"\nsecret_access_key = "{secret}"\n')
        path.chmod(0o600)
        return path

    def settings(self, bucket: str, prefix: str = "a/store", *, port: int = 0, secret: str = SECRET) -> settings.Images:
        """What `[images]` says for this bucket, which is made where it is new.

        Args:
            port: of a proxy before the server.
        """
        (self.buckets / bucket).mkdir(exist_ok=True)
        endpoint = f"http://127.0.0.1:{port or self.port}"
        return settings.Images(f"s3://{bucket}/{prefix}", endpoint, "us-east-1", f"file:{self.credentials(secret)}")


@contextlib.contextmanager
def s3_server(folder: Path) -> Iterator[S3]:
    """The server over an empty folder, until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "buckets").mkdir(parents=True)
    server = S3(port, folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as asked:
            asked.request("GET", "/")
            asked.getresponse().read()
            return
        time.sleep(0.02)
    raise RuntimeError(f"the S3 server did not start: exit {process.poll()}")
