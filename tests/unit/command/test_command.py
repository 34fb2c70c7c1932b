"""The command at a terminal, in a script, and without what it needs."""

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from sealring.chain import read_claim
from sealring.command.app import sealring as group
from sealring.command.main import run
from sealring.command.output import clean
from sealring.command.outside import Outside, real
from sealring.keyfile import create_key_file, public_file
from tests.stores import now
from tests.world import Key, World

SECRET = b"open sesame"
PROGRAM = str(Path(sys.executable).parent / "sealring")


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def sealring(*arguments: str, out: io.StringIO | None = None, color: bool = False) -> tuple[int, str, str]:
    """One run of the command: exit code, stdout, stderr."""
    out, err = out or io.StringIO(), io.StringIO()
    code = run(arguments, Outside(clock=now, out=out, err=err, interactive=False, color=color))
    return code, out.getvalue(), err.getvalue()


def at_a_terminal(folder: Path, arguments: list[str], answers: dict[str, str]) -> tuple[int, str]:
    """Run the program on a terminal of its own, answer its questions, and tell its exit code and all that it showed."""
    leader, follower = pty.openpty()
    done = subprocess.Popen(
        [PROGRAM, *arguments], cwd=folder, stdin=follower, stdout=follower, stderr=follower, start_new_session=True
    )
    os.close(follower)
    shown, waiting = b"", dict(answers)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            part = os.read(leader, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
        for question in [q for q in waiting if q.encode() in shown]:
            os.write(leader, waiting.pop(question).encode() + b"\n")
    os.close(leader)
    return done.wait(30), shown.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a root, its draft, and the key of one of its holders."""
    public = create_key_file(tmp_path / "a.key", "a", SECRET, strength="interactive")
    (tmp_path / "a.pub").write_bytes(public_file(public))
    (tmp_path / "pass").write_bytes(SECRET)
    key = str(tmp_path / "a.pub")
    keys = ["--root-key", key, "--root-threshold", "1", "--brand-key", key, "--brand-threshold", "1"]
    assert sealring("create", "root", *keys, "-o", str(tmp_path / "root.json"))[0] == 0
    return tmp_path


def test_a_person_is_shown_the_review_then_asked_then_signs(folder: Path) -> None:
    """SPEC KY-6: the passphrase is typed at a prompt that does not echo it."""
    answers = {"sign this as a?": "y", "passphrase of a": SECRET.decode()}
    code, shown = at_a_terminal(folder, ["sign", "root.json", "--key", "a.key"], answers)
    assert code == 0, shown
    assert shown.index("version 1 of the root") < shown.index("sign this as a?") < shown.index("signed by a")
    assert SECRET.decode() not in shown
    assert len(read_claim((folder / "root.json").read_bytes()).envelope.signatures) == 1


def test_a_person_who_says_no_has_signed_nothing(folder: Path) -> None:
    before = (folder / "root.json").read_bytes()
    code, shown = at_a_terminal(folder, ["sign", "root.json", "--key", "a.key"], {"sign this as a?": "n"})
    assert code == 130, shown
    assert (folder / "root.json").read_bytes() == before


def test_a_new_passphrase_is_typed_twice(tmp_path: Path) -> None:
    answers = {"passphrase of b:": "one phrase", "Repeat for confirmation:": "one phrase"}
    code, shown = at_a_terminal(tmp_path, ["key", "create", "b.key", "--name", "b", "--kdf", "interactive"], answers)
    assert code == 0, shown
    assert "one phrase" not in shown


def test_ctrl_c_ends_with_130_and_changes_nothing(folder: Path) -> None:
    leader, follower = pty.openpty()
    # A test run that was started in the background ignores Ctrl-C, and so would the program.
    command = ["env", "--default-signal=INT", PROGRAM, "sign", "root.json", "--key", "a.key"]
    done = subprocess.Popen(
        command, cwd=folder, stdin=follower, stdout=subprocess.PIPE, stderr=follower, start_new_session=True
    )
    os.close(follower)
    shown = b""
    while b"sign this" not in shown:
        shown += os.read(leader, 4096)
    # A signal just before a read begins is seen only after it, so a person would press the keys again.
    for _ in range(100):
        done.send_signal(signal.SIGINT)
        try:
            done.wait(0.3)
            break
        except subprocess.TimeoutExpired:
            continue
    assert done.returncode == 130
    assert done.stdout is not None
    done.stdout.close()
    os.close(leader)
    assert read_claim((folder / "root.json").read_bytes()).envelope.signatures == {}


def test_colour_is_for_terminals_that_want_it(folder: Path) -> None:
    """NO_COLOR is obeyed, and a pipe gets plain lines."""
    root = str(folder / "root.json")
    assert "\x1b[36m" in sealring("show", root, out=Terminal(), color=True)[1]
    assert "\x1b" not in sealring("show", root, out=Terminal())[1], "not even bold"
    for width in map(len, sealring("show", root, out=Terminal())[1].splitlines()):
        assert width <= 80
    assert "\x1b" not in sealring("show", root, color=True)[1]
    assert not real({"NO_COLOR": "1"}).color
    assert real({}).color


def test_an_error_with_json_is_one_object(folder: Path) -> None:
    code, out, err = sealring("verify", str(folder / "root.json"), "--root", str(folder / "root.json"), "--json")
    assert (code, out) == (21, "")
    assert json.loads(err)["rule"] == "TH-1"
    code, _, err = sealring("verify", "--json")
    assert code == 2
    assert set(json.loads(err)) == {"rule", "message", "hint"}


def test_without_the_team_extra_it_says_what_to_install(tmp_path: Path) -> None:
    """An install of the bare core, played by a Python that sees nothing but the core's own source."""
    core = Path(__file__).resolve().parents[3] / "trust"
    look = f"import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p] + [{str(core)!r}]\n"
    look += "from sealring.command.main import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", look], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "pip install 'sealring[team]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_of_another_type_is_no_predecessor(folder: Path) -> None:
    """SPEC ST-6: a difference from something else would say nothing."""
    world = World()
    (folder / "brand.json").write_bytes(world.signed(world.brand()).raw)
    code, _, err = sealring("review", str(folder / "root.json"), "--replaces", str(folder / "brand.json"))
    assert code == 24
    assert "[ST-6]" in err
    code, _, err = sealring("create", "root", "--replaces", str(folder / "brand.json"), "-o", str(folder / "x"))
    assert code == 24
    assert not (folder / "x").exists()


