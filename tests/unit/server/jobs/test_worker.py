"""Jobs of a store on SQLite: done by one process, one after another, and told of in shared memory (SPEC TF-10)."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from sealring_server.backup.stopped import stop
from sealring_server.catalogue import last_entry
from sealring_server.here import StoreHere, open_store
from sealring_server.jobs import Job, do_first, facts, jobs_of
from sealring_server.jobs.attempt import attempt
from sealring_server.jobs.worker import Worker
from sealring_server.schedule import FIRST_PAUSE, LONGEST_PAUSE, TICK
from tests.unit.server.conftest import Shop


@dataclass
class Scene:
    """Jobs that only count, and a clock that a test moves."""

    shop: Shop
    now: float = 0.0
    ran: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def job(self, name: str, seconds: float = TICK) -> Job:
        def run(_: StoreHere) -> None:
            self.ran.append(name)
            if name in self.broken:
                raise OSError(28, "no space", "disk")
            if name == "halts" and "mistake" in self.broken:
                raise KeyError("a mistake in this program")

        return Job(name, f"does {name}", run, seconds)  # type: ignore[arg-type]

    def worker(self, *jobs: Job) -> Worker:
        return Worker(self.shop.here, jobs, lambda: self.now)

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.shop.later(seconds=seconds)


@pytest.fixture
def scene(shop: Shop) -> Scene:
    return Scene(shop)


def test_each_job_has_its_own_period(scene: Scene) -> None:
    """Once at the start, and then when it is due."""
    worker = scene.worker(scene.job("sign"), scene.job("collect", 3600))
    assert worker.round() == TICK
    for _ in range(3):
        scene.later(TICK)
        worker.round()
    assert scene.ran == ["sign", "collect", "sign", "sign", "sign"]
    scene.later(3600)
    worker.round()
    assert scene.ran[-2:] == ["sign", "collect"]


def test_a_failure_is_told_and_tried_again_soon_and_the_others_are_done(scene: Scene) -> None:
    """TF-10: a disk that is full for one job, or a mistake in one, keeps no other from its turn."""
    jobs = scene.job("sign"), scene.job("halts"), scene.job("expire")
    worker, failures = scene.worker(*jobs), scene.shop.here.failures
    scene.broken = {"sign", "mistake"}
    waits = []
    for _ in range(4):
        waits.append(worker.round())
        scene.later(waits[-1])
    assert scene.ran[:3] == ["sign", "halts", "expire"]
    assert waits == [FIRST_PAUSE, 2 * FIRST_PAUSE, 30.0, 10.0]
    assert failures.last_maintained is None
    sign, halts, expire = facts(failures, jobs)
    assert (sign.is_failing, halts.is_failing, expire.is_failing) == (True, True, False)
    assert "no space" in sign.why
    assert "mistake in this" not in halts.why  # what was not foreseen may repeat anything
    assert failures.maintenance == sign.failures + halts.failures
    scene.broken = set()
    scene.later(LONGEST_PAUSE)
    worker.round()
    assert [one.is_failing for one in facts(failures, jobs)] == [False, False, False]
    assert failures.last_maintained == scene.shop.at
    assert sign.next is not None


def test_the_process_that_follows_a_killed_one_begins_nothing_anew(scene: Scene) -> None:
    """What was done a moment ago is due as late as it would have been."""
    jobs = scene.job("sign"), scene.job("collect", 3600)
    scene.worker(*jobs).round()
    scene.later(TICK)
    assert scene.worker(*jobs).round() == TICK
    assert scene.ran == ["sign", "collect", "sign"]


def test_where_nothing_is_due_nothing_is_written(shop: Shop) -> None:
    """SPEC TF-10: a store that waits wears no disk: its database and its files are as they were."""
    assert do_first(shop.here)
    before = written(shop.folder)
    worker = Worker(shop.here, jobs_of(shop.here), lambda: shop.at.timestamp())  # noqa: PLW0108 the instant moves
    for _ in range(5):
        shop.later(seconds=TICK)
        worker.round()
    assert written(shop.folder) == before
    assert all(one.good and not one.is_failing for one in facts(shop.here.failures, jobs_of(shop.here)))


def written(folder: Path) -> dict[str, tuple[int, int]]:
    found = {str(file): file.stat() for file in folder.rglob("*") if not file.name.endswith("-shm")}
    return {name: (stat.st_mtime_ns, stat.st_size) for name, stat in found.items()}


def test_a_stopped_store_does_nothing_by_itself(shop: Shop) -> None:
    """BK-2: it signs nothing and removes nothing, and that is no failure of its own."""
    with shop.here.database.writing() as connection:
        stop(connection, "restored", 1)
    shop.later(days=3)
    for job in jobs_of(shop.here):
        assert attempt(shop.here, job) is None
    with shop.here.database.reading() as connection:
        assert last_entry(connection).sequence == 1
    assert shop.here.failures.maintenance == 0


def test_a_mirror_has_no_job_that_signs(shop: Shop) -> None:
    """MI-1: it has no keys; it follows, as often as its operator wants, and removes old maps."""
    origin = {"url": "http://127.0.0.1:1", "seconds": 30}
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in origin.items())
    (shop.folder / "store.toml").write_text(f"[mirror]\n{lines}\n")
    here = open_store(shop.folder, lambda: shop.at)
    follow, collect = jobs_of(here)
    assert (follow.name, follow.seconds, follow.wait(9), collect.name) == ("follow", 30, 30, "collect")
    assert do_first(here)
    assert here.failures.maintenance == 0
    here.database.close()


def test_every_job_is_done_before_the_first_answer(shop: Shop) -> None:
    """TF-10: what fell due while the store was off."""
    shop.later(days=40)
    assert do_first(shop.here)
    with shop.here.database.reading() as connection:
        assert last_entry(connection).time == shop.at
    found = facts(shop.here.failures, jobs_of(shop.here))
    assert [one.name for one in found] == ["sign", "halts", "packages", "expire", "tidy", "collect"]
    assert all(one.good == shop.at and one.next is not None and one.next > shop.at + timedelta(0) for one in found)
