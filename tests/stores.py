"""Real stores for tests: made from a world, served by granian in a process of its own, published to over HTTP.

    with running_store(World(at=now()), folder) as store:
        store.publish([world.signed(world.brand()), ...], images=[b"..."])

Run as a program it serves one store, with a clock that the test can set: the product's own `serve` otherwise.
"""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sealring.bundle import Entry, StatementEntry, read_bundle, write_bundle
from sealring.envelope import Envelope
from sealring.keyfile import OpenKey
from sealring.keyfile.tuf import TufSigner
from sealring.names import instant, spell
from sealring_server.here import StoreHere
from sealring_server.making import TufPinned, make_store
from sealring_server.serving import Size, serve
from sealring_server.settings import Database, Images, Settings
from tests import elsewhere
from tests.world import Key, World

START_SECONDS = 60
REPOSITORY = Path(__file__).resolve().parent.parent


def now() -> datetime:
    """The machine's time in whole seconds: for a world that is served with the real clock."""
    return datetime.now(UTC).replace(microsecond=0)


def tuf_root_signer(world: World, name: str = "store-tuf-root") -> TufSigner:
    """The offline key of a store's TUF root, from the world's throw-away keys."""
    return signer(world.key(name))


def signer(key: Key) -> TufSigner:
    """python-tuf's signer for a throw-away key."""
    return TufSigner(OpenKey(key.public, bytearray(bytes(key.secret))))


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> dict[str, Any]:
        """The problem document of an error."""
        assert self.headers["content-type"] == "application/problem+json", (self.status, self.body[:300])
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


class Refused(Exception):
    """The store said no; `problem` is its document."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status}: {answer.body[:500].decode('ascii', 'replace')}")
        self.status = answer.status
        self.problem = answer.problem()
        self.rule = self.problem["rule"]


def ask(url: str, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    """One request to a store; `_` in a header's name stands for `-`."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    with contextlib.closing(connection):
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        # A store that refuses a body by its length answers and closes before all of it was sent.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, parts.path + path, body, sent)
        if connection.sock is None:  # gone before it could answer
            raise ConnectionError(f"{url}: closed while a request was sent")
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())


def _good(answer: Answer) -> Answer:
    if answer.status >= 300:
        raise Refused(answer)
    return answer


def publish(
    url: str, statements: Iterable[Envelope | bytes], images: Iterable[bytes] = (), *, terms: str = ""
) -> tuple[Entry, ...]:
    """Publish statements with the images that they name; the entries of the receipt.

    Args:
        terms: the query of the first and the last step, such as `cut=yes`.

    Raises:
        Refused: the store said no, at whichever of the three steps.
    """
    opened = begin(url, statements, terms=terms)
    by_digest = {sha256(image).hexdigest(): image for image in images}
    for missing in opened.missing:
        if missing in by_digest:
            upload(url, opened.token, by_digest[missing])
    return commit(url, opened.token, terms=terms)


@dataclass(frozen=True)
class Opened:
    """An open publication."""

    token: str
    missing: tuple[str, ...]


def begin(url: str, statements: Iterable[Envelope | bytes], *, terms: str = "") -> Opened:
    """The first step of a publication."""
    raws = [s.raw if isinstance(s, Envelope) else s for s in statements]
    body = write_bundle([StatementEntry(raw) for raw in raws])
    found = json.loads(_good(ask(url, f"/v1/publications?{terms}", "POST", body)).body)
    return Opened(found["publication"], tuple(each["sha256"] for each in found["missing"]))


def upload(url: str, token: str, image: bytes) -> None:
    """The second step, for one image."""
    _good(patch(url, token, image))


