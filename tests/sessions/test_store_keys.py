"""docs/store-keys.md can be followed as it is written: a root of three holders, rotated and renewed under a device."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.sessions.runner import console_blocks, parse_session, run_session

PAGE = Path(__file__).resolve().parents[2] / "docs" / "store-keys.md"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder; a store that still serves there is ended."""
    yield tmp_path
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int((tmp_path / "serve.pid").read_text()), signal.SIGTERM)


@pytest.mark.timeout(900)
def test_the_page_can_be_followed_as_it_is_written(folder: Path) -> None:
    """TF-9: whoever rotates a stolen key is in a hurry: each command, its output, its exit code."""
    steps = parse_session(console_blocks(PAGE.read_text(encoding="utf-8")))
    assert len(steps) > 30
    run_session(steps, folder)
