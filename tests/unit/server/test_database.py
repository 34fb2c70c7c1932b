"""One lock, one state for a reader, and clean errors, on SQLite and on PostgreSQL (SPEC PB-3)."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.exc import DataError, IntegrityError

from sealring_server.database import Database, after_commit, sqlite_url
from sealring_server.migrations.run import make_tables
from sealring_server.postgres import DatabaseAway
from sealring_server.prepared import NumberedRows, Prepared, command, insert_or_ignore, of_new, upsert
from sealring_server.schema import log, tallies, views
from tests.rigs.postgres import PostgresServer, postgres_server

_add = Prepared(insert(log))
_all = Prepared(select(log.c.node).where(log.c.node < bindparam("below")).order_by(log.c.node))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return str(sqlite_url(tmp_path / "store.db"))
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.database()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """With a store's tables."""
    found = Database(url)
    with found.writing() as connection:
        make_tables(connection)
    yield found
    found.close()


def count(database: Database) -> int:
    with database.reading() as connection:
        return len(_all.rows(connection, {"below": 2**53}))


def test_what_is_broken_off_was_never_there_and_what_is_committed_is_there(database: Database) -> None:
    """PB-3: and who waits for the commit hears of it only then."""
    heard: list[str] = []
    with pytest.raises(ZeroDivisionError), database.writing() as connection:  # noqa: PT012
        _add.run(connection, [{"node": 1, "hash": b"1"}])
        after_commit(connection, lambda: heard.append("broken off"))
        raise ZeroDivisionError
    assert (count(database), heard) == (0, [])
    with database.writing() as connection:
        assert _add.run(connection, [{"node": 2**53 - 1, "hash": bytes(range(256))}]) == 1
        after_commit(connection, lambda: heard.append("committed"))
        assert heard == []
    assert heard == ["committed"]
    with database.reading() as connection:
        assert NumberedRows(log.c.node, log.c.hash).read(connection, [2**53 - 1, 7]) == [(2**53 - 1, bytes(range(256)))]


def test_a_reader_has_one_state_however_long_it_reads(database: Database) -> None:
    """PB-3: an answer of two halves, from before and after a publication, would fit no entry."""
    with database.reading() as connection:
        assert _all.rows(connection, {"below": 9}) == []
        with database.writing() as writing:
            _add.run(writing, [{"node": 1, "hash": b""}])
        assert _all.rows(connection, {"below": 9}) == []
    assert count(database) == 1


