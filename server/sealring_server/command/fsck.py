"""`sealring-store fsck`: is what this folder holds one true story?"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sealring_server.command.given import Outside

EXAMPLES = ("sealring-store fsck shop", "sealring-store fsck shop --quick --json")


def cmd_fsck(args: argparse.Namespace, outside: Outside) -> None:
    """Check all that a store holds, and change nothing; it may be served meanwhile."""
    from sealring_server.fsck.run import check_folder

    report, entry = check_folder(args.dir, outside.clock(), quick=args.quick)
    name = str(args.dir)
    if args.json:
        print(json.dumps(report.as_object(name, entry)), flush=True)
    else:
        print("\n".join(_lines(report.as_object(name, entry))), flush=True)
    error = report.error(name)
    if error is not None:
        raise error


def add_fsck(commands: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    """Its arguments."""
    fsck = command(commands, "fsck", cmd_fsck, *EXAMPLES)
    fsck.add_argument("dir", type=Path, metavar="DIR", help="the store's folder")
    quick_help = "the newest state only: no bytes of images, no older maps, views and TUF files"
    fsck.add_argument("--quick", action="store_true", help=quick_help)


def _lines(found: dict[str, Any]) -> list[str]:
    counted = ", ".join(f"{number} {name}" for name, number in found["checked"].items())
    lines = [f"entry {found['entry']}: checked {counted}"]
    lines += [f"wrong: {one['part']}: {one['what']}" for one in found["wrong"]]
    more = found["wrong_in_all"] - len(found["wrong"])
    lines += [f"and {more} more"] if more else []
    lines += [f"told: {what}" for what in found["told"]]
    return [*lines, "all of it is right" if not found["wrong"] else f"{found['wrong_in_all']} wrong"]
