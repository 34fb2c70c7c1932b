"""The device's TUF client and python-tuf's, side by side, each with a memory of its own."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.ngclient import FetcherInterface, Updater
from tuf.ngclient.config import UpdaterConfig

from sealring.errors import SealringError
from sealring_client.decide.tuf import Limits, Refreshed, RootMark, Start, refresh_tuf
from sealring_client.fetch.errors import NotThere, TooMuch
from tests.tuf_repository import TufRepository

NOW = datetime.now(UTC).replace(microsecond=0)  # python-tuf judges by the system's clock, so both do


class Files:
    """Serves files from a mapping; counts what is asked for."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []

    def fetch(self, path: str, *, limit: int) -> bytes:
        self.asked.append(path)
        if path not in self.files:
            raise NotThere("memory", path, 404)
        if len(self.files[path]) > limit:
            raise TooMuch("memory", path, limit)
        return self.files[path]


class Memory:
    """Keeps files in a dictionary."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def load(self, name: str) -> bytes | None:
        return self.files.get(name)

    def save(self, name: str, data: bytes) -> None:
        self.files[name] = data


class Ours:
    """The device's client over one store, with what it remembers between refreshes."""

    def __init__(self, repository: TufRepository, limits: Limits | None = None) -> None:
        self.repository = repository
        self.storage = Memory()
        self.pin = RootMark(*repository.pin())
        self.held_pin: RootMark | None = None
        self.seen: RootMark | None = None
        self.limits = limits

    def refresh(self, at: datetime = NOW) -> Refreshed:
        start = Start(self.pin, self.held_pin, self.seen)
        source = Files(self.repository.files)
        found = refresh_tuf(source, self.storage, start, at=at, target="catalogue.json", limits=self.limits)
        self.storage.save("catalogue.json", found.target)
        self.held_pin, self.seen = self.pin, found.root.mark
        return found

    def verdict(self) -> str:
        """`good` and the digest of what was accepted, or `refused`."""
        try:
            return f"good {sha256(self.refresh().target).hexdigest()}"
        except SealringError:
            return "refused"


class _Fetcher(FetcherInterface):
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = url.removeprefix("memory:///tuf/")
        if path not in self.files:
            raise DownloadHTTPError("not there", 404)
        return iter([self.files[path]])


class Theirs:
    """python-tuf's client over the same store."""

    def __init__(self, repository: TufRepository, folder: Path) -> None:
        self.repository, self.folder = repository, folder
        (folder / "targets").mkdir()
        self.bootstrap = repository.files[f"{repository.pin()[0]}.root.json"]

    def verdict(self) -> str:
        """As for `Ours`."""
        config = UpdaterConfig(
            root_max_length=512 * 1024, timestamp_max_length=16 * 1024, snapshot_max_length=512 * 1024
        )
        try:
            updater = Updater(
                str(self.folder),
                "memory:///tuf/",
                str(self.folder / "targets"),
                "memory:///tuf/targets/",
                _Fetcher(self.repository.files),
                config,
                bootstrap=self.bootstrap,
            )
            info = updater.get_targetinfo("catalogue.json")
            if info is None:
                return "refused"
            path = updater.find_cached_target(info) or updater.download_target(info)
            return f"good {sha256(Path(path).read_bytes()).hexdigest()}"
        except (RepositoryError, DownloadError, ValueError):
            return "refused"
