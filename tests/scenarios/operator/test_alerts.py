"""Each alert rule that is shipped fires for a store to which its condition happened, and for no other (SPEC HT-6)."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from sealring_server.app import create_app
from sealring_server.backup.stopped import stop
from sealring_server.here import open_store
from sealring_server.jobs import do_first
from sealring_server.key_folder import KeyMissing
from sealring_server.operator.app import create_operator_app
from sealring_server.schedule import sign_due
from sealring_server.settings import FILE
from tests.rigs.operator.prometheus import RULES, firing, scraped
from tests.stores import make_folder, now
from tests.unit.server.conftest import Shop
from tests.unit.server.reports.conftest import make_factory
from tests.world import World

SECONDS = 40.0  # for Prometheus to start, scrape and judge
DAY = timedelta(days=1)


def shop_of(folder: Path, age: timedelta = timedelta(0)) -> Shop:
    """A store that was made so long ago, and that nobody has looked after since."""
    world = World(at=now() - age)
    store = make_folder(world, folder)
    return Shop(world, folder, store.pin, world.at)


def until_now(shop: Shop) -> Shop:
    """The same store today, with its own work done."""
    shop.at = now()
    assert do_first(shop.here)
    return shop


@dataclass
class Condition:
    """Something that happens to a store: `more` goes on happening while it is watched."""

    shop: Shop
    alerts: set[str]
    more: Callable[[], object] = field(default=lambda: None)

    def app(self) -> Flask:
        """Its operator's listener."""
        return create_operator_app(self.shop.here)


def healthy(folder: Path) -> Condition:
    shop = shop_of(folder)
    shop.first()
    return Condition(until_now(shop), set())


def root_near_its_end(folder: Path) -> Condition:
    return Condition(until_now(shop_of(folder, 310 * DAY)), {"SealringRootNearEnd"})


def keys_gone(folder: Path) -> Condition:
    shop = until_now(shop_of(folder, DAY / 2))
    for file in (folder / "keys").glob("*.key"):
        file.unlink()
    shop.here.online.close()
    shop.at += DAY

    def again() -> None:
        shop.at = now() + DAY
        writing = open_store(folder, lambda: shop.at, failures=shop.here.failures)  # the page's own only reads
        with pytest.raises(KeyMissing):  # the job itself waits longer and longer between two tries
            sign_due(writing)
        writing.database.close()

    assert not do_first(shop.here)
    return Condition(shop, {"SealringNotReady", "SealringSigningFails"}, again)


def nobody_signs(folder: Path) -> Condition:
    shop = shop_of(folder, 5 * DAY)
    shop.at = now()
    return Condition(shop, {"SealringNotSigning", "SealringNoEntry", "SealringRoleNotRenewed"})


def disk_filling(folder: Path) -> Condition:
    shop = shop_of(folder)
    until_now(shop)
    with (folder / "filler").open("wb") as file:
        while (found := _free_share(folder)) > 0.10:
            file.write(bytes(4096))
            file.flush()
        assert found > 0
    return Condition(shop, {"SealringDiskFilling"})


def _free_share(folder: Path) -> float:
    found = os.statvfs(folder)
    return found.f_bavail / found.f_blocks


def stopped(folder: Path) -> Condition:
    shop = until_now(shop_of(folder))
    with shop.here.database.writing() as connection:
        stop(connection, "restored", 1)
    public = create_app(shop.here).test_client()
    body = b"sealring bundle 1\n" + bytes(11)

    def publish() -> None:
        assert public.post("/v1/publications", data=body).status_code == 503

    publish()
    return Condition(shop, {"SealringStopped", "SealringPublicationsFail"}, publish)


def database_gone(folder: Path) -> Condition:
    shop = until_now(shop_of(folder))
    shop.here.database.close()
    (folder / "store.db").rename(folder / "elsewhere")
    public = create_app(shop.here).test_client()

    def ask() -> None:
        assert public.get("/tuf/timestamp.json").status_code >= 500

    ask()
    return Condition(shop, {"SealringNotReady", "SealringRequestsFail"}, ask)


