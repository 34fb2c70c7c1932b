"""Rigs find their components through `need`, which fails where one is missing: the set-up installs them all."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rigs.components import path_of


@pytest.fixture
def need() -> Callable[[str], Path]:
    """`need("strace")` is the program's path; the test fails where it is missing."""
    return path_of
