"""`sealring publish`: several statements and images to a store, all at once or not at all (SPEC PB-8)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from sealring.chain import Claim
from sealring.command.bundles import load_claims
from sealring.command.files import EXISTING, about, json_option, measure
from sealring.command.output import Output, Sheet
from sealring.command.outside import Outside
from sealring.command.publish_dry_run import as_object, ask, sheet
from sealring.command.sending import send
from sealring.command.store_http import StoreClient
from sealring.command.terms import Terms, announced
from sealring.command.uploading import ImageFile
from sealring.names import Url
from sealring.statement import RevisionStatement

if TYPE_CHECKING:
    from sealring.command.receipt import Receipt


_url = msgspec.json.Decoder(Url)


@click.command(
    **about(
        "Publish signed statements (or bundles of them) and their images, all at once or not at all. The store's"
        " receipt is checked; with --tuf-root its signatures too. A signature is the permission: there is no account."
        " Whatever breaks off, the same command goes on where it was.",
        "sealring publish https://store.example release-2.json tool-2.json --image tool-2.squashfs \\",
        "    --tuf-root 1.root.json",
        "sealring publish https://store.example countersigned/*.json --next acme-2.json",
        "sealring publish https://store.example release-2.json tool-2.json --dry-run",
    )
)
@click.argument("url")
@click.argument("files", nargs=-1, required=True, type=EXISTING, metavar="FILES...")
@click.option(
    "--image", "images", type=EXISTING, multiple=True, help="An image that a revision names; repeat for each."
)
@click.option(
    "--images",
    "folders",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    metavar="FOLDER",
    help="A folder: each file in it that a revision names is an image; the others stay.",
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
@click.option(
    "--dry-run",
    is_flag=True,
    help="Ask the store what would change for which models; nothing does.",
)
@click.option("--quiet", is_flag=True, help="Print neither progress nor result: the exit code says it.")
@json_option
@click.pass_obj
def publish(
    outside: Outside,
    url: str,
    files: tuple[Path, ...],
    images: tuple[Path, ...],
    folders: tuple[Path, ...],
    tuf_root: Path | None,
    following: tuple[Path, ...],
    cut: bool,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """One publication."""
    from sealring.command.receipt import root_of, verify_receipt
    from sealring.command.tuf_files import load_tuf_root

    store, output = StoreClient(_checked_url(url)), Output(outside)
    claims = [claim for path in files for claim in load_claims(path)]
    terms = Terms(announced(following), cut)
    root_of([*claims, *terms.following])
    ready = _found(claims, folders) | _matched(claims, images)
    pinned = load_tuf_root(tuf_root) if tuf_root else None
    if dry_run:
        found = ask(outside, store, claims, terms)
        if as_json:
            output.object(as_object(url, found, claims, ready, terms))
        else:
            output.sheet(sheet(url, found, claims, ready, terms))
        return
    raw = send(outside, store, claims, ready, terms, quiet=quiet or as_json)
    receipt = verify_receipt(raw, claims, pinned, outside.clock())
    if as_json:
        output.object(_object(receipt, claims))
    elif not quiet:
        _show_receipt(output, receipt, claims)


def _checked_url(url: str) -> str:
    try:
        return _url.decode(msgspec.json.encode(url.rstrip("/")))
    except (msgspec.MsgspecError, ValueError):
        raise click.UsageError(f"{url!a:.100} is no address such as https://store.example") from None


def _matched(claims: Sequence[Claim], paths: Sequence[Path]) -> dict[str, ImageFile]:
    """The given images by digest; one that no statement names is a slip, said before anything is sent."""
    named, found = _named(claims), dict[str, ImageFile]()
    for path in paths:
        digest, size = measure(path)
        if digest not in named:
            raise click.UsageError(f"{path}: no revision among the files names its digest {digest}")
        found[digest] = ImageFile(path, digest, size)
    return found


def _found(claims: Sequence[Claim], folders: Sequence[Path]) -> dict[str, ImageFile]:
    """The images in these folders that statements name, by digest; only files of a signed size are read."""
    named, found = _named(claims), dict[str, ImageFile]()
    sizes = set(named.values())
    for path in (path for folder in folders for path in sorted(folder.iterdir())):
        if path.is_file() and path.stat().st_size in sizes:
            digest, size = measure(path)
            if digest in named:
                found[digest] = ImageFile(path, digest, size)
    return found


def _named(claims: Sequence[Claim]) -> dict[str, int]:
    """Digest and size of each image that a statement names."""
    images = [c.statement.image for c in claims if isinstance(c.statement, RevisionStatement)]
    return {image.sha256: image.size for image in images}


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
