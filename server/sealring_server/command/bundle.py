"""`sealring-store bundle`: one file for devices without a network (SPEC BN-6)."""

import argparse
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealring.envelope import MAX_ENVELOPE
from sealring.names import NAME
from sealring.words import Usage
from sealring_server.command.given import Outside, check_url, read_file, show

if TYPE_CHECKING:
    from sealring_server.bundle.gather import Gathered
    from sealring_server.bundle.source import Source

EXAMPLES = (
    "sealring-store bundle shop acme/door-1 -o door.bundle",
    "sealring-store bundle https://store.example acme/door-1 acme/door-2 --root root.json -o doors.bundle",
    "sealring-store bundle shop acme/door-1 --also https://other.example --root root.json -o door.bundle --dry-run",
)


def cmd_bundle(args: argparse.Namespace, outside: Outside) -> None:
    """Make one file with all that devices of some models need, images too, for `sealring-device refresh --bundle`."""
    from sealring_server.bundle.gather import Gathered, gather_models
    from sealring_server.bundle.log_leaves import MAX_KEPT
    from sealring_server.bundle.write import entries_of, write_file

    anchor = _anchor(args, outside)
    # BN-6: all stores of one bundle share the room that it has.
    found = Gathered(log_blocks=max(1, MAX_KEPT // (1 + len(args.also))))
    images: dict[str, Source] = {}
    with ExitStack() as open_sources:
        for place in (args.store, *args.also):
            source = open_sources.enter_context(_source(place, outside))
            gather_models(source, anchor, args.models, found)
            images.update({digest: source for digest in found.images if digest not in images})
        if args.without_images:
            images = {}
        size, digest = 0, ""
        if not args.dry_run:
            size, digest = write_file(args.output, entries_of(found, images))
    _tell(args, found, images, size, digest)


def _tell(args: argparse.Namespace, found: "Gathered", images: "dict[str, Source]", size: int, digest: str) -> None:
    image_bytes = sum(found.images[one] for one in images)
    said: dict[str, Any] = {"would_write" if args.dry_run else "bundle": str(args.output), "models": args.models}
    said |= {"stores": found.stores, "statements": len(found.statements), "images": len(images)}
    said |= {"image_bytes": image_bytes, "told": found.told}
    if not args.dry_run:
        said |= {"bytes": size, "sha256": digest}
    stores = ", ".join(f"{name} at entry {entry}" for name, entry in sorted(found.stores.items()))
    verb = "would write" if args.dry_run else "wrote"
    lines = [f"{verb} {args.output}: {len(found.statements)} statements, {len(images)} images ({image_bytes} bytes)"]
    lines += [f"from {stores}", *(f"told: {one}" for one in found.told)]
    show(args, said, "\n".join(lines))


def _anchor(args: argparse.Namespace, outside: Outside) -> bytes:
    """The root that the person gives; a store's own folder has one, which an address must not choose for him."""
    if args.root is not None:
        return read_file(args.root, MAX_ENVELOPE)
    if any(map(_is_url, (args.store, *args.also))):
        raise Usage("no --root", "what comes from an address is verified from the root that you give")
    with _source(args.store, outside) as source:
        raw = source.root(1)
    assert raw is not None  # a store always has one
    return raw


@contextmanager
def _source(place: str, outside: Outside) -> Iterator["Source"]:
    from sealring_server.audit.asking import Asking, Bounds
    from sealring_server.bundle.by_url import UrlSource
    from sealring_server.bundle.source import folder_source

    if _is_url(place):
        check_url(place)
        with closing(Asking(place, Bounds())) as ask:
            yield UrlSource(ask)
    else:
        with folder_source(Path(place), outside.clock) as source:
            yield source


def _is_url(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def _model(text: str) -> str:
    if not re.fullmatch(f"{NAME}/{NAME}", text) or len(text) > 81:
        raise argparse.ArgumentTypeError(f"{text!a:.100} is no BRAND/NAME of a model")
    return text


def add_bundle(commands: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    """Its arguments."""
    bundle = command(commands, "bundle", cmd_bundle, *EXAMPLES)
    bundle.add_argument("store", metavar="DIR|URL", help="a store's or mirror's folder, or its address")
    bundle.add_argument("models", nargs="+", type=_model, metavar="BRAND/NAME", help="the models of the devices")
    bundle.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the bundle")
    root_help = "the root assertion that you trust; needed for an address"
    bundle.add_argument("--root", type=Path, metavar="FILE", help=root_help)
    also_help = "another of the models' stores, where several must agree; repeat for each"
    bundle.add_argument("--also", action="append", default=[], metavar="DIR|URL", help=also_help)
    bundle.add_argument("--without-images", action="store_true", help="statements, proofs and TUF files only")
    bundle.add_argument("--dry-run", action="store_true", help="gather and verify all of it, and write nothing")
