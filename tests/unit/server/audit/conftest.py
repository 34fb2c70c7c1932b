"""A store with some history, an auditor of it, and a thief of its keys who shows another history."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from sealring.catalogue.entry import CatalogueEntry, make_entry
from sealring.catalogue.leaf import Head
from sealring.catalogue.log import inclusion_path, root_of
from sealring.catalogue.sparse import SparseMap
from sealring_server.audit.asking import Bounds
from sealring_server.audit.errors import Contradiction
from sealring_server.audit.judgement import Judgement
from sealring_server.audit.run import Audited, Wanted, audit
from sealring_server.audit.verdict import judge
from sealring_server.schedule import sign_again
from sealring_server.schema import leaves
from tests.hostile import NOT_THERE, Line, Reply, between, from_folder
from tests.scenarios.compromise.forger import Forger
from tests.stores import RunningStore, next_software
from tests.unit.server.conftest import Shop

BOUNDS = Bounds(read_seconds=5, answer_seconds=5)
MODEL = "acme/door-1"


@dataclass
class Liar:
    """Shows the store's true history up to some entry, and then what a test says, signed by the store's keys."""

    forger: Forger
    changes: list[dict[bytes, Head]]
    """Of each entry, the first one's first."""
    unsigned: dict[str, bytes | None] = field(default_factory=dict)
    """Answers by path that anybody on the way may give."""

    @classmethod
    def of(cls, shop: Shop) -> "Liar":
        """One who knows what the store holds now."""
        forger = Forger.of(shop.folder, shop.at)
        found: list[dict[bytes, Head]] = [{} for _ in forger.log]
        with shop.here.database.reading() as connection:
            for row in connection.execute(select(leaves.c.entry, leaves.c.key, leaves.c.value)):
                found[row.entry - 1][row.key] = Head.from_bytes(row.value)
        return cls(forger, found)

    def map(self, sequence: int) -> SparseMap:
        """The map of an entry."""
        found = SparseMap.empty()
        for changes in self.changes[:sequence]:
            found = found.with_updates(changes)
        return found

    def cut(self, sequence: int) -> None:
        """Forget what came after this entry."""
        del self.forger.log[sequence:], self.changes[sequence:]

    def show(self, changes: Mapping[bytes, Head], **lies: Any) -> CatalogueEntry:
        """One more entry with these changes, with any member as a test says."""
        log = self.forger.log
        self.changes.append(dict(changes))
        map = self.map(len(self.changes))
        last = log[-1]
        true = {"root": last.root, "map": map.root, "size": len(map), "sequence": len(log) + 1}
        true |= {"time": self.forger.at, "previous": last.digest, "log": root_of([one.leaf for one in log])}
        entry = make_entry(**{**true, **lies})
        log.append(entry)
        self.forger.show(entry)
        return entry

    def answer(self, path: str, reply: Reply) -> Reply:
        """For a line to the auditor."""
        if path in self.unsigned:
            raw = self.unsigned[path]
            return NOT_THERE if raw is None else Reply(200, (), raw)
        kind, _, number = path.removeprefix("/v1/").partition("/")
        if kind == "entries":
            found = self.forger.log[int(number) - 1 :][:1000]
            return Reply(200, (), b"".join(len(one.raw).to_bytes(2, "big") + one.raw for one in found))
        if kind == "log":
            size, index = map(int, number.split("/"))
            return Reply(200, (), inclusion_path([one.leaf for one in self.forger.log[:size]], index))
        if kind == "changes":
            return Reply(200, (), served(self.changes[int(number) - 1]))
        return self.forger.change(path, reply)


def served(changes: Mapping[bytes, Head]) -> bytes:
    """The changes of an entry as a store answers them."""
    return b"".join(key + head.to_bytes() for key, head in sorted(changes.items()))


@dataclass
class Scene:
    """A store, the line to it, and the folder of a witness."""

    shop: Shop
    line: Line
    state: Path

    @property
    def pin(self) -> str:
        """SHA-256 of the store's TUF root."""
        return self.shop.pin[1]

    def audit(self, *, at: datetime | None = None, state: Path | None = None, **more: Any) -> Audited:
        """One audit by this witness, or by one with another state."""
        bounds = more.pop("bounds", BOUNDS)
        wanted = Wanted(self.line.url, **{"pin": self.pin, **more})
        return audit(wanted, state or self.state, at or self.shop.at, bounds)

    def liar(self) -> Liar:
        """The thief of the keys; the line answers with what he shows."""
        liar = Liar.of(self.shop)
        self.line.change = liar.answer
        return liar

    def caught(self, rule: str, **more: Any) -> Judgement:
        """The next audit finds a contradiction, and the evidence proves it to a stranger."""
        with pytest.raises(Contradiction) as caught:
            self.audit(**more)
        assert (caught.value.rule, caught.value.exit_code) == (rule, 25), str(caught.value)
        found = judge(Path(caught.value.evidence).read_bytes(), self.pin)
        assert found.rule == rule
        return found

    def evidence(self) -> bytes:
        """The one file of evidence."""
        (path,) = (self.state / "evidence").iterdir()
        return path.read_bytes()

    def release(self, *numbers: int) -> None:
        """Publish software with these numbers."""
        for number in numbers:
            image = f"image {number}".encode()
            self.shop.publish(next_software(self.shop.world, image, number), [image])

    def later(self, **time: float) -> None:
        """Time passes, and the store signs what it shows again."""
        self.shop.at += timedelta(**time)
        sign_again(self.shop.here)


@pytest.fixture(scope="session")
def history(template: RunningStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three entries: the root, the first software, the second."""
    folder = tmp_path_factory.mktemp("history") / "store"
    shutil.copytree(template.folder, folder)
    shop = Shop(template.world, folder, template.pin, template.world.at)
    shop.first()
    shop.publish(next_software(shop.world, b"image 2", 2), [b"image 2"])
    shop.here.database.close()
    return folder


@pytest.fixture
def scene(template: RunningStore, history: Path, tmp_path: Path) -> Iterator[Scene]:
    """A store of its own with that history."""
    shutil.copytree(history, tmp_path / "store")
    shop = Shop(template.world, tmp_path / "store", template.pin, template.world.at)
    with between(from_folder(shop.folder, lambda: shop.at)) as line:
        yield Scene(shop, line, tmp_path / "witness")


def copy_of(state: Path, name: str) -> Path:
    """Another witness who knows the same."""
    return Path(shutil.copytree(state, state.with_name(name)))


def digest(raw: bytes) -> str:
    """SHA-256, hex."""
    return sha256(raw).hexdigest()
