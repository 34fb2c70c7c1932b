"""A real PostgreSQL server for tests: in a folder of its own, on a UNIX socket, with one database for each test.

It refuses to run as root, so there it runs as the user nobody; an ordinary user runs it himself. It ends with the
process that started it, however that ends.
"""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.rigs.components import path_of

USER = "store"
START_SECONDS = 60
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "logging_collector": "off",
    "lc_messages": "C",
}


def binary(name: str) -> Path:
    """A program of the newest PostgreSQL that is installed; Debian keeps them out of the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    if not found:
        pytest.fail(f"{name} is missing (package postgresql): run `python3 tests/run.py setup`", pytrace=False)
    return found[-1]


class PostgresServer:
    """One server; `database()` makes an empty database and gives its URL.

    Args:
        durable: whether a commit waits for the disk; only what is killed needs that.
    """

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.folder = folder
        self._durable = durable
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        """Its files."""
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        options = ["-A", "trust", "-U", USER, "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
        command = [*_unprivileged(), str(binary("initdb")), "-D", str(self.folder / "data"), *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=START_SECONDS)

    def start(self) -> None:
        """Returns once it answers."""
        settings = _SETTINGS | {"unix_socket_directories": str(self.folder)}
        settings |= {} if self._durable else {"fsync": "off", "full_page_writes": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*_unprivileged(), str(binary("postgres")), "-D", str(self.folder / "data"), *options]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it.

        Args:
            how: SIGINT breaks every connection off and writes all out; SIGQUIT is the crash that it recovers from.
        """
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(START_SECONDS)

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"store_{os.getpid()}_{next(self._numbers)}"
        make = sql.SQL("CREATE DATABASE {} TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'").format(sql.Identifier(name))
        self._command(make)
        return self.url(name)

    def copy(self, url: str) -> str:
        """The URL of a new database with all that this one holds; nobody may be connected to it."""
        name = f"store_{os.getpid()}_{next(self._numbers)}"
        of = url.partition("@/")[2].partition("?")[0]
        self._command(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(of)))
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, and end whoever uses it."""
        name = url.partition("@/")[2].partition("?")[0]
        self._command(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def url(self, name: str) -> str:
        """How a store is told of this database."""
        return f"postgresql://{USER}@/{name}?host={self.folder}"

    def _command(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            return True
        return False


def _unprivileged() -> list[str]:
    """What stands before a command so that it runs as nobody where this is root, and ends with this process."""
    as_nobody = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    return [str(path_of("setpriv")), "--pdeathsig", "INT", *as_nobody]


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[PostgresServer]:
    """A running server for as long as the block lasts."""
    # Not below pytest's own folder, into which nobody else may look; and a socket's path has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = PostgresServer(folder, durable=durable)
    try:
        server.create()
        server.start()
        yield server
    finally:
        with suppress(ProcessLookupError, AssertionError):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
