"""Odd files where a file is expected, through every command: a refusal in words, at once, and never a traceback."""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sealring.command.main import run
from sealring.command.outside import Outside
from sealring.keyfile import create_key_file
from tests.stores import now
from tests.world import World

BIN = Path(sys.executable).parent
SECONDS = 20  # far more than any refusal takes, and less than for ever
SPARSE = 200 * 1024 * 1024  # bytes that take no room


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(SPARSE)


ODD: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "folder": lambda path: path.mkdir(),
    "binary": lambda path: path.write_bytes(bytes(range(256)) * 20),
    "huge": _sparse,
    "loop": lambda path: path.symlink_to(path.name),
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "pipe": os.mkfifo,
    "missing": lambda _: None,
    "deep": lambda path: path.write_bytes(b'{"format":' + b"[" * 60_000),
    "half": lambda path: path.write_bytes(b'{"payload":"'),
    "no text": lambda path: path.write_bytes(b'{"name":"\xff\xfe'),
}
READS = (
    "show {odd}",
    "review {odd}",
    "review {root} --brand {odd}",
    "verify {odd} --root {root}",
    "verify {root} --root {odd}",
    "verify {root} --root {root} --brand {odd}",
    "sign {odd} --key {odd} --yes",
    "sign {root} --key {odd} --yes",
    "key show {odd}",
    "bundle create {odd} -o {new}",
    "bundle list {odd}",
    "create brand --brand acme --key {odd} --threshold 1 --root {root} -o {new}",
    "create release --replaces {odd} -o {new}",
    "create store --store a/b --url https://a.b --packages a/* --tuf-root {odd} --root {root} -o {new}",
    "publish http://127.0.0.1:1 {odd}",
    "publish http://127.0.0.1:1 {root} --tuf-root {odd}",
)
OTHERS = (
    "sealring-store init new --root {odd}",
    "sealring-store init new --root root --passphrase-file {odd} --tuf-root-key {odd}",
    "sealring-store status {odd}",
    "sealring-store serve {odd} --bind 127.0.0.1:0",
    "sealring-device provision --root {odd} --seed root --model a/b --state new",
    "sealring-device provision --root root --seed {odd} --model a/b --state new",
    "sealring-device check --state {odd}",
    "sealring-device status --state {odd}",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a root and every odd file."""
    for name, make in ODD.items():
        make(tmp_path / name)
    (tmp_path / "root").write_bytes(World().root.raw)
    return tmp_path


@pytest.mark.parametrize("odd", ODD)
def test_the_teams_command_refuses_at_once(folder: Path, odd: str) -> None:
    """In one process: an exception of any other kind than a refusal ends this test."""
    for line in READS:
        words = [word.format(odd=folder / odd, root=folder / "root", new=folder / "new") for word in line.split(" ")]
        said = io.StringIO()
        code = run(words, Outside(clock=now, out=said, err=said, interactive=False, color=False))
        assert code in {1, 2, 12, 20, 21, 24, 25}, (line, said.getvalue())
        assert said.getvalue().startswith("sealring: "), line
        assert "hint: " in said.getvalue(), line
        assert not (folder / "new").exists(), line


ARGUMENTS = (
    "create release --replaces {release} -o {new} --days {odd}",
    "create release --replaces {release} -o {new} --sequence {odd}",
    "create release --replaces {release} -o {new} --expires {odd}",
    "create release --replaces {release} -o {new} --channel {odd}",
    "create release --replaces {release} -o {new} --revision amd64={odd}",
    "create store --root {root} --store {odd} --url {odd} --packages {odd} -o {new}",
    "create model --root {root} --model acme/{odd} --architecture {odd} --package {odd} --store {odd} -o {new}",
    "sign {release} --key {key} --yes --passphrase-fd {odd}",
    "key create {new} --name {odd}",
    "verify {root} --root {root} --at {odd}",
    "publish {odd} {root}",
    "publish http://127.0.0.1:{odd} {root}",
    "{odd}",
)


@pytest.mark.parametrize("odd", [odd for odd in ODD if odd not in {"half", "no text"}])
def test_a_passphrase_is_one_line_of_a_plain_file(folder: Path, odd: str) -> None:
    """SPEC KY-6: the other two are one line, and whatever is in it is a passphrase."""
    said, new = io.StringIO(), folder / "new"
    words = ["key", "create", str(new), "--name", "new", "--kdf", "interactive", "--passphrase-file", str(folder / odd)]
    assert run(words, Outside(clock=now, out=said, err=said, interactive=False, color=False)) in {1, 12}
    assert not new.exists()


WORDS = ["", "-", "--", "-1", "9" * 400, "\udcff", "\x1b[31m", "\u00e9", "../x", "a" * 5000]


@pytest.mark.parametrize("odd", WORDS, ids=lambda odd: ascii(odd[:10]))
def test_odd_arguments_are_refused_in_words(folder: Path, odd: str) -> None:
    """In one process, as above; and no draft is left."""
    (folder / "release").write_bytes(World().signed(World().release()).raw)
    create_key_file(folder / "key", "a", b"open sesame", strength="interactive")
    names = {name: folder / name for name in ("release", "root", "new", "key")}
    for line in ARGUMENTS:
        words, said = [word.format(odd=odd, **names) for word in line.split(" ")], io.StringIO()
        code = run(words, Outside(clock=now, out=said, err=said, interactive=False, color=False))
        assert code in {1, 2, 10, 20, 22}, (line, said.getvalue())
        assert "\x1b" not in said.getvalue(), line
        assert len(said.getvalue()) < 3000, line
        assert not (folder / "new").exists(), line


@pytest.mark.parametrize("odd", ["empty", "folder", "binary", "loop", "endless", "pipe"])
def test_the_store_and_the_device_refuse_at_once(folder: Path, odd: str) -> None:
    """A pipe that nobody writes to, and a file without an end, must not hold them."""
    for line in OTHERS:
        words = [word.replace("{odd}", odd) for word in line.split(" ")]
        done = subprocess.run(
            [str(BIN / words[0]), *words[1:]],
            cwd=folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
        )
        assert done.returncode in {2, 11, 12, 20, 24}, (line, done)
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith(f"{words[0]}: "), (line, done)
        assert "hint: " in done.stderr, line
        shutil.rmtree(folder / "new", ignore_errors=True)


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a\u202eb", "a\nb", "a\udcffb"], ids=ascii)
def test_a_name_never_moves_the_cursor_of_who_reads_about_it(tmp_path: Path, name: str) -> None:
    """The attack: an unpacked archive with a file whose name rewrites what the terminal shows."""
    path = tmp_path / name
    path.mkdir()
    lines = (["sealring", "show"], ["sealring-store", "status"], ["sealring-device", "status", "--state"])
    for words in lines:
        done = subprocess.run([str(BIN / words[0]), *words[1:], str(path)], capture_output=True, text=True, timeout=60)
        assert done.returncode in {11, 12}
        assert all(line.isprintable() for line in done.stderr.splitlines()), done.stderr
        assert len(done.stderr.splitlines()) == 2
