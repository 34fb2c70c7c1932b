"""A poll with nothing new is one small request a store, writes nothing, and loads nothing that verifies (SPEC DV-8)."""

import subprocess
import sys
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sealring_client.fetch.errors import NoAnswer
from sealring_client.fetch.fetcher import Answer, Body, Stream
from sealring_client.outside import Outside, Sign
from sealring_client.poll import poll, poll_bytes
from tests.world import NOW

BODY = b"timestamp"
DIGEST = sha256(BODY).hexdigest()


class Stamp:
    """A store that has a timestamp and nothing else."""

    def __init__(self, body: bytes | None, etag: str | None = '"e"') -> None:
        self.body, self.etag = body, etag

    def fetch(self, path: str, *, limit: int) -> bytes:
        raise NoAnswer("stamp", path, str(limit))

    def fetch_if_changed(self, path: str, *, etag: str | None, limit: int) -> Answer:
        if self.body is None or path != "tuf/timestamp.json" or limit > 16 * 1024:
            raise NoAnswer("stamp", path, "down")
        return Answer(None if etag == self.etag else self.body, self.etag)

    def fetch_answer(self, path: str, *, limit: int) -> Body:
        raise NoAnswer("stamp", path, str(limit))

    def stream(self, path: str, *, offset: int, size: int, rate: int | None = None, sign: Sign | None = None) -> Stream:
        raise NoAnswer("stamp", path, f"{offset} {size} {rate} {sign}")

    def post(self, path: str, body: bytes, *, seconds: float) -> int:
        raise NoAnswer("stamp", path, f"{len(body)} {seconds}")

    def close(self) -> None:
        """There is no connection."""


def world(folder: Path, store: Stamp, **more: Any) -> Outside:
    """A settled device that held `BODY` when it was last whole."""
    (folder / "generations/1/acme").mkdir(parents=True)
    for link in ("current", "good"):
        (folder / link).symlink_to("generations/1")
    kept = {"name": "acme/main", "urls": ["http://a.test"], "etag": '"e"', "sha256": DIGEST, **more}
    (folder / "poll.json").write_bytes(poll_bytes("2026-03-02T00:00:00Z", "2026-01-01T00:00:00Z", [kept]))
    return Outside(lambda _: store, lambda: NOW, lambda _: None, lambda *_: None)


@pytest.mark.parametrize(
    ("store", "answer"),
    [
        pytest.param(Stamp(b"other"), "same", id="304"),
        pytest.param(Stamp(BODY, '"f"'), "same", id="the same bytes under another etag"),
        pytest.param(Stamp(b"other", '"f"'), None, id="other bytes"),
        pytest.param(Stamp(None), "unreachable", id="no answer"),
    ],
)
def test_only_the_same_timestamp_means_nothing_new(store: Stamp, answer: str | None, tmp_path: Path) -> None:
    found = poll(tmp_path, world(tmp_path, store), running=True)
    assert (found and found.stores) == (answer and {"acme/main": answer})


def test_at_the_deadline_the_check_is_whole(tmp_path: Path) -> None:
    """SPEC DV-8: "nothing new" is not said of what may have expired; a clock behind the floor counts as the floor."""
    outside = world(tmp_path, Stamp(BODY))
    for at, quiet in ((NOW + timedelta(hours=11), True), (NOW + timedelta(hours=12), False)):
        later = Outside(outside.connect, lambda at=at: at, outside.sleep, outside.progress)  # type: ignore[misc]
        assert (poll(tmp_path, later, running=True) is not None) == quiet
    raw = (tmp_path / "poll.json").read_bytes()
    (tmp_path / "poll.json").write_bytes(raw.replace(b"2026-01-01", b"2026-03-05"))
    assert poll(tmp_path, outside, running=True) is None


@pytest.mark.parametrize("rot", [b"", b"[]", b"{}", b'{"format":1}', b'{"format":2}', b"\xff", b"[" * 9999])
def test_a_damaged_file_means_a_whole_check(rot: bytes, tmp_path: Path) -> None:
    outside = world(tmp_path, Stamp(BODY))
    (tmp_path / "poll.json").write_bytes(rot)
    assert poll(tmp_path, outside, running=True) is None


def test_an_unfinished_trial_or_a_lost_mount_means_a_whole_refresh(tmp_path: Path) -> None:
    """SPEC DV-1: after a restart nothing is mounted, and an interrupted trial is still to be undone."""
    outside = world(tmp_path, Stamp(BODY))
    (tmp_path / "generations/1/acme/tool").symlink_to(tmp_path)
    assert poll(tmp_path, outside, running=True) is None
    assert poll(tmp_path, outside, running=False) is not None
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to("generations/2")
    assert poll(tmp_path, outside, running=False) is None


def test_a_poll_loads_nothing_that_verifies() -> None:
    """SPEC DV-8: a device polls often; parsing and cryptography cost ten times the request."""
    code = (
        "import sys; import sealring_client.command.main, sealring_client.poll; "
        "from sealring_client.outside import real_outside; real_outside(print); "
        "print([m for m in ('msgspec', 'nacl', 'tuf', 'cryptography', 'securesystemslib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "[]", done.stderr