def test_verify_walks_the_chain_as_a_device_does(tmp_path: Path) -> None:
    """SPEC TM-1, AU-1: an expired brand stands behind nothing, and a brand speaks for itself only."""
    world = World(at=now())
    statements = {
        "root": world.root,
        "acme": world.signed(world.brand()),
        "evil": world.signed(world.brand("evil")),
        "release": world.signed(world.release()),
        "short": world.signed(world.brand("short", expires=world.at.replace(year=world.at.year + 1))),
    }
    for name, envelope in statements.items():
        (tmp_path / name).write_bytes(envelope.raw)
    root = ["--root", str(tmp_path / "root")]
    release, acme, evil = (str(tmp_path / name) for name in ("release", "acme", "evil"))
    assert sealring("verify", release, *root, "--brand", acme)[0] == 0
    assert sealring("verify", release, *root, "--brand", evil)[0] == 24
    late = (world.at.replace(year=world.at.year + 3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    code, _, err = sealring("verify", release, *root, "--brand", acme, "--at", late)
    assert code == 22
    assert "root 1: expired" in err


@pytest.mark.parametrize("text", ["\x1b[31m", "a\nb", "\u202eabc", "x" * 1000])
def test_text_of_a_stranger_is_made_harmless(text: str) -> None:
    """The attack: a file or an answer that moves the cursor and rewrites what the person reads."""
    shown = clean(text)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) <= 303


def _commands(at: click.Command, path: list[str]) -> list[list[str]]:
    below = at.commands.items() if isinstance(at, click.Group) else []
    return [path, *(found for name, one in below for found in _commands(one, [*path, name]))]


def _at(path: list[str]) -> click.Command:
    found: click.Command = group
    for name in path:
        assert isinstance(found, click.Group)
        found = found.commands[name]
    return found


@pytest.mark.parametrize("path", _commands(group, []), ids=" ".join)
def test_help_begins_with_examples_that_name_real_options(path: list[str]) -> None:
    done = subprocess.run([PROGRAM, *path, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    begin, _, rest = done.stdout.partition("Examples:")
    assert len(begin.splitlines()) <= 3
    assert rest.strip().startswith("sealring")
    examples, _, options = rest.partition("Options:")
    # A group's examples are those of its commands, whose options stand in their own help.
    if isinstance(_at(path), click.Group):
        return
    assert set(re.findall(r"--[a-z-]+", examples)) <= set(re.findall(r"--[a-z-]+", options))


def test_a_world_key_never_passes_for_a_holder(folder: Path) -> None:
    """SPEC TH-1: signing by a key that no set lists is refused before the passphrase is asked for."""
    create_key_file(folder / "b.key", "b", SECRET, strength="interactive")
    (folder / "w.pub").write_bytes(public_file(Key("w").public))
    code, _, err = sealring("sign", str(folder / "root.json"), "--key", str(folder / "b.key"), "--yes")
    assert code == 21
    assert "sign with one of: a" in err
