"""What the tests of `sealring create` share: one run of the command, and files to give it."""

import io
import json
from pathlib import Path
from typing import Any

from sealring.command.main import run
from sealring.command.outside import Outside
from sealring.envelope import seal
from sealring.keyfile import public_file
from sealring.keys import PublicKey
from sealring.statement import Common
from sealring.strict import encode
from tests.stores import make_folder
from tests.world import NOW, Key, World

WORLD = World()


class Desk:
    """A folder in which somebody makes drafts, at the world's instant."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made = 0

    def sealring(self, *arguments: str) -> tuple[int, str, str]:
        """One run: exit code, stdout, stderr."""
        out, err = io.StringIO(), io.StringIO()
        words = [word.replace("{desk}", str(self.folder)) for word in arguments]
        code = run(words, Outside(clock=lambda: NOW, out=out, err=err, interactive=False, color=False))
        return code, out.getvalue(), err.getvalue()

    def create(self, *arguments: str) -> Path:
        """A new draft."""
        self._made += 1
        path = self.folder / f"draft-{self._made}.json"
        code, _, err = self.sealring("create", *arguments, "-o", str(path))
        assert code == 0, err
        return path

    def refused(self, *arguments: str) -> tuple[int, dict[str, str]]:
        """The exit code and the object of a refusal; nothing may have been written."""
        code, out, err = self.sealring("create", *arguments, "-o", str(self.folder / "refused.json"), "--json")
        assert code, out
        assert not (self.folder / "refused.json").exists()
        found: dict[str, str] = json.loads(err)
        return code, found

    def content(self, path: Path) -> dict[str, Any]:
        """The signed content, as `sealring show --json` tells it."""
        code, out, err = self.sealring("show", str(path), "--json")
        assert code == 0, err
        found: dict[str, Any] = json.loads(out)["content"]
        return found

    def keep(self, name: str, statement: Common) -> Path:
        """A statement of the world, signed, in a file."""
        path = self.folder / name
        path.write_bytes(WORLD.signed(statement).raw)
        return path

    def draft(self, name: str, statement: Common) -> Path:
        """A statement of the world that nobody has signed."""
        path = self.folder / name
        path.write_bytes(seal(encode(statement), {}).raw)
        return path

    def fill(self) -> None:
        """Keys, images, a root and a TUF root, as the examples name them."""
        for name in "abcd":
            (self.folder / f"{name}.pub").write_bytes(public_file(Key(name).public))
        (self.folder / "q.pub").write_bytes(public_file(later_key()))
        (self.folder / "root.json").write_bytes(WORLD.root.raw)
        (self.folder / "image").write_bytes(b"hsqs and more")
        (self.folder / "kernel").write_bytes(b"a kernel")
        (self.folder / "sbom").write_bytes(b"{}")

    def tuf_root(self) -> Path:
        """A store's TUF root file."""
        return make_folder(WORLD, self.folder / "shop").folder / "1.root.json"


def later_key() -> PublicKey:
    """A key of the family `ml-dsa`."""
    return PublicKey("q", "ml-dsa-65", b"\x01" * 1952)
