"""The throw-away keys and assertions that come with the repository are what the walk-through makes."""

import io
import shutil
from pathlib import Path

import pytest

from sealring.chain import read_claim
from sealring.command.files import measure
from sealring.command.main import run
from sealring.command.outside import Outside
from sealring.keyfile import load_key_file, open_key, parse_public_file
from tests.stores import now

pytestmark = pytest.mark.timeout(600)  # a loaded machine took 130 s

MADE = Path(__file__).resolve().parents[2] / "keys_example" / "made"


def sealring(*arguments: str) -> tuple[int, str]:
    """One run of the command: exit code and all that it said."""
    said = io.StringIO()
    return run(arguments, Outside(clock=now, out=said, err=said, interactive=False, color=False)), said.getvalue()


def test_the_assertions_verify_at_the_time_of_their_making() -> None:
    """They expire like any others, so the instant is one at which they were new."""
    at = read_claim((MADE / "root-2.json").read_bytes()).statement.issued.strftime("%Y-%m-%dT%H:%M:%SZ")
    files = [str(MADE / name) for name in ("store.json", "door-1.json", "tool-1.json", "release-1.json")]
    root, brand = str(MADE / "root.json"), str(MADE / "acme.json")
    newer = [str(MADE / name) for name in ("tool-2.json", "release-2.json")]
    assert sealring("verify", *files, "--root", root, "--brand", brand, "--at", at)[0] == 0
    assert (
        sealring("verify", *newer, "--root", root, "--brand", brand, "--brand", str(MADE / "acme-2.json"), "--at", at)[
            0
        ]
        == 0
    )
    roots = ("--root", root, "--root", str(MADE / "root-2.json"), "--brand", brand)
    assert sealring("verify", *files, *roots, "--at", at)[0] == 0


def test_the_images_are_those_that_were_signed() -> None:
    for number in ("1", "2"):
        code, said = sealring("show", str(MADE / f"tool-{number}.json"))
        assert code == 0
        assert measure(MADE / f"tool-{number}.squashfs")[0] in said


@pytest.mark.parametrize("name", ["alice", "bert", "ruth"])
def test_each_key_opens_with_the_passphrase_and_is_the_public_one(name: str, tmp_path: Path) -> None:
    """git keeps no modes, so a checkout's key file is refused until its mode is set (SPEC KY-5)."""
    path = tmp_path / f"{name}.key"
    shutil.copyfile(MADE / f"{name}.key", path)
    path.chmod(0o600)
    with open_key(load_key_file(path), (MADE / "passphrase.txt").read_bytes().strip()) as key:
        assert key.public == parse_public_file((MADE / f"{name}.pub").read_bytes())


def test_every_file_explains_itself() -> None:
    for path in MADE.iterdir():
        if path.suffix in {".json", ".pub", ".key", ".bundle"}:
            code, said = sealring("show", str(path))
            assert code == 0, said
