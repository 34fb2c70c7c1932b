"""`sealring-store init --database` and `upgrade` as their operator uses them (SPEC KY-5, exit codes)."""

import json
from pathlib import Path

import pytest

from sealring.keyfile import create_key_file
from sealring_server.command.main import main
from sealring_server.settings import FILE, load_settings
from tests.rigs.postgres import PostgresServer
from tests.stores import now
from tests.world import World


@pytest.fixture
def init(tmp_path: Path) -> list[str]:
    """`init` but for the folder."""
    (tmp_path / "root.json").write_bytes(World(at=now()).root.raw)
    (tmp_path / "passphrase").write_text("correct horse\n")
    create_key_file(tmp_path / "tuf.key", "tuf", b"correct horse", strength="interactive")
    options = {"--root": "root.json", "--tuf-root-key": "tuf.key", "--passphrase-file": "passphrase"}
    return [part for name, file in options.items() for part in (name, str(tmp_path / file))]


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    with pytest.raises(SystemExit) as end:
        main(list(map(str, arguments)))
    out, err = capsys.readouterr()
    return int(str(end.value.code)), out, err


def test_a_store_is_made_in_postgresql_once(
    postgres: PostgresServer, tmp_path: Path, init: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """PB-3: the file says where its rows are; no second store ever comes into the same database."""
    url, shop = postgres.database(), tmp_path / "shop"
    code, _, err = run(capsys, "init", shop, *init, "--database", url)
    assert (code, err) == (0, "")
    assert load_settings(shop).database.url == url
    assert not (shop / "store.db").exists()
    code, out, _ = run(capsys, "status", shop, "--json")
    assert (code, json.loads(out)["statements"]) == (0, {"root": 1})
    assert run(capsys, "fsck", shop)[0] == 0
    code, out, err = run(capsys, "init", tmp_path / "other", *init, "--database", url)
    assert (code, out) == (1, "")
    assert "there is a store already" in err
    assert not (tmp_path / "other" / FILE).exists()
    code, out, _ = run(capsys, "upgrade", shop, "--to", "0001", "--dry-run", "--json")
    said = json.loads(out)
    assert (code, said["from"], said["to"], said["dry_run"]) == (0, "0002", "0001", True)
    code, out, _ = run(capsys, "upgrade", shop)
    assert (code, out) == (0, f"{shop}: at migration 0002 already\n")


def test_a_password_in_an_argument_is_refused_with_words_that_say_where_it_belongs(
    tmp_path: Path, init: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """KY-5: every user of the machine can read an argument; and an error must not repeat it."""
    code, out, err = run(capsys, "init", tmp_path / "shop", *init, "--database", "postgresql://store:hunter2@db/shop")
    assert (code, out, (tmp_path / "shop").exists()) == (2, "", False)
    assert "PGPASSFILE" in err
    assert "hunter2" not in err


def test_a_database_that_is_not_there_is_said_and_nothing_is_made(
    postgres: PostgresServer, tmp_path: Path, init: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 10: it may be had later, and then the same command makes the store."""
    url = postgres.url("nowhere")
    code, out, err = run(capsys, "init", tmp_path / "shop", *init, "--database", url)
    assert (code, out, (tmp_path / "shop").exists()) == (10, "", False)
    assert 'database "nowhere" does not exist' in err


def test_a_database_and_a_file_that_says_another_one_are_refused(
    postgres: PostgresServer, tmp_path: Path, init: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2: which of them counts would be a guess."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / FILE).write_text('[database]\nurl = "postgresql://store@/one"\n')
    code, _, err = run(capsys, "init", tmp_path / "shop", *init, "--database", postgres.url("other"))
    assert (code, "leave one of them out" in err) == (2, True)
