"""A store whose images lie in a bucket, served by several workers (SPEC PB-3, PB-11, RD-1)."""

import contextlib
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from sealring_server.here import open_store
from sealring_server.images.bucket import PIECE
from sealring_server.images.collecting import collect_apart, collect_images
from sealring_server.making import make_store
from sealring_server.settings import Settings
from tests.rigs.s3 import S3, SECRET
from tests.stores import RunningStore, begin, commit, first_software, next_software, now, patch, tuf_root_signer
from tests.world import World

LARGE = b"0123456789abcdef" * (PIECE // 8) + b"end"


@pytest.mark.timeout(120)
def test_any_worker_goes_on_with_an_upload_and_serves_it(s3: S3, tmp_path: Path) -> None:
    """PB-11: nothing of an upload is in one process; the secret is in no file; ranges come from the bucket."""
    world = World(at=now())
    folder = tmp_path / "store"
    folder.mkdir()
    pin = make_store(
        folder,
        [world.root.raw],
        tuf_root_signer(world),
        lambda: world.at,
        settings=Settings(images=s3.settings("served")),
    )
    store = RunningStore(world, folder, pin)
    store.start(workers=2)
    with contextlib.ExitStack() as ending:
        ending.callback(store.kill)
        store.publish(first_software(world, store, b"image 1"), [b"image 1"])
        digest = sha256(LARGE).hexdigest()
        opened = begin(store.url, next_software(world, LARGE, 2))
        step, there = len(LARGE) // 6 + 1, 0
        while there < len(LARGE):
            answer = patch(store.url, opened.token, LARGE[there : there + step], there, digest)
            there = int(answer.headers["upload-offset"])
        commit(store.url, opened.token)
        assert store.get(f"/v1/blobs/{digest}").body == LARGE
        assert store.get(f"/v1/blobs/{digest}", Range=f"bytes={PIECE - 3}-{PIECE + 3}").body == LARGE[PIECE - 3 :][:7]
        assert store.stop() == 0
    assert not [file for file in folder.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()]
    here = open_store(folder, lambda: world.at)
    here.images.put(sha256(b"orphan").hexdigest(), 6, BytesIO(b"orphan"))
    collect_apart(folder)  # as the store's parent process does; what is new may get its row yet
    assert here.images.size(sha256(b"orphan").hexdigest()) == 6
    assert collect_images(here, before=2.0**40) >= 1
    assert here.images.size(sha256(b"orphan").hexdigest()) is None
    assert here.images.size(digest) == len(LARGE)
    here.database.close()
