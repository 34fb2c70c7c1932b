"""The program `sealring` as its user starts it: tokens are found by its environment, one PKCS#11 module a process."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(sys.executable).parent / "sealring"
_OWN = ("PYKCS11LIB", "VAULT_ADDR", "VAULT_TOKEN")


@dataclass(frozen=True)
class Ended:
    """How a run ended, and what it said."""

    code: int
    out: str
    err: str


def sealring(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Ended:
    """One run in this folder, without a terminal; of what names a key store only `environment` is passed on."""
    outside = {name: value for name, value in os.environ.items() if name not in _OWN} | dict(environment or {})
    done = subprocess.run(
        [PROGRAM, *arguments],
        cwd=folder,
        env=outside,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
