"""A store, the line to it, and a mirror of it; all in this process, with clocks that a test moves."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from sealring.errors import SealringError
from sealring_server.app import create_app
from sealring_server.audit.asking import Bounds
from sealring_server.here import StoreHere
from sealring_server.mirror.folder import make_mirror, open_mirror
from sealring_server.mirror.run import Look, Taken, look
from sealring_server.mirror.take import newest_taken
from sealring_server.schedule import sign_again
from sealring_server.schema import metadata
from sealring_server.settings import Mirror
from tests.hostile import Line, between, from_folder
from tests.stores import RunningStore, next_software
from tests.unit.server.conftest import Shop

BOUNDS = Bounds(read_seconds=5, answer_seconds=5)
SHOWN = ("entries", "statements", "heads", "tallies", "leaves", "tiles", "log", "views", "view_rows", "halts", "tuf")
"""The tables that a mirror has as its store has them, in whatever order they were written."""


@dataclass
class Scene:
    """One store and one mirror; `line` is the way between."""

    shop: Shop
    line: Line
    folder: Path

    def make(self, **settings: Any) -> None:
        """The mirror's folder."""
        make_mirror(self.folder, Mirror(self.line.url, **settings), self.shop.world.root.raw)

    def here(self) -> StoreHere:
        """The mirror, opened anew as each run does."""
        return open_mirror(self.folder, lambda: self.shop.at)

    def look(self, *, pin: str | None = None, prune: bool = False) -> Taken:
        """One look."""
        if not self.folder.exists():
            self.make()
        here = self.here()
        try:
            return look(here, Look(pin, prune, BOUNDS))
        finally:
            here.database.close()

    def refused(self, **how: Any) -> SealringError:
        """A look that must fail; what is served stays to the byte."""
        before = self.rows()
        with pytest.raises(SealringError) as caught:
            self.look(**how)
        assert self.rows() == before
        return caught.value

    def rows(self) -> dict[str, Any]:
        """All that the mirror shows."""
        if not (self.folder / "store.db").exists():
            return {}
        here = self.here()
        try:
            with here.database.reading() as connection:
                taken = newest_taken(connection)
            return rows_of(here) if taken else {}
        finally:
            here.database.close()

    def is_whole(self) -> bool:
        """Whether the mirror shows exactly what the store shows."""
        return self.rows() == rows_of(self.shop.here)

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """What the mirror answers."""
        here = self.here()
        try:
            answer = create_app(here).test_client().get(path, headers=headers)
            return answer.status_code, answer.data
        finally:
            here.database.close()

    def release(self, *numbers: int) -> None:
        """The store gets software with these numbers."""
        for number in numbers:
            image = b"image %d" % number
            self.shop.publish(next_software(self.shop.world, image, number), [image])

    def later(self, **time: float) -> None:
        """Time passes, and the store signs again."""
        self.shop.at += timedelta(**time)
        sign_again(self.shop.here)


def rows_of(here: StoreHere) -> dict[str, Any]:
    """The rows of each table that is shown."""
    found: dict[str, Any] = {}
    with here.database.reading() as connection:
        for name in SHOWN:
            rows = [tuple(row) for row in connection.execute(select(metadata.tables[name]))]
            found[name] = sorted(rows, key=repr)
    # A mirror shows the newest set, and the roots: older targets and snapshots nobody asks for any more.
    newest = {role: max((r[1] for r in found["tuf"] if r[0] == role), default=0) for role in ("targets", "snapshot")}
    found["tuf"] = [row for row in found["tuf"] if row[0] not in newest or row[1] == newest[row[0]]]
    return found


@pytest.fixture(scope="session")
def history(template: RunningStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three entries: the root, the first software, the second."""
    folder = tmp_path_factory.mktemp("mirrored") / "store"
    shutil.copytree(template.folder, folder)
    shop = Shop(template.world, folder, template.pin, template.world.at)
    shop.first()
    shop.publish(next_software(shop.world, b"image 2", 2), [b"image 2"])
    shop.here.database.close()
    return folder


@pytest.fixture
def scene(template: RunningStore, history: Path, tmp_path: Path) -> Iterator[Scene]:
    """A store of its own with that history, and no mirror yet."""
    shutil.copytree(history, tmp_path / "store")
    shop = Shop(template.world, tmp_path / "store", template.pin, template.world.at)
    with between(from_folder(shop.folder, lambda: shop.at)) as line:
        yield Scene(shop, line, tmp_path / "mirror")
