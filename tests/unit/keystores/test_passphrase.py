"""Where a passphrase may come from, and that a command that gives it stays in its bounds (SPEC KY-6)."""

import sys
from pathlib import Path

import pytest

from sealring.command.passphrase_command import CommandFailed, ask_command
from sealring.keyfile import create_key_file, load_key_file, open_key
from tests.unit.keystores.programs import sealring

SAY = f"{sys.executable} -c"


def test_the_command_is_told_the_keys_name_last_and_is_run_without_a_shell() -> None:
    """SPEC KY-6: what a shell would expand is passed on as it is; the line comes back whole."""
    said = ask_command(f"{SAY} 'import sys; print(sys.argv[1:])' '$(id)' '*' ';'", "alice", limit=100)
    assert said == b"['$(id)', '*', ';', 'alice']\n"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(f"{SAY} 'import time; time.sleep(600)'", "took more than", id="says nothing"),
        pytest.param(f"{SAY} 'import os, time; os.close(1); time.sleep(600)'", "took more than", id="does not end"),
        pytest.param("sh -c 'sleep 600 & echo line'", "took more than", id="its child holds the line open"),
        pytest.param("sh -c 'exit 3'", "ended with 3", id="fails"),
        pytest.param("sh -c 'echo line; exit 3'", "ended with 3", id="says something and fails"),
        pytest.param("/nonesuch/program", "no such file", id="is not there"),
        pytest.param("/etc/passwd", "permission denied", id="is no program"),
        pytest.param("", "no program given", id="is empty"),
        pytest.param("a 'b", "no closing quotation", id="is not closed"),
    ],
)
def test_a_command_that_gives_no_line_is_told_as_that(line: str, reason: str) -> None:
    """The attack, or the accident: a program that hangs or fails must neither hold the command nor give half a line."""
    with pytest.raises(CommandFailed, match=reason):
        ask_command(line, "a", limit=100, seconds=1.0)


@pytest.mark.timeout(60)
def test_a_command_that_never_stops_talking_is_stopped() -> None:
    """At the limit it is killed, and what it said so far is too long for any passphrase."""
    with pytest.raises(CommandFailed, match="ended with -9"):
        ask_command("yes", "a", limit=1026)


def test_a_key_is_made_opened_and_rewrapped_with_commands_alone(tmp_path: Path) -> None:
    """SPEC KY-6: no prompt, no file, no argument and no environment has the passphrase."""
    (tmp_path / "store").write_text('#!/bin/sh\ntest "$2" = a && echo "$1 one"\n')
    (tmp_path / "store").chmod(0o700)
    create = ("key", "create", "a.key", "--name", "a", "--kdf", "interactive", "--passphrase-command", "./store first")
    made = sealring(tmp_path, *create)
    assert made.code == 0, made.err
    commands = ("--passphrase-command", "./store first", "--new-passphrase-command", "./store second")
    done = sealring(tmp_path, "key", "rewrap", "a.key", *commands)
    assert done.code == 0, done.err
    open_key(load_key_file(tmp_path / "a.key"), b"second one").close()
    assert " one" not in made.out + made.err + done.out + done.err.replace(" one of", "")


@pytest.mark.parametrize(
    ("output", "code"),
    [("one line", 0), ("one line\\n", 0), ("one line\\r\\n", 0), ("two\\nlines", 1), ("", 1), ("\\n", 1)],
)
def test_one_line_is_taken_whatever_its_end(tmp_path: Path, output: str, code: int) -> None:
    create_key_file(tmp_path / "a.key", "a", b"one line", strength="interactive")
    words = ("--new-passphrase-command", "echo", "--kdf", "interactive")
    done = sealring(tmp_path, "key", "rewrap", "a.key", "--passphrase-command", f"printf '{output}'", *words)
    assert done.code == code, done.err


def test_a_secret_has_one_place(tmp_path: Path) -> None:
    create_key_file(tmp_path / "a.key", "a", b"one line", strength="interactive")
    (tmp_path / "phrase").write_text("one line")
    words = ("--passphrase-file", "phrase", "--passphrase-command", "./store")
    done = sealring(tmp_path, "sign", "a.key", "--key", "a.key", *words)
    assert (done.code, "give one of --passphrase-file" in done.err) == (2, True)
