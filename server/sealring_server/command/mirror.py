"""`sealring-store mirror`: follow another store, verify all of it, and serve it without a key (SPEC MI-1, MI-2)."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealring.envelope import MAX_ENVELOPE
from sealring.errors import Unreachable
from sealring.names import spell
from sealring.words import Usage
from sealring_server.command.audit import pin_of
from sealring_server.command.given import Outside, check_url, read_file, show

if TYPE_CHECKING:
    from sealring_server.mirror.run import Look, Taken
    from sealring_server.settings import Mirror

EXAMPLES = (
    "sealring-store mirror https://store.example copy --root root.json",
    "sealring-store mirror https://store.example copy --images all --follow 300",
    "sealring-store mirror https://store.example copy --prune",
    "sealring-store serve copy --bind 127.0.0.1:8080",
)
LONGEST = 24 * 3600  # seconds between two looks


def cmd_mirror(args: argparse.Namespace, outside: Outside) -> None:
    """Follow another store, verify all of it, and keep it so that `serve` shows it as it is, without a key."""
    from sealring_server.mirror.folder import make_mirror, open_mirror
    from sealring_server.mirror.run import Look
    from sealring_server.settings import Mirror, Which

    check_url(args.url)
    if args.prune and args.images == "all":
        raise Usage("--prune with --images all", "--prune keeps what is released; give --images released")
    if args.dry_run:
        show(args, *_would_take(args))
        return
    root = read_file(args.root, MAX_ENVELOPE) if args.root is not None else None
    before = _settings(args.dir)
    images: Which = args.images or (before.images if before is not None else "released")
    models = args.model or (before.models if before is not None else [])
    seconds = args.follow or (before.seconds if before is not None else 300)
    make_mirror(args.dir, Mirror(args.url.rstrip("/"), images, models, seconds), root)
    here = open_mirror(args.dir, outside.clock)
    how = Look(pin_of(args), args.prune)
    try:
        _one(args, here, how)
        while args.follow:
            time.sleep(args.follow)
            _again(args, here, how)
    finally:
        here.database.close()


def _again(args: argparse.Namespace, here: Any, how: "Look") -> None:
    """A look of many: what may pass is said, and tried again; what a rule refused ends the command."""
    from sealring.tuf_set import NotCurrent
    from sealring_server.audit.state import StateBusy

    try:
        _one(args, here, how)
    except (Unreachable, NotCurrent, StateBusy) as err:
        print(f"sealring-store: {err}; trying again in {args.follow} seconds", file=sys.stderr, flush=True)


def _one(args: argparse.Namespace, here: Any, how: "Look") -> None:
    from sealring_server.images.errors import OtherBlob
    from sealring_server.mirror.run import look

    done = look(here, how)
    facts, line = _told(args, done)
    show(args, facts, line)
    if done.images.wrong:
        raise OtherBlob(done.images.wrong[0], "the store gave other bytes")


def _told(args: argparse.Namespace, done: "Taken") -> tuple[dict[str, Any], str]:
    entry, images = done.entry, done.images
    facts = {"format": 1, "store": args.url, "entry": entry.sequence, "time": spell(entry.time), "new": done.entries}
    facts |= {"statements": done.found.statements, "images": len(images.came), "lacking": images.lacking}
    facts |= {"pruned": {"images": done.pruned[0], "bytes": done.pruned[1]}}
    facts |= {"requests": done.requests, "bytes": done.received}
    cost = f"{done.requests} requests, {done.received} bytes"
    lines = [
        f"mirrors entry {entry.sequence} of {spell(entry.time)}: {done.entries} new entries, {len(images.came)} images",
        f"judged now: {done.found.statements} statements, {done.found.views} views; {cost}",
    ]
    lines += [f"not here: image {digest}" for digest in images.lacking]
    lines += [f"removed {done.pruned[0]} images, {done.pruned[1]} bytes"] if args.prune else []
    return facts, "\n".join(lines)


def _would_take(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """What the store shows now, by its TUF keys, beside what is here; nothing is written."""
    from contextlib import closing

    from sealring_server.audit.asking import Asking, Bounds
    from sealring_server.audit.observation import Observation, read_files
    from sealring_server.audit.shown import first_root, read_shown
    from sealring_server.audit.state import open_state
    from sealring_server.mirror.folder import KEPT, WITNESS

    folder, held = args.dir / KEPT / WITNESS, 0
    roots: tuple[bytes, ...] = ()
    if (folder / "audit.db").exists():
        with open_state(folder) as state:
            raw, held = state.fact("shown"), state.number("taken")
        roots = Observation.from_files(read_files(raw)).roots if raw is not None else ()
    with closing(Asking(args.url, Bounds(requests=1000))) as ask:
        _, shown = read_shown(ask, roots or (first_root(ask, pin_of(args)),))
    new = shown.entry.sequence - held
    facts = {"format": 1, "store": args.url, "entry": held, "shown": shown.entry.sequence, "new": new}
    return facts, f"would take {new} entries, up to entry {shown.entry.sequence} of {spell(shown.entry.time)}"


def _settings(folder: Path) -> "Mirror | None":
    from sealring_server.settings import load_settings

    return load_settings(folder).mirror


def add_mirror(commands: Any, add: Callable[..., argparse.ArgumentParser]) -> None:
    """The command, as `sealring-store --help` shows it."""
    mirror = add(commands, "mirror", cmd_mirror, *EXAMPLES)
    mirror.add_argument("url", metavar="URL", help="the store's address")
    mirror.add_argument("dir", type=Path, metavar="DIR", help="the mirror's folder; made when it is not there")
    root_help = "the root assertion that devices of this store trust, of any version; needed the first time"
    mirror.add_argument("--root", type=Path, metavar="FILE", help=root_help)
    pin = mirror.add_mutually_exclusive_group()
    pin_help = "the store's TUF root, or its SHA-256; left out, a store assertion that it shows must pin it"
    pin.add_argument("--tuf-root", metavar="FILE|SHA256", help=pin_help)
    pin.add_argument("--assertion", type=Path, metavar="FILE", help="a store assertion, whose pin is taken")
    images_help = "which images are held: of every revision, of what is released (at first), or none"
    mirror.add_argument("--images", choices=("all", "released", "none"), help=images_help)
    model_help = "only images that the view of this model lists (may be repeated); kept for the next run"
    mirror.add_argument("--model", action="append", default=[], metavar="BRAND/NAME", help=model_help)
    often = mirror.add_mutually_exclusive_group()
    often.add_argument("--once", action="store_true", help="one look, which is what happens without --follow")
    often.add_argument("--follow", type=_seconds, metavar="SECONDS", help="look again and again, until it is ended")
    mirror.add_argument("--prune", action="store_true", help="remove images that no current release or stack names")
    mirror.add_argument("--dry-run", action="store_true", help="say what is new there; change nothing")


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:8]) <= LONGEST:
        raise argparse.ArgumentTypeError(f"seconds from 1 to {LONGEST} needed")
    return int(text[:8])
