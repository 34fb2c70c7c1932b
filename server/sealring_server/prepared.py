"""Statements that are run for each publication and each proof, as near to the driver as SQLAlchemy's words allow.

They are written and compiled by SQLAlchemy, so for any database that it knows; only what it does for each run is left
out (50 to 100 microseconds, and a publication runs thirty). Values are integers, text and bytes, which drivers take and
give as they are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    Delete,
    Insert,
    Select,
    Table,
    Update,
    bindparam,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

ASK: Final = 512  # numbers in one question

Row: TypeAlias = tuple[Any, ...]
_numbers = count()


class _Sql(NamedTuple):
    """A statement as one kind of database wants it."""

    text: str
    order: Sequence[str] | None
    """The parameters by their place; none where they have names."""
    constants: Mapping[str, object]

    def values(self, given: Mapping[str, object]) -> Any:
        """The parameters as the driver takes them."""
        if self.constants:
            given = {**self.constants, **given}
        return given if self.order is None else tuple([given[name] for name in self.order])


class Prepared:
    """One statement, all of whose values are parameters or constants."""

    def __init__(self, statement: Select[Any] | CompoundSelect[Any] | Insert | Update | Delete) -> None:
        self._statement = statement
        self._compiled: dict[str, _Sql] = {}

    def rows(self, connection: Connection, values: Mapping[str, object]) -> list[Row]:
        """All rows that it selects."""
        sql = self._for(connection)
        given = sql.values(values)
        try:
            cursor = connection.connection.cursor()
            cursor.execute(sql.text, given)
            return list(cursor.fetchall())
        except Exception as err:
            _say(connection, sql.text, given, err)
            raise

    def each(self, connection: Connection, values: Mapping[str, object]) -> Iterator[Row]:
        """The rows that it selects, fetched while they are asked for: a few of very many cost no more than these."""
        sql = self._for(connection)
        given, cursor = sql.values(values), _streaming(connection)
        try:
            cursor.execute(sql.text, given)
            yield from cursor
        except Exception as err:
            _say(connection, sql.text, given, err)
            raise
        finally:
            cursor.close()

    def run(self, connection: Connection, many: Iterable[Mapping[str, object]]) -> int:
        """Run it once for each of these; how many rows all of that has changed."""
        sql = self._for(connection)
        given = [sql.values(values) for values in many]
        if not given:
            return 0
        try:
            cursor = connection.connection.cursor()
            cursor.executemany(sql.text, given)
            return int(cursor.rowcount)
        except Exception as err:
            _say(connection, sql.text, given, err)
            raise

    def _for(self, connection: Connection) -> _Sql:
        name = connection.dialect.name
        found = self._compiled.get(name)
        if found is None:
            compiled = self._statement.compile(dialect=connection.dialect)
            constants = {key: value for key, value in compiled.params.items() if value is not None}
            found = _Sql(str(compiled), getattr(compiled, "positiontup", None), constants)
            self._compiled[name] = found
        return found


class NumberedRows:
    """Rows by their numbers, many in one question."""

    def __init__(self, number: Column[int], value: Column[Any]) -> None:
        self._columns = number, value
        self._by_count: dict[int, Prepared] = {}

    def read(self, connection: Connection, numbers: Sequence[int]) -> list[tuple[int, Any]]:
        """Number and value of those that are there."""
        found: list[tuple[int, Any]] = []
        for start in range(0, len(numbers), ASK):
            some = numbers[start : start + ASK]
            # Few forms, so that each is compiled once: the last number stands for those that are missing.
            count = 1 << (len(some) - 1).bit_length()
            values = {f"n{at}": some[min(at, len(some) - 1)] for at in range(count)}
            found += [(row[0], row[1]) for row in self._of(count).rows(connection, values)]
        return found

    def _of(self, count: int) -> Prepared:
        if count not in self._by_count:
            number, value = self._columns
            asked = number.in_([bindparam(f"n{at}") for at in range(count)])
            self._by_count[count] = Prepared(select(number, value).where(asked))
        return self._by_count[count]


def insert_or_ignore(table: Table) -> Insert:
    """An insertion that leaves a row as it is which has the same key."""
    return postgresql.insert(table).on_conflict_do_nothing()


def upsert(table: Table, index: Sequence[str], set_: Sequence[str] | Mapping[str, Any]) -> Insert:
    """An insertion that changes the row which has the same key.

    Args:
        index: the columns of that key.
        set_: the columns that take the new row's values; or columns with what they get, where `of_new` is the new row.
    """
    new = postgresql.insert(table)
    values = set_ if isinstance(set_, Mapping) else {name: new.excluded[name] for name in set_}
    return new.on_conflict_do_update(index_elements=index, set_=values)


def of_new(table: Table, name: str) -> ColumnElement[Any]:
    """In `upsert`: this column of the row that could not be inserted."""
    return postgresql.insert(table).excluded[name]


def command(connection: Connection, sql: str) -> None:
    """Run what has no values and gives no rows, such as a savepoint."""
    try:
        connection.connection.cursor().execute(sql)
    except Exception as err:
        _say(connection, sql, (), err)
        raise


def _streaming(connection: Connection) -> Any:
    """A cursor that fetches little ahead; from PostgreSQL all rows would come at once unless it has a name."""
    driver: Any = connection.connection.dbapi_connection
    return driver.cursor(f"rows_{next(_numbers)}") if connection.dialect.name == "postgresql" else driver.cursor()


def _say(connection: Connection, sql: str, values: Any, err: Exception) -> None:
    """Raise the driver's errors as SQLAlchemy does: a full disk, a busy or a damaged database are answered by type."""
    dialect = connection.dialect
    errors = dialect.loaded_dbapi.Error
    if not isinstance(err, errors):
        return
    is_lost = not connection.invalidated and dialect.is_disconnect(err, connection.connection.dbapi_connection, None)
    if is_lost:
        connection.invalidate(err)  # or the pool would give it to the next one
    raise DBAPIError.instance(
        sql, values, err, errors, hide_parameters=True, connection_invalidated=is_lost, dialect=dialect
    ) from err
