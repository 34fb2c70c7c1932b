"""Stores for these tests: one served by granian for a whole module, and fresh ones in this process."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from sealring.bundle import Entry, StatementEntry, read_bundle, write_bundle
from sealring.envelope import Envelope
from sealring.statement import Store
from sealring_server.admission import NO_TERMS
from sealring_server.here import Limits, StoreHere, open_store
from sealring_server.publication import commit_publication, open_publication
from sealring_server.settings import FILE, load_settings
from sealring_server.terms import Terms
from sealring_server.uploading import add_to_upload
from tests.oracle import Checked, check_store
from tests.rigs.postgres import PostgresServer, postgres_server
from tests.stores import RunningStore, first_software, make_folder, next_software, now, running_store
from tests.world import World


@dataclass
class Shop:
    """A store in this process: the server's own functions, without HTTP, and a clock that a test moves."""

    world: World
    folder: Path
    pin: tuple[int, str]
    at: datetime
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.here: StoreHere = open_store(self.folder, lambda: self.at, self.limits)

    def publish(
        self, statements: Iterable[Envelope], images: Iterable[bytes] = (), terms: Terms = NO_TERMS
    ) -> tuple[Entry, ...]:
        """Open, upload, commit; the receipt's entries."""
        opened = open_publication(self.here, bundle(statements), terms)
        by_digest = {sha256(image).hexdigest(): image for image in images}
        for digest, _ in opened.missing:
            if digest in by_digest:
                add_to_upload(self.here, opened.token, digest, 0, BytesIO(by_digest[digest]))
        return read_bundle(commit_publication(self.here, opened.token, terms))

    def first(self, image: bytes = b"image 1") -> None:
        """Publish what a device of acme/door-1 needs for its first installation."""
        statements = [self.world.signed(s) for s in (self.world.brand(), self.world.model(), self.store_statement())]
        self.publish([*statements, *next_software(self.world, image, 1)], [image])

    def store_statement(self) -> Store:
        """The statement about this store."""
        return self.world.store(tuf=self.pin)

    def check(self, *, lapsed: bool = False) -> Checked:
        """What the oracle finds."""
        return check_store(self.folder, lapsed=lapsed)

    def later(self, **time: float) -> None:
        """Move the clock, in `timedelta`'s words."""
        self.at += timedelta(**time)


def bundle(statements: Iterable[Envelope]) -> bytes:
    """The body that opens a publication."""
    return write_bundle([StatementEntry(s.raw) for s in statements])


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server; each test makes databases of its own in it."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> RunningStore:
    """An empty store's folder, made once: making its encrypted key takes longer than most of these tests."""
    return make_folder(World(), tmp_path_factory.mktemp("template") / "store")


ON_EVERY_DATABASE = {"publication", "admission", "group_commit", "collecting", "dry_run", "tuf", "whose_image"}
"""Modules whose tests of `shop` run on each kind of database: one suite, so that a kind more is one line more."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every kind of database for the modules above, but for tests that name theirs."""
    is_named = any("shop" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    is_listed = metafunc.module.__name__.rpartition("test_")[2] in ON_EVERY_DATABASE
    if "shop" in metafunc.fixturenames and is_listed and not is_named:
        metafunc.parametrize("shop", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def template_on_postgres(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> RunningStore:
    """The same in PostgreSQL; its database is copied for each test."""
    return make_folder(World(), tmp_path_factory.mktemp("template") / "store", database=postgres.database())


@pytest.fixture
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """An empty store of its own, at the world's instant; SQLite unless it is told which kind."""
    on_postgres = getattr(request, "param", "sqlite") == "postgresql"
    template: RunningStore = request.getfixturevalue("template_on_postgres" if on_postgres else "template")
    folder = tmp_path / "store"
    shutil.copytree(template.folder, folder)
    with _own_database(folder, request) if on_postgres else nullcontext():
        shop = Shop(template.world, folder, template.pin, template.world.at)
        yield shop
        shop.here.database.close()


@contextmanager
def _own_database(folder: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    server: PostgresServer = request.getfixturevalue("postgres")
    of_template = load_settings(folder).database.url
    url = server.copy(of_template)
    (folder / FILE).write_text((folder / FILE).read_text().replace(of_template, url))
    yield
    server.drop(url)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """A served store with one installation's worth of statements; tests only add what can't disturb the others."""
    world = World(at=now())
    with running_store(world, tmp_path_factory.mktemp("served") / "store") as store:
        store.publish(first_software(world, store, b"image 1"), [b"image 1"])
        yield store
