"""How a publication is sent: statements first, then the images that the store lacks (SPEC PB-8, PB-10)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import click
import msgspec
from msgspec import Meta
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from sealring.bundle import StatementEntry, write_bundle
from sealring.chain import Claim
from sealring.command.outside import Outside
from sealring.command.store_http import BadAnswer, Counted, StoreClient
from sealring.command.terms import Terms
from sealring.errors import TrustError
from sealring.names import Bytes, Sha256Hex

BUNDLE_TYPE = "application/vnd.sealring.bundle"
MAX_STATEMENTS = 4 * 1024 * 1024  # bytes that a store takes in one publication


class Missing(msgspec.Struct, frozen=True):
    """An image that the store wants."""

    sha256: Sha256Hex
    size: Bytes


class Begun(msgspec.Struct, frozen=True):
    """The store's answer to a bundle of statements."""

    publication: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{8,128}\Z")]
    missing: Annotated[list[Missing], Meta(max_length=10_000)]


_begun = msgspec.json.Decoder(Begun)


@dataclass(eq=False)
class ImageNeeded(TrustError):
    """The store wants an image that was not given, or of another size than was signed (SPEC PB-8)."""

    sha256: str
    reason: str
    rule: ClassVar[str] = "PB-8"
    exit_code: ClassVar[int] = 26

    def __str__(self) -> str:
        return f"image {self.sha256}: {self.reason}"

    def hint(self) -> str:
        return "give the file that the revision was made from, with --image FILE"


@dataclass(frozen=True)
class ImageFile:
    """An image on this disk."""

    path: Path
    sha256: str
    size: int


def send(
    outside: Outside,
    store: StoreClient,
    claims: Sequence[Claim],
    images: dict[str, ImageFile],
    terms: Terms,
    *,
    quiet: bool,
) -> bytes:
    """The publication in one request, or in three where the store lacks an image; the receipt, unverified (SPEC PB-10).

    The same again is no news to a store and gets a receipt too: whoever lost the answer asks again.

    Args:
        quiet: no progress bar.

    Raises:
        StoreUnreachable, StoreRefused, BadAnswer, ImageNeeded: and then nothing was published.
    """
    bundle = write_bundle([StatementEntry(claim.envelope.raw) for claim in (*claims, *terms.following)])
    if len(bundle) > MAX_STATEMENTS:
        raise click.UsageError(f"{len(bundle)} bytes of statements, at most {MAX_STATEMENTS} in one publication")
    path = f"/v1/publications{terms.query_with('commit=yes')}"
    status, answer = store.post_either(path, bundle, BUNDLE_TYPE, statuses=(200, 201))
    if status == 200:
        return answer
    try:
        begun = _begun.decode(answer)
    except (msgspec.MsgspecError, ValueError):
        raise BadAnswer("no publication token and list of missing images") from None
    wanted = [_wanted(missing, images) for missing in begun.missing]
    with _progress(outside, 0 if quiet else sum(image.size for image in wanted)) as tell:
        for image in wanted:
            with open(image.path, "rb") as stream:
                path = f"/v1/publications/{begun.publication}/blobs/{image.sha256}"
                store.patch(path, Counted(stream, tell), image.size)
    return store.post(f"/v1/publications/{begun.publication}/commit{terms.query}", b"", BUNDLE_TYPE, status=200)


def _wanted(missing: Missing, images: dict[str, ImageFile]) -> ImageFile:
    image = images.get(missing.sha256)
    if image is None:
        raise ImageNeeded(missing.sha256, "the store has not got it, and it was not given")
    if image.size != missing.size:
        raise ImageNeeded(missing.sha256, f"{missing.size} bytes wanted, the file has {image.size}")
    return image


@contextmanager
def _progress(outside: Outside, total: int) -> Iterator[Callable[[int], None]]:
    """What takes the count of bytes sent; shown on a terminal only, and never where NO_COLOR asks for plain text."""
    if not total or not outside.color or not outside.err.isatty():
        yield lambda _: None
        return
    console = Console(file=outside.err)
    columns = (TextColumn("sending images"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda count: progress.advance(task, count)
