"""`sealring-store upgrade`: the tables of a store from one edition's to another's, up or down."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sealring_server.command.given import Outside, show

EXAMPLES = (
    "sealring-store upgrade shop --dry-run",
    "sealring-store upgrade shop",
    "sealring-store upgrade shop --to 0001",
)


def cmd_upgrade(args: argparse.Namespace, outside: Outside) -> None:
    """Migrate a store's database to this edition's format, or back to an older one; no server may run meanwhile."""
    from sealring_server.migrations.run import REVISIONS, upgrade_store

    del outside
    done = upgrade_store(args.dir, args.to or list(REVISIONS.values())[-1], dry_run=args.dry_run)
    would = "would go" if args.dry_run else "went"
    lines = [f"{args.dir}: {would} from migration {done.before} to {done.after}"]
    if done.before == done.after:
        lines = [f"{args.dir}: at migration {done.after} already"]
    lines += [f"{'would be ' * args.dry_run}lost: {name}, {rows} rows" for name, rows in done.lost.items()]
    if done.after != list(REVISIONS.values())[-1]:
        lines.append("an older edition of sealring-server is needed to serve it now")
    found = {"store": str(args.dir), "from": done.before, "to": done.after, "lost": dict(done.lost)}
    show(args, found | {"dry_run": args.dry_run}, "\n".join(lines))


def add_upgrade(commands: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    """Its arguments."""
    upgrade = command(commands, "upgrade", cmd_upgrade, *EXAMPLES)
    upgrade.add_argument("dir", type=Path, metavar="DIR", help="the store's folder")
    upgrade.add_argument("--to", metavar="REVISION", help="a migration, such as 0001; the newest one unless given")
    upgrade.add_argument("--dry-run", action="store_true", help="do all of it, say what it did, and undo it")
