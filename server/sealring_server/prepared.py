"""Statements that are run for each publication and each proof, as near to the driver as SQLAlchemy's words allow.

They are written and compiled by SQLAlchemy, so for any database that it knows; only what it does for each run is left
out (20 microseconds, and an update of the map runs ten). Values are integers, text and bytes, which drivers take and
give as they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import Column, CompoundSelect, Connection, Delete, Insert, Select, Update, bindparam, select
from sqlalchemy.exc import DBAPIError

ASK: Final = 512  # numbers in one question

Row: TypeAlias = tuple[Any, ...]


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
        return list(_run(connection, "execute", sql.text, sql.values(values)).fetchall())

    def run(self, connection: Connection, many: Iterable[Mapping[str, object]]) -> None:
        """Run it once for each of these."""
        sql = self._for(connection)
        _run(connection, "executemany", sql.text, [sql.values(values) for values in many])

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


def _run(connection: Connection, how: str, sql: str, values: Any) -> Any:
    cursor = connection.connection.cursor()
    errors = connection.dialect.loaded_dbapi.Error
    try:
        getattr(cursor, how)(sql, values)
    except errors as err:
        # A full disk, a busy or a damaged database are answered by the one type that SQLAlchemy makes of them.
        raise DBAPIError.instance(sql, values, err, errors, dialect=connection.dialect) from err
    return cursor
