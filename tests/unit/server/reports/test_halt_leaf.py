"""A halt is a leaf like any other: checks, audits and views know it (SPEC HL-1, CT-4, VW-2)."""

import sqlite3
from contextlib import closing

import pytest

from sealring_server.fsck.report import Report
from sealring_server.fsck.run import check_folder
from tests.oracle import check_store
from tests.unit.server.reports.conftest import Factory


def halted(factory: Factory) -> Factory:
    """With a release halted, another one of the same channel released, and halted again."""
    for number in (2, 3):
        for device in factory.devices or factory.many(2):
            device.says("begun", "failed", revision=number)
        assert factory.judge() == ["acme/tool/latest/stable"]
        if number == 2:
            factory.shop.later(minutes=5)
            factory.release(3)
    return factory


def checked(factory: Factory) -> Report:
    """What fsck finds."""
    return check_folder(factory.shop.folder, factory.shop.at, quick=False)[0]


def test_a_store_with_halts_is_whole(factory: Factory) -> None:
    """HL-1: fsck, and an oracle of its own, replay the leaves; no view changed by it."""
    with factory.shop.here.database.reading() as connection:
        before = connection.exec_driver_sql("SELECT digest, entry, until FROM views WHERE until IS NULL").all()
    halted(factory)
    report = checked(factory)
    assert report.wrong == []
    assert report.checked["halts"] == 2
    check_store(factory.shop.folder)
    with factory.shop.here.database.reading() as connection:
        after = connection.exec_driver_sql("SELECT digest, entry, until FROM views WHERE until IS NULL").all()
    assert len(before) == len(after) == 1
    assert after[0][0] != before[0][0]  # by release 3 alone: the second halt came after it
    with factory.shop.here.database.reading() as connection:
        last = connection.exec_driver_sql("SELECT max(entry) FROM halts").scalar_one()
    assert after[0][1] < last


DAMAGES = [
    pytest.param("DELETE FROM halts WHERE entry = (SELECT max(entry) FROM halts)", id="the newest is gone"),
    pytest.param("DELETE FROM halts WHERE entry = (SELECT min(entry) FROM halts)", id="an older one is gone"),
    pytest.param("UPDATE halts SET entry = entry + 1", id="another entry"),
    pytest.param("UPDATE halts SET release = 'acme/other/latest/stable'", id="another release"),
    pytest.param("UPDATE halts SET id = hex(randomblob(32))", id="another id"),
    pytest.param("UPDATE halts SET raw = replace(CAST(raw AS TEXT), 'failed', 'failee')", id="another reason"),
    pytest.param("UPDATE halts SET raw = x'7b7d'", id="no halt"),
    pytest.param(
        "UPDATE leaves SET value = zeroblob(72) WHERE entry = (SELECT max(entry) FROM halts)", id="another leaf"
    ),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_halt_that_is_damaged_is_found_out(factory: Factory, damage: str) -> None:
    """HL-1: whoever restores or moves a database learns of it before a device does."""
    halted(factory)
    factory.shop.here.database.close()
    with closing(sqlite3.connect(factory.shop.folder / "store.db")) as database, database:
        database.execute(damage)
    assert checked(factory).wrong != []
