"""The place for images that the settings name, with the credentials for it (SPEC PB-3)."""

import ipaddress
import stat
import tomllib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast
from urllib.parse import urlsplit

from obstore.store import S3Store

from sealring.errors import SealringError
from sealring_server import settings
from sealring_server.images.bucket import ImageBucket
from sealring_server.images.driver import Images
from sealring_server.images.folder import ImageFolder
from sealring_server.surroundings import credentials_folder

if TYPE_CHECKING:
    from obstore.store import S3Config

MAX_FILE = 4096  # bytes
SECONDS = timedelta(seconds=60)  # for one request; a piece of 5 MiB at 90 kB a second
CONNECT = timedelta(seconds=5)
TRIES = 3  # after the first
ALL_TRIES = timedelta(seconds=30)


@dataclass(eq=False)
class BadImages(SealringError):
    """Settings or credentials for the images that can't be used."""

    what: str
    reason: str
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"

    def hint(self) -> str:
        return 'docs/operating.md, section "Images in a bucket", shows what belongs there'


def images_of(said: settings.Images, folder: Path) -> Images:
    """Where the images of a store are.

    Args:
        said: `[images]` of its settings.
        folder: the store's.

    Raises:
        BadImages, OSError.
    """
    if not said.url:
        return ImageFolder(folder / "blobs")
    parts = urlsplit(said.url)
    if parts.scheme != "s3" or not parts.hostname or parts.netloc != parts.hostname or parts.query or parts.fragment:
        raise BadImages("images.url", "s3://BUCKET/PREFIX needed")
    config: S3Config = {
        "region": said.region or "us-east-1",
        "checksum_algorithm": "SHA256",
        "conditional_put": "etag",
        **_credentials(said.credentials),
    }
    if said.endpoint:
        config["endpoint"] = _endpoint(said.endpoint)
    is_plain = said.endpoint.startswith("http:")
    store = S3Store(
        parts.hostname,
        prefix=parts.path.strip("/") or None,
        config=config,
        client_options={"allow_http": is_plain, "timeout": SECONDS, "connect_timeout": CONNECT},
        retry_config={"max_retries": TRIES, "retry_timeout": ALL_TRIES},
    )
    return ImageBucket(said.url, store)


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise BadImages("images.endpoint", "https://HOST needed")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise BadImages("images.endpoint", "http only on this machine itself: the bucket's answers must not be changed")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _credentials(place: str) -> "S3Config":
    """The key for the bucket; the file may be read by its owner only."""
    kind, _, name = place.partition(":")
    if kind == "credential":
        folder = credentials_folder()
        if folder is None:
            raise BadImages("images.credentials", f"no credential {name}: systemd gave this process none")
        path = folder / name
    elif kind == "file":
        path = Path(name)
    else:
        raise BadImages("images.credentials", "file:PATH or credential:NAME needed")
    with path.open("rb") as file:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise BadImages(str(path), "others than its owner may read it; chmod 600")
        raw = file.read(MAX_FILE + 1)
    try:
        found = tomllib.loads(raw.decode()) if len(raw) <= MAX_FILE else {}
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise BadImages(str(path), "not TOML") from None  # and no word of what it holds
    known = {"access_key_id", "secret_access_key", "session_token"}
    if not {"access_key_id", "secret_access_key"} <= found.keys() <= known:
        raise BadImages(str(path), "access_key_id and secret_access_key needed, session_token may be there")
    if not all(isinstance(value, str) and value for value in found.values()):
        raise BadImages(str(path), "each member is a text")
    return cast("S3Config", found)
