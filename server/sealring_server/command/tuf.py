"""`sealring-store tuf`: the store's own keys and metadata (SPEC TF-9, TF-11): show, request, publish, packages."""

import argparse
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sealring.durable import write_durably
from sealring_server.command.given import Outside, kept_keys, public_keys, read_file, show
from sealring_server.command.init import add_kept, pin_words

MAX_DAYS = 3650
Add = Callable[..., argparse.ArgumentParser]


def cmd_show(args: argparse.Namespace, outside: Outside) -> None:
    """What the store's TUF roles are: keys, thresholds, expiry, and what is pending."""
    from sealring_server.here import open_store
    from sealring_server.tuf_show import shown, shown_in_words

    found = shown(open_store(args.dir, outside.clock))
    show(args, found, "\n".join(shown_in_words(found)))


def cmd_request(args: argparse.Namespace, outside: Outside) -> None:
    """Make the request for the next TUF root: new keys, other holders, or another year."""
    from sealring_server.here import open_store
    from sealring_server.key_folder import ONLINE_ROLES
    from sealring_server.tuf_roots import Change, request_root

    kept = kept_keys(args)
    roles = [role for role in ONLINE_ROLES if role in args.rotate or "all" in args.rotate or role in kept]
    change = Change(
        {role: kept.get(role) for role in roles},
        public_keys(args.add_root_key),
        args.remove_root_key,
        args.root_threshold,
        timedelta(days=args.days),
    )
    request = request_root(open_store(args.dir, outside.clock), change)
    version = request.draft.signed.version
    out = args.out or args.dir.parent / f"{args.dir.name}-tuf-root-{version}.request"
    write_durably(out, request.raw)
    words = (
        f"request {request.id} for TUF root {version} in {out}\nnext: every holder runs `sealring sign {out} --key KEY`"
    )
    show(args, {"request": str(out), "id": request.id, "version": version, "rotates": roles}, words)


def cmd_publish(args: argparse.Namespace, outside: Outside) -> None:
    """Publish a TUF root that its holders signed, with all metadata signed anew by the keys that it names."""
    from sealring.request.tuf_root import MAX_ROOT, parse_root, verify_next
    from sealring_server.here import open_store
    from sealring_server.making import finish_store, is_begun
    from sealring_server.tuf_repo import newest_root
    from sealring_server.tuf_roots import publish_root

    raw = read_file(args.root, MAX_ROOT)
    if is_begun(args.dir):
        if args.dry_run:
            found = verify_next(None, raw)
            show(args, {"would_publish": 1}, f"would make the store with {found.name}")
            return
        pin = finish_store(args.dir, raw, outside.clock)
        words = f"store made in {args.dir}\n{pin_words(pin.version, pin.sha256)}"
        show(args, {"version": pin.version, "sha256": pin.sha256}, words)
        return
    here = open_store(args.dir, outside.clock)
    if args.dry_run:
        with here.database.reading() as connection:
            found = verify_next(parse_root(newest_root(connection)), raw)
        show(args, {"would_publish": found.signed.version}, f"would publish {found.name}")
        return
    found = publish_root(here, raw)
    show(args, {"version": found.signed.version}, f"published {found.name}; running servers sign by it from now on")


def cmd_packages(args: argparse.Namespace, outside: Outside) -> None:
    """Turn the role for clients that know TUF only on or off; they trust the store, and no brand's word."""
    from sealring_server.here import open_store
    from sealring_server.tuf_packages import WARNING, turn_off, turn_on
    from sealring_server.tuf_roots import tidy_keys

    here = open_store(args.dir, outside.clock)
    if args.dry_run:
        show(args, {"would_turn": args.state}, f"would turn the role packages {args.state}: {WARNING}")
        return
    changed = turn_on(here) if args.state == "on" else turn_off(here)
    tidy_keys(here)
    words = f"the role packages is {args.state}" + ("" if changed else ", as before")
    show(args, {"packages": args.state, "changed": changed}, words + (f": {WARNING}" if args.state == "on" else ""))


def add_commands(commands: Any, add: Add, group: Callable[[Any, str, str], Any]) -> None:
    """The group and its commands.

    Args:
        add: makes one command, as `main` makes its own.
        group: makes a group of commands, of this name and help.
    """
    tuf = group(commands, "tuf", "the store's own TUF keys and metadata")
    one = add(tuf, "show", cmd_show, "sealring-store tuf show shop", "sealring-store tuf show shop --json")
    one.add_argument("dir", type=Path, metavar="DIR", help="the store's folder")
    _add_request(tuf, add)
    one = add(
        tuf,
        "publish",
        cmd_publish,
        "sealring-store tuf publish shop signed/2.root.json",
        "sealring-store tuf publish shop signed/2.root.json --dry-run",
    )
    one.add_argument("dir", type=Path, metavar="DIR", help="the store's folder; it may be served meanwhile")
    one.add_argument("root", type=Path, metavar="ROOT", help="the root that `sealring assemble` wrote")
    one.add_argument("--dry-run", action="store_true", help="verify it, and change nothing")
    one = add(
        tuf,
        "packages",
        cmd_packages,
        "sealring-store tuf packages shop on",
        "sealring-store tuf packages shop off --dry-run",
    )
    one.add_argument("dir", type=Path, metavar="DIR", help="the store's folder; it may be served meanwhile")
    one.add_argument("state", choices=("on", "off"), help="off at first; such clients see no revocation")
    one.add_argument("--dry-run", action="store_true", help="change nothing")


def _add_request(tuf: Any, add: Add) -> None:
    one = add(
        tuf,
        "request",
        cmd_request,
        "sealring-store tuf request shop --rotate all --out shop-2.request",
        "sealring-store tuf request shop --add-root-key carol.pub --remove-root-key 1f2e3d4c --root-threshold 2",
        "sealring-store tuf request shop --days 365",
    )
    one.add_argument("dir", type=Path, metavar="DIR", help="the store's folder; it may be served meanwhile")
    roles = ("timestamp", "snapshot", "targets", "all")
    rotate_help = "give this role a new key; repeat, or say all"
    one.add_argument("--rotate", action="append", default=[], choices=roles, metavar="ROLE", help=rotate_help)
    add_kept(one)
    add_help = "public half of a key that joins the root; repeat for several"
    one.add_argument("--add-root-key", type=Path, action="append", default=[], metavar="FILE", help=add_help)
    remove_help = "fingerprint, or its first 8 digits or more, of a key that leaves the root; repeat for several"
    one.add_argument("--remove-root-key", action="append", default=[], metavar="ID", help=remove_help)
    one.add_argument("--root-threshold", type=int, metavar="N", help="how many root keys must sign from then on")
    one.add_argument("--days", type=_days, default=365, metavar="N", help="how long it lives (%(default)s days)")
    one.add_argument("--out", type=Path, metavar="FILE", help="the request; beside DIR unless given")


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:5]) <= MAX_DAYS:
        raise argparse.ArgumentTypeError(f"a number from 1 to {MAX_DAYS} needed")
    return int(text)