def patch(
    url: str, token: str, part: bytes, offset: int = 0, digest: str = "", *, method: str = "PATCH", **headers: str
) -> Answer:
    """One request of tus 1.0 about the upload of an image.

    Args:
        part: its bytes from `offset` on.
        digest: of the whole; left out: of the part.
        headers: instead of, or beside those that tus asks for; an empty one is left out.
    """
    said = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
    said |= {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/v1/publications/{token}/blobs/{digest or sha256(part).hexdigest()}"
    body = None if method in ("HEAD", "OPTIONS") else part
    return ask(url, path, method, body, **{name: value for name, value in said.items() if value})


def commit(url: str, token: str, *, terms: str = "") -> tuple[Entry, ...]:
    """The last step; the entries of the receipt."""
    return read_bundle(_good(ask(url, f"/v1/publications/{token}/commit?{terms}", "POST")).body)


def maintain(here: StoreHere) -> None:
    """All that a store does by itself, now; where the server would say and count a failure, it is raised."""
    from sealring_server.jobs import jobs_of  # an earlier edition has none

    for job in jobs_of(here):
        job.run(here)


class RunningStore:
    """A store that is being served; `url` and `pin` are what a `store` assertion needs."""

    def __init__(self, world: World, folder: Path, pin: TufPinned) -> None:
        self.world = world
        self.folder = folder
        self.pin = (pin.version, pin.sha256)
        self.url = ""
        self.operator_url = ""
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def clock_file(self) -> Path:
        """Holds the instant that the store's clock shows; where there is none, it shows the machine's."""
        return self.folder / "clock-of-the-test"

    def set_clock(self, at: datetime) -> None:
        """Stop the store's clock at this instant, from the next request on."""
        draft = self.clock_file.with_suffix(".new")
        draft.write_text(spell(at))
        draft.rename(self.clock_file)

    def start(
        self,
        *,
        port: int = 0,
        workers: int | None = None,
        threads: int = 16,
        edition: Path | None = None,
        operator: bool = False,
    ) -> "RunningStore":
        """Serve the folder and return once it answers.

        Args:
            port: 0 for any; the one from before keeps `url` as it was.
            workers: processes; one unless given, or `sweep_workers` asks for more.
            threads: requests at a time in each of them.
            edition: a folder whose packages serve it, in place of this checkout's.
            operator: whether `operator_url` answers too.
        """
        ready, operator_ready = self.folder / "ready", self.folder / "ready-operator"
        ready.unlink(missing_ok=True)
        operator_ready.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "tests.stores",
            str(self.folder),
            *map(str, (port, workers or elsewhere.workers(), threads)),
        ]
        command += ["operator"] * operator
        env = {**os.environ, "PYTHONPATH": str(edition)} if edition is not None else None
        self.process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, start_new_session=True, env=env
        )
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the store did not start: exit {self.process.poll()}")
            time.sleep(0.02)
        self.url = ready.read_text()
        self.operator_url = operator_ready.read_text() if operator_ready.exists() else ""
        return self

    @property
    def port(self) -> int:
        """The port that it was last served on."""
        return urlsplit(self.url).port or 0

    def stop(self) -> int:
        """End it as an operator would; the exit code."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        return self.process.wait(40)

    def kill(self) -> None:
        """End it and all of its processes as a power cut would."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(40)

    def publish(self, statements: Iterable[Envelope | bytes], images: Iterable[bytes] = ()) -> tuple[Entry, ...]:
        """Publish over HTTP; see `publish`."""
        return publish(self.url, statements, images)

    def get(self, path: str, **headers: str) -> Answer:
        """One GET."""
        return ask(self.url, path, "GET", None, **headers)


def make_folder(world: World, folder: Path, *, database: str = "", images: Images | None = None) -> RunningStore:
    """A store's folder as `sealring-store init` leaves it, not yet served; its clock is the world's.

    Args:
        database: URL of an empty PostgreSQL database; SQLite in the folder unless given, or `sweep_workers` asks.
        images: where the images are, if not in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not database and images is None and elsewhere.is_asked_for():
        database, images = elsewhere.new_place()
    settings = Settings(database=Database(database), images=images or Images())
    pin = make_store(folder, [world.root.raw], tuf_root_signer(world), lambda: world.at, settings=settings)
    return RunningStore(world, folder, pin)


@contextlib.contextmanager
def running_store(
    world: World,
    folder: Path,
    *,
    workers: int | None = None,
    clock: datetime | None = None,
    operator: bool = False,
    database: str = "",
    images: Images | None = None,
) -> Iterator[RunningStore]:
    """A new store for this world, served until the block ends.

    Args:
        clock: where its clock stands still (`set_clock` moves it); None for the machine's clock.
        operator: whether it has the operator's listener too.
        database: see `make_folder`; images too.
    """
    store = make_folder(world, folder, database=database, images=images)
    if clock is not None:
        store.set_clock(clock)
    store.start(workers=workers, operator=operator)
    try:
        yield store
    finally:
        store.stop()
        store.kill()


def first_software(
    world: World, store: RunningStore, image: bytes, number: int = 1, *, url: str = ""
) -> list[Envelope]:
    """Everything that a device of acme/door-1 needs to install this image from this store."""
    return [
        world.signed(world.brand()),
        world.signed(world.model()),
        world.signed(world.store(url or store.url, store.pin)),
        *next_software(world, image, number),
    ]


def next_software(world: World, image: bytes, number: int) -> list[Envelope]:
    """A revision of acme/tool with this image, and the release of it."""
    return [world.signed(world.revision(number, image)), world.signed(world.release(number))]


def _main(folder: Path, port: int, size: Size, operator: bool) -> None:
    clock_file = folder / "clock-of-the-test"

    def clock() -> datetime:
        return instant(clock_file.read_text()) if clock_file.exists() else datetime.now(UTC)

    def say_ready(url: str, name: str = "ready") -> None:
        draft = folder / f"{name}.new"
        draft.write_text(url)
        draft.rename(folder / name)

    if not operator:  # an earlier edition has no such listener
        serve(folder, "127.0.0.1", port, size, clock, say_ready)
        return
    from sealring_server.serving import ForOperator

    beside = ForOperator("127.0.0.1", 0, lambda url: say_ready(url, "ready-operator"))
    serve(folder, "127.0.0.1", port, size, clock, say_ready, beside)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]), Size(int(sys.argv[3]), int(sys.argv[4])), len(sys.argv) > 5)
