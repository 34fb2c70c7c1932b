"""One schema by steps: what migrations make is what schema.py says, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from sealring_server.database import Database, sqlite_url
from sealring_server.migrations.run import REVISIONS, VERSIONS, make_tables, revisions
from sealring_server.schema import FORMAT, metadata
from tests.rigs.postgres import PostgresServer

# What a reflected schema does not tell, in the database's own words.
_DETAILS = {
    "sqlite": "SELECT l.name, l.wr, x.name, x.type, x.\"notnull\", x.dflt_value, x.pk FROM pragma_table_list AS l"
    " JOIN pragma_table_xinfo(l.name) AS x WHERE l.schema = 'main' AND l.name NOT LIKE 'sqlite%' ORDER BY 1, 3",
    "postgresql": "SELECT table_name, column_name, data_type, character_maximum_length, collation_name, is_nullable,"
    " column_default FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    """Two empty databases of one kind."""
    if request.param == "sqlite":
        found = tuple(Database(sqlite_url(tmp_path / name)) for name in ("a.db", "b.db"))
        yield found[0], found[1]
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        found = tuple(Database(server.database()) for _ in range(2))
        yield found[0], found[1]
    for each in found:
        each.close()


def details(connection: Connection) -> list[tuple[object, ...]]:
    """Every column of every table but Alembic's own."""
    rows = connection.execute(text(_DETAILS[connection.dialect.name]))
    return [tuple(row) for row in rows if row[0] != VERSIONS]


def test_migrations_make_the_schema_that_the_code_uses(empty: tuple[Database, Database]) -> None:
    """A column that only one of the two has would be found by the first store that was upgraded."""
    by_steps, at_once = empty
    with by_steps.writing() as connection:
        make_tables(connection)
    with by_steps.reading() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        assert "\n".join(map(repr, differences)) == ""
        found = details(connection)
    with at_once.writing() as connection:
        metadata.create_all(connection)
    with at_once.reading() as connection:
        assert details(connection) == found


def test_each_format_has_its_last_migration() -> None:
    """Whoever adds a migration after a release also says which format it makes."""
    assert list(REVISIONS.values()) == revisions()
    assert max(REVISIONS) == FORMAT