def halted(folder: Path) -> Condition:
    shop = shop_of(folder)
    factory = make_factory(shop)
    for device in factory.many(3):
        device.says("begun", "failed")
    assert factory.judge()
    return Condition(until_now(shop), {"SealringReleaseHalted"})


def put_back(folder: Path) -> Condition:
    """BK-2: devices have seen entries that this disk has not."""
    shop = shop_of(folder)
    shop.first()
    public, entry = create_app(until_now(shop).here).test_client(), iter(range(1000, 10**6))

    def ask() -> None:
        assert public.get(f"/v1/answers/acme/door-1?entry={next(entry)}").status_code == 200

    ask()
    return Condition(shop, {"SealringLaterEntryClaimed"}, ask)


def mirror_behind(folder: Path) -> Condition:
    shop = shop_of(folder, 2 * DAY)
    (folder / FILE).write_text('[mirror]\nurl = "https://store.example"\n')
    shop.here = open_store(folder, now)
    return Condition(shop, {"SealringMirrorBehind"})


def statement_expired(folder: Path) -> Condition:
    shop = shop_of(folder, 91 * DAY)
    shop.first()
    return Condition(until_now(shop), {"SealringStatementExpired"})


def statement_ends_soon(folder: Path) -> Condition:
    shop = shop_of(folder, 80 * DAY)
    shop.first()
    return Condition(until_now(shop), {"SealringStatementEndsSoon"})


CONDITIONS = (
    healthy,
    root_near_its_end,
    keys_gone,
    nobody_signs,
    disk_filling,
    stopped,
    database_gone,
    halted,
    put_back,
    mirror_behind,
    statement_expired,
    statement_ends_soon,
)


@contextmanager
def small_disk(at: Path) -> Iterator[None]:
    """A file system of 4 MiB at this folder, until the block ends."""
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", at], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", at], check=True)


@pytest.mark.timeout(120)
def test_each_rule_fires_where_its_condition_holds_and_nowhere_else(tmp_path: Path) -> None:
    """TF-10: a real Prometheus scrapes real stores, to each of which one thing happened; a healthy one is silent."""
    with small_disk(tmp_path / "disk_filling"):
        found = {one.__name__: one(tmp_path / one.__name__) for one in CONDITIONS}
        wanted = {name: one.alerts for name, one in found.items() if one.alerts} | {"nobody": {"SealringDown"}}
        every = {line.split(": ")[1] for line in RULES.read_text().splitlines() if "- alert: " in line}
        assert set().union(*wanted.values()) == every, "each rule has a condition here"
        (tmp_path / "prometheus").mkdir()
        with scraped(
            {name: one.app() for name, one in found.items()} | {"nobody": None}, tmp_path / "prometheus"
        ) as at:
            deadline, seen, same = time.monotonic() + SECONDS, firing(at), 0
            # For some rounds in a row: a rule that fires late would else be missed.
            while same < 5 and time.monotonic() < deadline:
                for one in found.values():
                    one.more()
                time.sleep(0.5)
                seen = firing(at)
                same = same + 1 if seen == wanted else 0
        assert seen == wanted


def test_the_rules_are_good_prometheus(tmp_path: Path) -> None:
    """HT-6: as its own tool judges them."""
    done = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, "SUCCESS" in done.stdout) == (0, True), done.stdout + done.stderr


def test_the_figures_are_good_prometheus(tmp_path: Path) -> None:
    """HT-6: names, types and words by its conventions, as its own tool judges them."""
    shop = until_now(shop_of(tmp_path / "shop"))
    text = create_operator_app(shop.here).test_client().get("/metrics").data
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_page_agrees_with_the_alerts(tmp_path: Path) -> None:
    """HT-6: what pages somebody at night is said on the page in the morning, in words."""
    found = statement_expired(tmp_path / "shop")
    words = found.app().test_client().get("/").text
    assert "1 release statement expired" in words
