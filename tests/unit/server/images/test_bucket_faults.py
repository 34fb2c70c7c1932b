"""A bucket that is away, slow, not there or not the store's: clean errors, and nothing half visible (SPEC PB-3)."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from sealring_server import settings
from sealring_server.images.bucket import PIECE
from sealring_server.images.chosen import BadImages, images_of
from sealring_server.images.driver import Images
from sealring_server.images.errors import ImagesUnreachable, OtherOffset
from tests.rigs.s3 import S3, SECRET

IMAGE = b"an image" * 1000
DIGEST = sha256(IMAGE).hexdigest()

EVERYTHING: list[tuple[str, Callable[[Images], Any]]] = [
    ("check", lambda images: images.check()),
    ("received", lambda images: images.received("a", DIGEST)),
    ("append", lambda images: images.append("a", DIGEST, 0, BytesIO(IMAGE), len(IMAGE))),
    ("put", lambda images: images.put(DIGEST, len(IMAGE), BytesIO(IMAGE))),
    ("part", lambda images: images.part(DIGEST, 0, 10)),
    ("drop", lambda images: images.drop("a", [DIGEST])),
    ("collect", lambda images: images.collect(set, 0)),
    ("digests", lambda images: list(images.digests())),
]


@pytest.fixture(params=["no bucket", "other secret", "refused"])
def away(request: pytest.FixtureRequest, s3: S3, tmp_path: Path) -> Images:
    """A bucket that can't be used."""
    if request.param == "other secret":
        return images_of(s3.settings("faults", secret="another-secret"), tmp_path)
    said = s3.settings("faults", port=1 if request.param == "refused" else 0)
    if request.param == "no bucket":
        said = settings.Images("s3://no-such-bucket/x", said.endpoint, "us-east-1", said.credentials)
    return images_of(said, tmp_path)


@pytest.mark.parametrize(("name", "call"), EVERYTHING, ids=[name for name, _ in EVERYTHING])
def test_each_way_to_be_away_is_one_clean_error(away: Images, name: str, call: Callable[[Images], Any]) -> None:
    """PB-3: it says 503 and to try again, and neither the secret nor what the bucket said stands in its words."""
    with pytest.raises(ImagesUnreachable) as caught:
        call(away)
    said = f"{caught.value} {caught.value.hint()} {name}"
    assert (caught.value.status, caught.value.retry_after > 0) == (503, True)
    assert SECRET not in said
    assert "secret" not in said
    assert "<" not in said


@contextlib.contextmanager
def cutting(port: int, after: int) -> Iterator[int]:
    """A way to a port on which every connection is cut after so many bytes of what is sent; its own port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", port)) as far, contextlib.suppress(OSError):
            back = threading.Thread(target=copy, args=(far, near, 10**12), daemon=True)
            back.start()
            copy(near, far, after)
            for each in (near, far):
                each.shutdown(socket.SHUT_RDWR)

    def copy(source: socket.socket, to: socket.socket, left: int) -> None:
        with contextlib.suppress(OSError):
            while left > 0 and (some := source.recv(min(65536, left))):
                to.sendall(some)
                left -= len(some)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.close()


@pytest.mark.timeout(120)
def test_a_line_to_the_bucket_that_is_cut_leaves_what_was_stored(s3: S3, tmp_path: Path) -> None:
    """PB-3, PB-11: each connection carries one piece and a half; the next process goes on from what is there."""
    image = b"0123456789abcdef" * (2 * PIECE // 16) + b"end"
    digest = sha256(image).hexdigest()
    with cutting(s3.port, PIECE + PIECE // 2) as port:
        images = images_of(s3.settings("cut", port=port), tmp_path)
        with contextlib.suppress(ImagesUnreachable):  # where the tries that are repeated do not get through either
            images.append("a", digest, 0, BytesIO(image), len(image))
    images = images_of(s3.settings("cut"), tmp_path)
    there = images.received("a", digest)
    assert there % PIECE == 0 or there == len(image)
    assert images.append("a", digest, there, BytesIO(image[there:]), len(image)) == len(image)
    assert b"".join(images.part(digest, 0, len(image))) == image


def test_a_piece_that_is_taken_and_can_not_be_read_is_anothers(s3: S3, tmp_path: Path) -> None:
    """PB-11: two requests for one upload, and whoever was first is just being removed: the sender asks where it is."""
    images = images_of(s3.settings("taken"), tmp_path)
    # What versitygw answers while it removes or makes the folders of a name: it is there, and can't be read.
    (s3.buckets / "taken" / "a" / "store" / "incoming" / "a" / DIGEST / ("0" * 20)).mkdir(parents=True)
    with pytest.raises(OtherOffset):
        images.append("a", DIGEST, 0, BytesIO(b"0123"), 8)


def _settings(tmp_path: Path, **changed: str) -> settings.Images:
    path = tmp_path / "s3.toml"
    path.write_text('access_key_id = "a"\nsecret_access_key = "hidden"\n')
    path.chmod(0o600)
    said = {"url": "s3://bucket/prefix", "endpoint": "https://s3.example", "credentials": f"file:{path}"} | changed
    return settings.Images(**said)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"url": "http://bucket/prefix"}, id="no bucket's URL"),
        pytest.param({"url": "s3://key:secret@bucket/prefix"}, id="a secret in the URL"),
        pytest.param({"url": "s3:///prefix"}, id="no bucket"),
        pytest.param({"endpoint": "http://s3.example"}, id="plain http to another machine"),
        pytest.param({"endpoint": "https://key:secret@s3.example"}, id="a secret in the endpoint"),
        pytest.param({"endpoint": "file:///etc"}, id="no endpoint"),
        pytest.param({"credentials": ""}, id="no credentials"),
        pytest.param({"credentials": "credential:s3"}, id="no credential of systemd"),
    ],
)
def test_settings_that_can_not_be_meant_are_refused(tmp_path: Path, changed: dict[str, str]) -> None:
    """PB-3: before anything is sent to anybody."""
    images_of(_settings(tmp_path), tmp_path)
    with pytest.raises(BadImages) as caught:
        images_of(_settings(tmp_path, **changed), tmp_path)
    assert "secret@" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        pytest.param('access_key_id = "a"\nsecret_access_key = "hidden"\n', 0o640, id="others may read it"),
        pytest.param('access_key_id = "a"\n', 0o600, id="half of it"),
        pytest.param('access_key_id = "a"\nsecret_access_key = "hidden"\nendpoint = "x"\n', 0o600, id="more"),
        pytest.param('access_key_id = "a"\nsecret_access_key = 7\n', 0o600, id="a number"),
        pytest.param('secret_access_key = hidden"', 0o600, id="not TOML"),
        pytest.param("#" * 5000, 0o600, id="long"),
    ],
)
def test_a_file_of_credentials_is_private_and_exact(tmp_path: Path, text: str, mode: int) -> None:
    """PB-3: and what it holds is never repeated."""
    said = _settings(tmp_path)
    (tmp_path / "s3.toml").write_text(text)
    (tmp_path / "s3.toml").chmod(mode)
    with pytest.raises(BadImages) as caught:
        images_of(said, tmp_path)
    assert "hidden" not in f"{caught.value} {caught.value.hint()}"