def test_writers_of_two_processes_never_interleave(database: Database, url: str) -> None:
    """PB-3: each reads what the one before it has committed; two that read the same would give one number twice."""
    other = Database(url)

    def add(mine: Database) -> None:
        for _ in range(25):
            with mine.writing() as connection:
                found = _all.rows(connection, {"below": 2**53})
                _add.run(connection, [{"node": (found[-1][0] if found else 0) + 1, "hash": b""}])

    threads = [threading.Thread(target=add, args=(each,)) for each in (database, other) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert count(database) == 100


def test_a_reader_can_not_write(url: str, database: Database) -> None:
    """PB-3: on PostgreSQL a mistake in a reader is refused by the database itself; SQLite's readers have no lock."""
    if url.startswith("postgresql"):
        with pytest.raises(DatabaseAway, match="read-only"), database.reading() as connection:
            _add.run(connection, [{"node": 1, "hash": b""}])
    assert count(database) == 0


def test_a_failed_statement_that_was_passed_over_commits_nothing_as_if_it_had(database: Database, url: str) -> None:
    """PB-8: PostgreSQL answers COMMIT after an error without one; a receipt would prove what is not there."""

    def pass_over() -> None:
        with database.writing() as connection:
            _add.run(connection, [{"node": 1, "hash": b""}])
            with pytest.raises(IntegrityError):
                _add.run(connection, [{"node": 1, "hash": b""}])

    if url.startswith("postgresql"):
        with pytest.raises(AssertionError, match="INERROR"):
            pass_over()
        assert count(database) == 0
    else:
        pass_over()
        assert count(database) == 1


def test_savepoints_undo_what_came_after_them_and_no_more(database: Database) -> None:
    """PB-10: one publication that is refused touches no other, not even where the database itself refused it."""
    with database.writing() as connection:
        _add.run(connection, [{"node": 1, "hash": b""}])
        command(connection, "SAVEPOINT publication")
        with pytest.raises(IntegrityError):
            _add.run(connection, [{"node": 2, "hash": b""}, {"node": 1, "hash": b""}])
        command(connection, "ROLLBACK TO publication")
        _add.run(connection, [{"node": 3, "hash": b""}])
        command(connection, "RELEASE publication")
    with database.reading() as connection:
        assert _all.rows(connection, {"below": 9}) == [(1,), (3,)]


def test_insertions_that_find_a_row(database: Database) -> None:
    """MP-2: what is there stays, or is changed; both are counted in the same way by every database."""
    ignore = Prepared(insert_or_ignore(log))
    tally = Prepared(upsert(tallies, ["authority"], {"subjects": tallies.c.subjects + of_new(tallies, "subjects")}))
    view = Prepared(upsert(views, ["digest"], ["entry"]))
    with database.writing() as connection:
        assert ignore.run(connection, [{"node": node, "hash": b""} for node in (1, 2)]) == 2
        assert ignore.run(connection, [{"node": node, "hash": b""} for node in (2, 3)]) == 1
        assert ignore.run(connection, []) == 0
        for _ in range(3):
            tally.run(connection, [{"authority": "acme", "subjects": 2}])
        for entry in (1, 2):
            view.run(connection, [{"digest": "d", "model": "m", "entry": entry, "until": None}])
    with database.reading() as connection:
        assert connection.execute(select(tallies.c.subjects)).all() == [(6,)]
        assert connection.execute(select(views.c.entry)).all() == [(2,)]


def test_rows_come_one_by_one_and_two_such_questions_may_be_open(database: Database) -> None:
    """MP-6: a look at the first of very many rows costs no more than these."""
    with database.writing() as connection:
        _add.run(connection, [{"node": node, "hash": b""} for node in range(500)])
    with database.reading() as connection:
        one, other = (_all.each(connection, {"below": 400}) for _ in range(2))
        assert [next(one), next(other), next(one)] == [(0,), (0,), (1,)]
        one.close()  # type: ignore[attr-defined]
        assert len(list(other)) == 399
        assert len(list(_all.each(connection, {"below": 500}))) == 500


def test_text_is_ordered_by_its_bytes(database: Database) -> None:
    """VW-2: a view's rows have one order; a language's own would give it another root on another machine."""
    names = ["Z", "a", "b-1", "b/1", "b0", "ba"]
    with database.writing() as connection:
        connection.execute(insert(tallies), [{"authority": name, "subjects": 0} for name in reversed(names)])
    with database.reading() as connection:
        assert list(connection.scalars(select(tallies.c.authority).order_by(tallies.c.authority))) == names
        below = select(tallies.c.authority).where(tallies.c.authority >= "b/", tallies.c.authority < "b0")
        assert list(connection.scalars(below)) == ["b/1"]


# --- PostgreSQL alone


def test_a_restarted_database_is_an_error_for_what_was_under_way_and_for_nothing_after_it() -> None:
    """PB-3: whoever was writing wrote nothing; the pool finds out by itself that its connections are dead."""
    with postgres_server(durable=True) as server:
        database = Database(server.database())
        with database.writing() as connection:
            make_tables(connection)
        with database.reading() as one, database.reading():
            assert _all.rows(one, {"below": 9}) == []
        with pytest.raises(DatabaseAway), database.writing() as connection:  # noqa: PT012
            _add.run(connection, [{"node": 1, "hash": b""}])
            server.stop()
            _add.run(connection, [{"node": 2, "hash": b""}])
        with pytest.raises(DatabaseAway) as away, database.reading():
            pass
        assert (away.value.exit_code, away.value.status) == (10, 503)
        server.start()
        assert count(database) == 0
        with pytest.raises(DatabaseAway), database.writing() as connection:  # noqa: PT012
            _add.run(connection, [{"node": 1, "hash": b""}])
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        with database.writing() as connection:
            _add.run(connection, [{"node": 3, "hash": b""}])
        assert count(database) == 1
        database.close()


def test_the_lock_goes_with_the_connection_that_had_it(postgres: PostgresServer) -> None:
    """PB-3: a worker that was killed while it published holds up nobody."""
    url = postgres.database()
    one, other = Database(url), Database(url)
    with one.writing() as connection:
        make_tables(connection)
    with pytest.raises(DatabaseAway), one.writing() as connection:  # noqa: PT012
        pid = connection.scalar(text("SELECT pg_backend_pid()"))
        _add.run(connection, [{"node": 1, "hash": b""}])
        with other.reading() as outside:
            outside.execute(text(f"SELECT pg_terminate_backend({pid})"))
        with other.writing() as outside:
            _add.run(outside, [{"node": 2, "hash": b""}])
        _add.run(connection, [{"node": 3, "hash": b""}])
    assert count(other) == 1
    for each in (one, other):
        each.close()


def test_a_name_that_the_database_can_not_take_is_a_data_error(postgres: PostgresServer) -> None:
    """HT-3: a NUL in an address is answered like any other name that is not there, and the connection goes on."""
    database = Database(postgres.database())
    with database.writing() as connection:
        make_tables(connection)
    asked = Prepared(select(tallies.c.subjects).where(tallies.c.authority == bindparam("authority")))
    with pytest.raises(DataError), database.reading() as connection:
        asked.rows(connection, {"authority": "a\0b"})
    assert count(database) == 0
    database.close()


def test_a_password_is_in_no_error(postgres: PostgresServer) -> None:
    """KY-5: a log is read by many."""
    url = postgres.url("nobody-made-it").replace("store@", "store:hunter2@")
    with pytest.raises(DatabaseAway) as away, Database(url).reading():
        pass
    assert "nobody-made-it" in str(away.value)
    assert "hunter2" not in f"{away.value} {away.value.hint()} {Database(url).shown}"


def test_acknowledged_means_on_the_disk_whatever_the_server_was_set_to(postgres: PostgresServer) -> None:
    """PB-3: a store promises by its receipt what a database that is tuned for speed would not keep."""
    url = postgres.database()
    database = Database(url)
    with database.writing() as connection:
        connection.execute(text("ALTER ROLE store SET synchronous_commit = off"))
    database.close()
    try:
        with database.reading() as connection:
            assert connection.scalar(text("SHOW synchronous_commit")) == "on"
    finally:
        with database.writing() as connection:
            connection.execute(text("ALTER ROLE store RESET synchronous_commit"))
        database.close()
