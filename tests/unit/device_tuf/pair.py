"""The device's client for any repository and python-tuf's, over one history, and what may differ between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from random import Random
from urllib.parse import unquote

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.ngclient import FetcherInterface, Updater

from sealring.errors import SealringError
from sealring_client.decide.tuf import refresh_repository, search_target
from sealring_client.fetch.errors import NotThere, PartOnly, TooMuch
from sealring_client.fetch.fetcher import Stream
from sealring_client.tuf_target import bring_target
from tests.tuf_tree import TufTree
from tests.unit.device_tuf import generated
from tests.unit.device_tuf.clients import NOW, Memory

GOOD, REFUSED = "good", "refused"


@dataclass(frozen=True)
class Verdict:
    """Of one client about one target: the digest of what it accepted, or why it did not."""

    digest: str | None
    reason: str
    error: Exception | None = None

    @property
    def word(self) -> str:
        return REFUSED if self.digest is None else GOOD


class _Memory:
    """Serves a repository's files to the device's client."""

    def __init__(self, tree: TufTree) -> None:
        self.tree = tree

    def fetch(self, path: str, *, limit: int) -> bytes:
        raw = self.tree.metadata.get(path)
        if raw is None:
            raise NotThere("memory", path, 404)
        if len(raw) > limit:
            raise TooMuch("memory", path, limit)
        return raw

    def stream(self, path: str, *, size: int) -> Stream:
        raw = self.tree.targets.get(path)
        if size == 0:  # as the real one: nothing need be asked for
            return Stream(0, iter(()))
        if raw is None:
            raise NotThere("memory", path, 404)
        if len(raw) != size:
            raise PartOnly("memory", path, len(raw), size)
        return Stream(0, iter([memoryview(raw)]))


class Ours:
    """The device's client, with a folder for targets and a memory for metadata."""

    def __init__(self, tree: TufTree, folder: Path) -> None:
        self.tree, self.folder, self.storage = tree, folder, Memory()
        self.storage.save("root.json", tree.metadata["1.root.json"])
        folder.mkdir()

    def verdict(self, name: str) -> Verdict:
        """Refresh, search, download."""
        source = _Memory(self.tree)
        try:
            found = refresh_repository(source, self.storage, at=NOW)
            hit = search_target(source, self.storage, found, name, at=NOW)
            consistent = bool(found.root.content.consistent_snapshot)
            brought = bring_target(source, hit.target, self.folder, consistent=consistent, limit=10**6)
            return Verdict(sha256(brought.path.read_bytes()).hexdigest(), hit.role)
        except SealringError as err:
            return Verdict(None, type(err).__name__, err)


class _Fetcher(FetcherInterface):
    def __init__(self, tree: TufTree) -> None:
        self.tree = tree

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = url.removeprefix("memory:///")
        if path.startswith("targets/"):
            files = {unquote(name): data for name, data in self.tree.targets.items()}
            raw = files.get(path.removeprefix("targets/"))
        else:
            raw = self.tree.metadata.get(path.removeprefix("metadata/"))
        if raw is None:
            raise DownloadHTTPError("not there", 404)
        return iter(BytesIO(raw))


class Theirs:
    """python-tuf's client."""

    def __init__(self, tree: TufTree, folder: Path) -> None:
        self.tree, self.folder = tree, folder
        self.bootstrap = tree.metadata["1.root.json"]
        (folder / "targets").mkdir(parents=True)

    def verdict(self, name: str) -> Verdict:
        """As for `Ours`."""
        where = (str(self.folder), "memory:///metadata/", str(self.folder / "targets"), "memory:///targets/")
        try:
            updater = Updater(*where, _Fetcher(self.tree), bootstrap=self.bootstrap)
            updater.refresh()
            info = updater.get_targetinfo(name)
            if info is None:
                return Verdict(None, "NoSuchTarget")
            path = updater.find_cached_target(info) or updater.download_target(info)
            return Verdict(sha256(Path(path).read_bytes()).hexdigest(), "")
        except (RepositoryError, DownloadError, ValueError) as err:
            return Verdict(None, type(err).__name__, err)


@dataclass(frozen=True)
class Judged:
    """One comparison: what was done before it, and both verdicts."""

    changes: tuple[str, ...]
    name: str
    ours: Verdict
    theirs: Verdict

    @property
    def same(self) -> bool:
        return self.ours.digest == self.theirs.digest

    @property
    def explained(self) -> str | None:
        """Which of the listed differences it is; None where it is none."""
        # TF-4, 5.3.11: new keys of the timestamp or the snapshot end both files here; python-tuf keeps the one whose
        # key stayed, as a version to stay above and as a file that it need not fetch.
        if not {"rotate_top", "threshold_up"} & set(self.changes):
            return None
        theirs, ours = self.theirs.error, self.ours.error
        # Its held timestamp, of the same or a higher version, may also lead it to the old snapshot, by keys of before.
        stuck = isinstance(theirs, UnsignedMetadataError) and str(theirs).startswith("snapshot was signed by")
        if self.ours.digest and (isinstance(theirs, BadVersionNumberError) or "missing info" in str(theirs) or stuck):
            return "new keys end what was held"
        if self.theirs.digest and "snapshot.json" in str(ours):
            return "new keys end what was held"
        return None


def history(random: Random, folder: Path, *, steps: int) -> Iterator[Judged]:
    """One repository, some changes, and after each both clients' verdicts on a target; it ends where they differ."""
    tree = generated.build(random)
    folder.mkdir(parents=True, exist_ok=True)
    ours, theirs = Ours(tree, folder / "ours"), Theirs(tree, folder / "theirs")
    done: list[str] = []
    for _ in range(steps):
        for name in generated.wanted(random, tree):
            judged = Judged(tuple(done), name, ours.verdict(name), theirs.verdict(name))
            yield judged
            if not judged.same:
                return
        for _ in range(random.randrange(1, 4)):
            change = random.choice(generated.HOSTILE if random.random() < 0.3 else generated.HONEST)
            change(random, tree)
            done.append(change.__name__)
        if random.random() < 0.6:
            end = tree.heal if random.random() < 0.5 else tree.publish_all
            end()
            done.append(end.__name__)
