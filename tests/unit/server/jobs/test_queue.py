"""Jobs of a store whose servers are on several machines, through real PostgreSQL (SPEC TF-10, BK-2)."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from sealring_server.backup.stopped import stop
from sealring_server.jobs.runs import Run, read_runs
from tests.rigs.postgres import postgres_server
from tests.stores import REPOSITORY, running_store
from tests.unit.server.conftest import Shop
from tests.world import DAY, World

PROGRAM = "tests.unit.server.jobs.served"
SECONDS = 60.0  # for what the slowest machine does in five


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Machines:
    """Servers of one store; each is a process that a test may kill."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self.shop, self.log, self.hold = shop, folder / "log", folder / "hold"
        self.log.touch()
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        command = [sys.executable, "-m", PROGRAM, *map(str, (self.shop.folder, name, self.log, self.hold))]
        self.running[name] = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL)

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        process.wait(20)

    def lines(self, begin: str) -> list[list[str]]:
        return [line.split() for line in self.log.read_text().splitlines() if line.startswith(begin)]

    def ended(self, job: str, name: str = "") -> int:
        return sum(line[1] == job and line[2].startswith(name) for line in self.lines("end"))

    def runs(self) -> dict[str, Run]:
        with self.shop.here.database.reading() as connection:
            return dict(read_runs(connection))


@pytest.fixture
def machines(shop: Shop, tmp_path: Path) -> Iterator[Machines]:
    found = Machines(shop, tmp_path)
    yield found
    for name in [*found.running]:
        found.kill(name)


ON_POSTGRES = pytest.mark.parametrize("shop", ["postgresql"], indirect=True)


@ON_POSTGRES
@pytest.mark.timeout(180)
def test_of_two_servers_one_does_each_job_and_the_other_takes_over(machines: Machines) -> None:
    """A job is under way once at most; who held it was killed, and it is done by who is left; failures are told."""
    (machines.hold.parent / "fail").touch()
    machines.hold.write_text("a sign")
    machines.start("a")
    until(lambda: machines.lines("held"))
    machines.start("b")
    # Whatever is held, the other jobs are done; the one that is held by a server which lives is not done twice.
    until(lambda: machines.ended("halts", "b") >= 2)
    assert machines.ended("sign") == 0
    until(lambda: machines.runs()["packages"].failures >= 2)
    assert "no such luck" in machines.runs()["packages"].why
    machines.kill("a")
    until(lambda: machines.ended("sign", "b") >= 2)
    (machines.hold.parent / "fail").unlink()
    until(lambda: machines.runs()["packages"].failures == 0 and machines.runs()["packages"].good)
    machines.hold.unlink()
    machines.start("a")
    until(lambda: machines.ended("halts", "a") + machines.ended("sign", "a") >= 2)
    _assert_one_at_a_time(machines)


def waiting(shop: Shop) -> int:
    """Jobs in the queue that nobody does."""
    with shop.here.database.reading() as connection:
        asked = text("SELECT count(*) FROM procrastinate_jobs WHERE status <> 'doing'")
        return int(connection.scalar(asked) or 0)


def _assert_one_at_a_time(machines: Machines) -> None:
    under_way: dict[str, str] = {}
    for what, job, name in (line.split() for line in machines.log.read_text().splitlines()):
        if what == "begin":
            assert under_way.get(job) in (None, "a")  # the one that was killed never said that it ended
            under_way[job] = name
        elif what == "end":
            assert under_way.pop(job) == name


@ON_POSTGRES
@pytest.mark.timeout(120)
def test_connections_that_break_heal(machines: Machines) -> None:
    """PostgreSQL was restarted under it: what is due is done again without anybody's help."""
    machines.start("a")
    until(lambda: machines.ended("sign"))
    break_all = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database()"
    )
    for _ in range(2):
        with machines.shop.here.database.writing() as connection:
            connection.execute(break_all)
        before = machines.ended("sign")
        until(lambda before=before: machines.ended("sign") >= before + 2)  # type: ignore[misc]
    assert machines.running["a"].poll() is None


@pytest.mark.timeout(180)
def test_a_served_store_signs_through_a_restart_of_its_database(tmp_path: Path) -> None:
    """TF-10: the product's own server; its queue is empty between, and each job is told of in the database."""
    with postgres_server() as server:
        world = World()
        with running_store(world, tmp_path / "store", clock=world.at, database=server.database()) as store:
            shop = Shop(world, store.folder, store.pin, world.at)
            runs = Machines(shop, tmp_path).runs
            until(lambda: {"sign", "halts", "packages", "expire", "tidy", "collect"} <= runs().keys())
            assert not any(run.failures for run in runs().values())
            server.stop()
            server.start()
            before = runs()["sign"].good
            with shop.here.database.writing() as connection:  # as if a minute had gone by
                connection.execute(text("UPDATE job_runs SET good = good - 60"))
            store.set_clock(world.at + 2 * DAY)
            until(lambda: runs()["sign"].good >= before)
            assert store.get("/v1/entries/2").body
            until(lambda: waiting(shop) == 0)
            with shop.here.database.writing() as connection:
                stop(connection, "restored", 2)
                connection.execute(text("UPDATE job_runs SET good = good - 60"))
            store.set_clock(world.at + 4 * DAY)
            until(lambda: runs()["sign"].good >= before)
            # BK-2: it was looked at, and nothing was signed.
            assert not store.get("/v1/entries/3").body
            shop.here.database.close()
