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
