"""docs/first-product.md can be followed as it is written: real keys, a real store, a real device, real images."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sealring_client.apply.mount import unmount
from tests.sessions.runner import console_blocks, parse_session, run_session

PAGE = Path(__file__).resolve().parents[2] / "docs" / "first-product.md"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that a health check's user may pass through; store, mounts and folder are gone afterwards."""
    found = Path(tempfile.mkdtemp(prefix="sealring-first-"))
    found.chmod(0o755)
    try:
        yield found
    finally:
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((found / "serve.pid").read_text()), signal.SIGTERM)
        for place in (found / "device" / "mounts").glob("*"):
            unmount(place)
        shutil.rmtree(found)


def test_the_page_leads_from_nothing_to_a_device_that_updates(folder: Path) -> None:
    """The first thing that a new user tries: each command, its output, its exit code."""
    steps = parse_session(console_blocks(PAGE.read_text(encoding="utf-8")))
    assert len(steps) > 25
    run_session(steps, folder)
