"""`sealring publish`: several statements and images to a store, all at once or not at all (SPEC PB-8)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import click
import msgspec
from msgspec import Meta
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from sealring.bundle import StatementEntry, write_bundle
from sealring.chain import Claim
from sealring.command.bundles import load_claims
from sealring.command.files import EXISTING, about, json_option, measure
from sealring.command.output import Output, Sheet
from sealring.command.outside import Outside
from sealring.command.store_http import BadAnswer, Counted, StoreClient
from sealring.command.terms import Terms, announced
from sealring.errors import TrustError
from sealring.names import Bytes, Sha256Hex, Url
from sealring.statement import RevisionStatement

if TYPE_CHECKING:
    from sealring.command.receipt import Receipt

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
_url = msgspec.json.Decoder(Url)


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


@click.command(
    **about(
        "Publish signed statements (or bundles of them) and their images, all at once or not at all. The store's"
        " receipt is checked; with --tuf-root its signatures too. A signature is the permission: there is no account.",
        "sealring publish https://store.example release-2.json tool-2.json --image tool-2.squashfs \\",
        "    --tuf-root 1.root.json",
        "sealring publish https://store.example countersigned/*.json --next acme-2.json",
        "sealring publish https://store.example release-2.json --dry-run",
    )
)
@click.argument("url")
@click.argument("files", nargs=-1, required=True, type=EXISTING, metavar="FILES...")
@click.option(
    "--image", "images", type=EXISTING, multiple=True, help="An image that a revision names; repeat for each."
)
@click.option("--tuf-root", type=EXISTING, help="The store's TUF root in force, to check the receipt's signatures.")
@click.option(
    "--next",
    "following",
    type=EXISTING,
    multiple=True,
    help="The next root, brand or delegation, signed by today's keys: not published, its keys' signatures are kept.",
)
@click.option("--cut", is_flag=True, help="Publish other keys even where nobody vouches any more for what is released.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent; send nothing.")
@json_option
@click.pass_obj
def publish(
    outside: Outside,
    url: str,
    files: tuple[Path, ...],
    images: tuple[Path, ...],
    tuf_root: Path | None,
    following: tuple[Path, ...],
    cut: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """One publication."""
    from sealring.command.receipt import root_of, verify_receipt
    from sealring.command.tuf_files import load_tuf_root

    store, output = StoreClient(_checked_url(url)), Output(outside)
    claims = [claim for path in files for claim in load_claims(path)]
    terms = Terms(announced(following), cut)
    root_of([*claims, *terms.following])
    ready = _matched(claims, images)
    pinned = load_tuf_root(tuf_root) if tuf_root else None
    if dry_run:
        if as_json:
            output.object(_plan(url, claims, ready, terms))
        else:
            _show_plan(output, url, claims, ready, terms)
        return
    raw = send(outside, store, claims, ready, terms, quiet=as_json)
    receipt = verify_receipt(raw, claims, pinned, outside.clock())
    if as_json:
        output.object(_object(receipt, claims))
    else:
        _show_receipt(output, receipt, claims)


def send(
    outside: Outside,
    store: StoreClient,
    claims: Sequence[Claim],
    images: dict[str, ImageFile],
    terms: Terms,
    *,
    quiet: bool,
) -> bytes:
    """The publication's three steps; the receipt, unverified.

    Args:
        quiet: no progress bar.

    Raises:
        StoreUnreachable, StoreRefused, BadAnswer, ImageNeeded: and then nothing was published.
    """
    bundle = write_bundle([StatementEntry(claim.envelope.raw) for claim in (*claims, *terms.following)])
    if len(bundle) > MAX_STATEMENTS:
        raise click.UsageError(f"{len(bundle)} bytes of statements, at most {MAX_STATEMENTS} in one publication")
    try:
        begun = _begun.decode(store.post(f"/v1/publications{terms.query}", bundle, BUNDLE_TYPE, status=201))
    except (msgspec.MsgspecError, ValueError):
        raise BadAnswer("no publication token and list of missing images") from None
    wanted = [_wanted(missing, images) for missing in begun.missing]
    with _progress(outside, 0 if quiet else sum(image.size for image in wanted)) as tell:
        for image in wanted:
            with open(image.path, "rb") as stream:
                path = f"/v1/publications/{begun.publication}/blobs/{image.sha256}"
                store.put(path, Counted(stream, tell), image.size)
    return store.post(f"/v1/publications/{begun.publication}/commit{terms.query}", b"", BUNDLE_TYPE, status=200)


def _checked_url(url: str) -> str:
    try:
        return _url.decode(msgspec.json.encode(url.rstrip("/")))
    except (msgspec.MsgspecError, ValueError):
        raise click.UsageError(f"{url!a:.100} is no address such as https://store.example") from None


def _matched(claims: Sequence[Claim], paths: Sequence[Path]) -> dict[str, ImageFile]:
    """The given images by digest; one that no statement names is a slip, said before anything is sent."""
    named = {c.statement.image.sha256 for c in claims if isinstance(c.statement, RevisionStatement)}
    found: dict[str, ImageFile] = {}
    for path in paths:
        digest, size = measure(path)
        if digest not in named:
            raise click.UsageError(f"{path}: no revision among the files names its digest {digest}")
        found[digest] = ImageFile(path, digest, size)
    return found


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


def _show_plan(output: Output, url: str, claims: Sequence[Claim], images: dict[str, ImageFile], terms: Terms) -> None:
    rows = [
        ("statement", f"{c.statement.title}, sequence {c.statement.sequence}", f"{len(c.envelope.raw)} bytes")
        for c in claims
    ]
    rows += [
        ("announced, not published", f"{c.statement.title}, sequence {c.statement.sequence}", "")
        for c in terms.following
    ]
    rows += [("a cut is meant", "what nobody vouches for any more falls", "")] if terms.cut else []
    rows += [("image, if missing there", str(image.path), f"{image.size} bytes") for image in images.values()]
    output.sheet(Sheet(f"would be sent to {url}; nothing was", list(rows)))


def _plan(url: str, claims: Sequence[Claim], images: dict[str, ImageFile], terms: Terms) -> dict[str, object]:
    return {
        "dry_run": True,
        "store": url,
        "statements": [
            {"type": c.statement.type, "subject": c.statement.subject, "id": c.envelope.id, "size": len(c.envelope.raw)}
            for c in claims
        ],
        "next": [c.envelope.id for c in terms.following],
        "cut": terms.cut,
        "images": [{"file": str(i.path), "sha256": i.sha256, "size": i.size} for i in images.values()],
    }


def _show_receipt(output: Output, receipt: "Receipt", claims: Sequence[Claim]) -> None:
    signatures = "checked" if receipt.signed else "not checked: give --tuf-root"
    rows = [("published", f"{c.statement.title}, sequence {c.statement.sequence}") for c in claims]
    rows += [("catalogue", f"sequence {receipt.entry.sequence}, {receipt.entry.digest.hex()}")]
    rows += [("proved under map", receipt.entry.map.hex()), ("the store's signatures", signatures)]
    output.sheet(Sheet("published, and proved by the store", list(rows)))


def _object(receipt: "Receipt", claims: Sequence[Claim]) -> dict[str, object]:
    return {
        "published": [{"type": c.statement.type, "subject": c.statement.subject, "id": c.envelope.id} for c in claims],
        "catalogue": {"sequence": receipt.entry.sequence, "sha256": receipt.entry.digest.hex()},
        "map": receipt.entry.map.hex(),
        "signatures_checked": receipt.signed,
    }
