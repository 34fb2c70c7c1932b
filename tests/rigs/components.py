"""Where the system's components are, for rigs and for any other test that runs one."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.run import PACKAGES


def path_of(command: str) -> Path:
    """The path of a component that the set-up installs; the test fails, and never skips, where it is missing.

    Programs of this environment (`granian`, `sealring-device`) count too: they stand beside its Python.
    """
    beside = Path(sys.executable).parent
    found = shutil.which(command, path=f"{beside}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        package = next((n.package for n in PACKAGES if n.shown_by == command), None)
        where = f"Debian package {package}" if package else "not in the set-up's table"
        pytest.fail(f"{command} is missing ({where}): run `python3 tests/run.py setup`", pytrace=False)
    return Path(found)
