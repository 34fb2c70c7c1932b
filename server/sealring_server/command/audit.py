"""`sealring-store audit`: follow a store as an outsider, judge evidence, compare what two observers saw (SPEC CT-5)."""

import argparse
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from sealring.durable import create_durably
from sealring.envelope import MAX_ENVELOPE, parse_envelope
from sealring.errors import SealringError
from sealring.names import spell
from sealring.statement import Store, parse_statement
from sealring.words import Usage
from sealring_server.command.given import Outside, check_url, read_file

EXAMPLES = (
    "sealring-store audit https://store.example --state witness --assertion store.json",
    "sealring-store audit https://store.example --state witness --model acme/door-1",
    "sealring-store audit compare observation.bundle /var/lib/sealring/stores/acme/main --state witness",
    "sealring-store audit verify witness/evidence/fork-0123456789abcdef.bundle",
)
_DIGEST = 64  # hex digits


@dataclass(eq=False)
class TheyFork(SealringError):
    """Two observations of one store that can't both be true (SPEC CT-5)."""

    what: str
    about: str
    kept: str
    rule: ClassVar[str] = "CT-5"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"{self.what}; {self.about}"

    def hint(self) -> str:
        return f"{self.kept} proves it to anybody" if self.kept else "--evidence FILE keeps the proof of it"


def cmd_audit(args: argparse.Namespace, outside: Outside) -> None:
    """Follow a store as an outsider: every entry, map and view again, and evidence of what contradicts itself."""
    found = _found(args, outside)
    lines = found.pop("lines")
    print(json.dumps(found) if args.json else "\n".join(lines), flush=True)


def _found(args: argparse.Namespace, outside: Outside) -> dict[str, Any]:
    match args.what, len(args.files):
        case "verify", 1:
            return _verify(args)
        case "compare", 2:
            return _compare(args)
        case (("verify" | "compare"), count):
            needed = "one file" if args.what == "verify" else "two observations"
            raise Usage(
                f"audit {args.what}: {needed} needed, {count} given", "`sealring-store audit --help` has examples"
            )
        case _, 0 if args.state is not None:
            return _follow(args, outside)
        case _, 0:
            raise Usage("audit URL: no --state", "such as --state witness")
    raise Usage(f"audit {args.what}: too many arguments", "`sealring-store audit --help` begins with examples")


def _follow(args: argparse.Namespace, outside: Outside) -> dict[str, Any]:
    from sealring_server.audit.asking import Bounds
    from sealring_server.audit.run import OBSERVATION, Wanted, audit

    check_url(args.what)
    bounds = Bounds(
        requests=args.max_requests, total_bytes=args.max_bytes, pause_seconds=1 / args.rate if args.rate else 0
    )
    wanted = Wanted(args.what, pin_of(args), args.trust_first, tuple(args.model))
    done = audit(wanted, args.state, outside.clock(), bounds)
    entry, found = done.found.entry, done.found
    facts = {"format": 1, "store": args.what, "tuf_root": done.pin, "entry": entry.sequence, "time": spell(entry.time)}
    facts |= {"digest": entry.digest.hex(), "map": entry.map.hex(), "size": entry.size, "entries": found.entries}
    facts |= {"statements": found.statements, "views": found.views, "unknown": found.unknown}
    facts |= {"requests": done.requests, "bytes": done.received, "observation": str(args.state / OBSERVATION)}
    cost = f"{done.requests} requests, {done.received} bytes"
    lines = [
        f"one true story up to entry {entry.sequence} of {spell(entry.time)}, {entry.size} leaves",
        f"judged now: {found.entries} entries, {found.statements} statements, {found.views} views; {cost}",
    ]
    if args.trust_first:
        lines.append(f"trusted on first use: TUF root sha256 {done.pin}; compare it with the brand's store assertion")
    if found.unknown:
        lines.append(f"not judged: {found.unknown} leaves of newer formats, or views of models that are not there")
    return facts | {"lines": [*lines, f"observation: {args.state / OBSERVATION}"]}


