"""A newer edition of everything, made at test time: it knows a made-up format 2 of all ten types (SPEC ST-2, ST-8).

Format 2 has one member more, `note`, which each of its statements must have and no statement of format 1 may have.
The newer edition is this checkout's code with the patches below, run in processes of its own.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealring.envelope import Envelope
from sealring.statement import Brand, Common, Root
from sealring.strict import encode
from tests.stores import REPOSITORY
from tests.world import World, sign

NOTE = "only format 2 has this"
PACKAGES = ("trust/sealring", "server/sealring_server", "client/sealring_client")
COMMON = "sealring/statement/common.py"
PATCHES = (
    (COMMON, "FORMATS = (1,)\n", "FORMATS = (1, 2)\n"),
    (COMMON, "    format: Literal[1]\n", "    format: Literal[1, 2]\n"),
    (
        COMMON,
        "    x: Extra | UnsetType = UNSET\n",
        "    x: Extra | UnsetType = UNSET\n    note: Text | UnsetType = UNSET\n",
    ),
    (
        COMMON,
        "        self.check_instants(self.issued, self.expires)\n",
        (
            "        self.check_instants(self.issued, self.expires)\n"
            "        if (self.format == 2) != isinstance(self.note, str):\n"
            '            raise Malformed(self.title, "format 2, and no other, has a note")\n'
        ),
    ),
)


@dataclass(frozen=True)
class Newer:
    """The newer edition's packages, below one folder."""

    folder: Path

    @classmethod
    def build(cls, folder: Path) -> "Newer":
        """Copy this checkout's packages and change them; each change must fit exactly once."""
        for package in PACKAGES:
            source = REPOSITORY / package
            shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
        for name, old, new in PATCHES:
            text = (folder / name).read_text()
            assert text.count(old) == 1, (name, old, text.count(old))
            (folder / name).write_text(text.replace(old, new))
        return cls(folder)

    def device(self, *words: str | Path) -> tuple[int, dict[str, Any]]:
        """The newer edition's `sealring-device`: exit code, and its answer."""
        code = "import sys; from sealring_client.command.main import main; sys.exit(main())"
        line = [sys.executable, "-c", code, *map(str, words), "--json"]
        env = {**os.environ, "PYTHONPATH": str(self.folder)}
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, env=env, cwd=self.folder)
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, found


def in_format_two(world: World, statement: Common) -> Envelope:
    """The statement in format 2, signed by those who sign it in format 1.

    Args:
        statement: made with `format=2`, which this edition could not read again.
    """
    pattern = rb'("format":2,.*?"expires":"[^"]*")'
    raw, count = re.subn(pattern, rb'\1,"note":"%s"' % NOTE.encode(), encode(statement), count=1)
    assert count == 1
    keys = world.root_keys[:2]
    if isinstance(statement, Brand):
        keys = [*world.brand_role, *world.brand_keys(statement.brand)[:2]]
    elif not isinstance(statement, Root):
        keys = world.brand_keys(statement.authority)[:2]
    return sign(raw, *keys)
