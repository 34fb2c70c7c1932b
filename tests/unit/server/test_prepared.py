"""Statements near the driver: the same rows, and the same errors, as SQLAlchemy gives (SPEC MP-6, HT-3)."""

import pytest
from sqlalchemy import bindparam, func, insert, literal_column, select
from sqlalchemy.exc import IntegrityError, OperationalError

from sealring_server.prepared import NumberedRows, Prepared, command, insert_or_ignore
from sealring_server.schema import log, tiles
from tests.unit.server.tiles.samples import catalogue

_add = Prepared(insert(log))
_all = Prepared(select(log.c.node).where(log.c.node < bindparam("below")).order_by(log.c.node))
_some = Prepared(select(log.c.node).where(log.c.node < bindparam("below")).order_by(log.c.node).limit(2))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 511, 512, 513, 1500])
def test_rows_by_number_are_those_that_are_there(count: int) -> None:
    """MP-3: any number of them, in as many questions as it takes."""
    with catalogue() as (one,), one.database.writing() as connection:
        _add.run(connection, [{"node": number, "hash": b"%d" % number} for number in range(0, 1500, 2)])
        found = NumberedRows(log.c.node, log.c.hash).read(connection, list(range(count)))
        assert sorted(found) == [(number, b"%d" % number) for number in range(0, count, 2)]


def test_constants_of_a_statement_stay_its_own() -> None:
    """MP-6: a limit is part of the statement, a bound is not."""
    with catalogue() as (one,), one.database.writing() as connection:
        _add.run(connection, [{"node": number, "hash": b""} for number in range(5)])
        assert _some.rows(connection, {"below": 1}) == [(0,)]
        assert _some.rows(connection, {"below": 9}) == [(0,), (1,)]


def test_rows_are_counted_and_given_one_by_one() -> None:
    """PB-3: what an insertion left as it was is not counted; a look at the first of many rows ends there."""
    with catalogue() as (one,), one.database.writing() as connection:
        add = Prepared(insert_or_ignore(log))
        assert add.run(connection, [{"node": number, "hash": b""} for number in (1, 2, 3)]) == 3
        assert add.run(connection, [{"node": number, "hash": b""} for number in (3, 4)]) == 1
        assert add.run(connection, []) == 0
        found = _all.each(connection, {"below": 9})
        assert [next(found), next(found)] == [(1,), (2,)]
        found.close()  # type: ignore[attr-defined]
        assert list(_all.each(connection, {"below": 4})) == [(1,), (2,), (3,)]


def test_damage_is_said_as_sqlalchemy_says_it_wherever_it_is_found() -> None:
    """HT-3: with the question, with any row, and with what has no values."""
    with catalogue() as (one,), one.database.writing() as connection:
        damaged = Prepared(select(func.json_extract(literal_column("'{'"), "$.a")))
        with pytest.raises(OperationalError, match="JSON"):
            damaged.rows(connection, {})
        with pytest.raises(OperationalError, match="JSON"):
            next(damaged.each(connection, {}))
        with pytest.raises(OperationalError, match="savepoint"):
            command(connection, "RELEASE never")


def test_a_refused_row_and_a_full_disk_are_said_as_sqlalchemy_says_them() -> None:
    """HT-3: a full disk is answered by 507, by its type and text."""
    with catalogue() as (one,):
        with one.database.writing() as connection:
            _add.run(connection, [{"node": 1, "hash": b""}])
            with pytest.raises(IntegrityError, match="UNIQUE"):
                _add.run(connection, [{"node": 1, "hash": b""}])
        with one.database.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=1")
            add_tile = Prepared(insert(tiles))
            with pytest.raises(OperationalError, match="full"):
                add_tile.run(connection, ({"number": number, "raw": bytes(4000)} for number in range(1, 2000)))
            connection.rollback()