def _verify(args: argparse.Namespace) -> dict[str, Any]:
    from sealring_server.audit.observation import MAX_FILE, read_bounded
    from sealring_server.audit.verdict import judge

    found = judge(read_bounded(Path(args.files[0]), MAX_FILE), pin_of(args))
    facts = {"format": 1, "rule": found.rule, "what": found.what, "about": found.about, "signed": found.signed}
    facts |= {"tuf_root": {"version": found.root.version, "sha256": found.root.sha256}}
    return facts | {"lines": [f"proven [{found.rule}]: {found.what}", f"by whom: {found.about}"]}


def _compare(args: argparse.Namespace) -> dict[str, Any]:
    from sealring_server.audit.asking import Asking, Bounds
    from sealring_server.audit.compare import Sources, compare
    from sealring_server.audit.observation import load_observation
    from sealring_server.audit.state import open_state

    one, other = (load_observation(Path(name)) for name in args.files)
    if args.url is not None:
        check_url(args.url)
    with ExitStack() as stack:
        states = [stack.enter_context(open_state(args.state))] if args.state is not None else []
        ask = Asking(args.url, Bounds(requests=args.max_requests)) if args.url is not None else None
        stack.callback(ask.close if ask is not None else bool)
        found = compare(one, other, Sources(states, ask))
    if found.judgement is not None and found.evidence is not None:
        if args.evidence is not None:
            create_durably(args.evidence, found.evidence)
        raise TheyFork(found.words, found.judgement.about, str(args.evidence or ""))
    facts = {"format": 1, "same": found.early.raw == found.late.raw}
    facts |= {"older": found.early.sequence, "newer": found.late.sequence}
    return facts | {"lines": [found.words]}


def pin_of(args: argparse.Namespace) -> str | None:
    """SHA-256 of the store's TUF root: as digits, of a file, or from what the brand signed about the store."""
    if args.assertion is not None:
        said = parse_statement(parse_envelope(read_file(args.assertion, MAX_ENVELOPE)).payload)
        if not isinstance(said, Store):
            raise Usage(f"{args.assertion}: a {said.type} assertion, no store assertion", "ask the brand for it")
        return said.tuf.sha256
    text: str | None = args.tuf_root
    if text is None or (len(text) == _DIGEST and not set(text) - set("0123456789abcdef")):
        return text
    return sha256(read_file(Path(text), 512 * 1024)).hexdigest()


def add_audit(commands: Any, add: Callable[..., argparse.ArgumentParser]) -> None:
    """The command, as `sealring-store --help` shows it."""
    audit = add(commands, "audit", cmd_audit, *EXAMPLES)
    audit.add_argument("what", metavar="URL|verify|compare", help="a store's address; or what to do with the files")
    files_help = "evidence; or two observations, or devices' folders of a store"
    audit.add_argument("files", nargs="*", metavar="FILE", help=files_help)
    audit.add_argument("--state", type=Path, metavar="DIR", help="what this witness knows; made when it is not there")
    pin = audit.add_mutually_exclusive_group()
    pin.add_argument("--tuf-root", metavar="SHA256|FILE", help="the store's TUF root, needed the first time")
    pin.add_argument(
        "--assertion", type=Path, metavar="FILE", help="a store assertion, whose pin is taken (not its signatures)"
    )
    pin.add_argument("--trust-first", action="store_true", help="take the TUF root that the store shows the first time")
    model_help = "judge the view of this model only (may be repeated); of the statements only those that it needs"
    audit.add_argument("--model", action="append", default=[], metavar="BRAND/NAME", help=model_help)
    audit.add_argument("--url", metavar="URL", help="for compare: where the store of the newer observation answers")
    audit.add_argument(
        "--evidence", type=Path, metavar="FILE", help="for compare: keeps the proof of a fork; never overwritten"
    )
    audit.add_argument("--max-requests", type=_number, default=1_000_000, metavar="N", help="of one run (%(default)s)")
    audit.add_argument("--max-bytes", type=_number, default=4 * 1024**3, metavar="N", help="of one run (%(default)s)")
    audit.add_argument(
        "--rate", type=_number, default=0, metavar="N", help="requests a second at most; 0 for any (%(default)s)"
    )


def _number(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text[:16]) < 2**53:
        raise argparse.ArgumentTypeError("a whole number needed")
    return int(text[:16])
