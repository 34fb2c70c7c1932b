"""From options to an unsigned draft; what is not given comes from the assertion that it replaces (SPEC ST-5, ST-6)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

import click
import msgspec

from sealring.chain import Claim, WrongStatement
from sealring.command.files import EXISTING, NEW, Instant, json_option, load_claim
from sealring.command.meaning import describe
from sealring.command.objects import statement_object
from sealring.command.output import Output, Sheet
from sealring.command.outside import Outside
from sealring.command.parts import named_texts
from sealring.durable import create_durably
from sealring.envelope import seal
from sealring.names import NO_ROOT
from sealring.statement import Common, Root, parse_statement
from sealring.strict import encode

DEFAULT_DAYS = {
    "root": 1825,
    "brand": 730,
    "delegation": 365,
    "model": 730,
    "revision": 1095,
    "release": 90,
    "stack": 90,
    "store": 365,
    "serial": 7300,
    "revocations": 365,
}
F = TypeVar("F", bound=Callable[..., Any])
K = TypeVar("K", bound=Common)


@dataclass(frozen=True)
class Base:
    """The options that every draft has; `left_out` are the members that a `--no-MEMBER` takes away."""

    output: Path
    root: Path | None
    replaces: Path | None
    sequence: int | None
    issued: datetime | None
    expires: datetime | None
    days: int | None
    not_before: datetime | None
    x: tuple[str, ...]
    as_json: bool
    left_out: frozenset[str]

    def leaving_out(self, *names: str) -> Self:
        """The same, without these members too."""
        return replace(self, left_out=self.left_out | set(names))


def base_options(kind: type[Common]) -> Callable[[F], F]:
    """`-o`, `--root`, `--replaces`, the dates and `--x`; they arrive as keyword arguments for `load_base`."""
    instant, days = Instant(), DEFAULT_DAYS[_type(kind)]
    options = [
        click.option("-o", "--output", type=NEW, required=True, help="The new draft; must not exist yet."),
        click.option("--root", type=EXISTING, help="Version 1 of the root (or a later one) that it is meant under."),
        click.option("--replaces", type=EXISTING, help="Take all that is not given from this earlier assertion."),
        click.option("--sequence", type=click.IntRange(min=1), help="Default: one more than --replaces, or 1."),
        click.option("--issued", type=instant, help="Default: now."),
        click.option("--expires", type=instant, help="Default: --days after --issued."),
        click.option(
            "--days", type=click.IntRange(1, 36_500), help=f"Life in days; default: that of --replaces, or {days}."
        ),
        click.option("--not-before", type=instant, help="Devices wait until then; signing is releasing."),
        click.option("--x", multiple=True, metavar="NAME=TEXT", help="Signed, acted on by nobody; replaces all of it."),
        leave_out("x"),
        json_option,
    ]

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def leave_out(*names: str) -> Callable[[F], F]:
    """A flag `--no-MEMBER` for each of these optional members of a statement."""

    def decorate(command: F) -> F:
        for name in reversed(names):
            flag = click.option(f"--no-{name}", is_flag=True, help=f"Leave out the {name} that --replaces has.")
            command = flag(command)
        return command

    return decorate


def load_base(options: dict[str, Any]) -> Base:
    """The base options, taken out of a command's keyword arguments."""
    flags = [name for name in options if name.startswith("no_")]
    left_out = frozenset(name.removeprefix("no_") for name in flags if options.pop(name))
    given = {name: options.pop(name) for name in Base.__dataclass_fields__ if name != "left_out"}
    return Base(**given, left_out=left_out)


def load_old(base: Base, kind: type[K]) -> K | None:
    """The assertion that is replaced, which must be of the same type."""
    if base.replaces is None:
        return None
    found = load_claim(base.replaces).statement
    if not isinstance(found, kind):
        raise WrongStatement(str(base.replaces), found.title, f"a {_type(kind)}", "ST-6")
    return found


def write_draft(
    outside: Outside,
    kind: type[Common],
    base: Base,
    old: Common | None,
    said: dict[str, Any],
    fresh: dict[str, Any] | None = None,
) -> None:
    """Make the unsigned draft, show what it means, and keep it in a new file.

    Args:
        said: members that the options gave; None stands for "not given".
        fresh: what stands for members that were not given where nothing is replaced.

    Raises:
        TrustError: when the draft would break a rule of its type; nothing is written then.
    """
    given = {name: value for name, value in {**said, "x": named_texts(base.x)}.items() if value is not None}
    if both := sorted(base.left_out & set(given)):
        raise click.UsageError(f"--no-{both[0]} together with a new {both[0]}: one of them only")
    members: dict[str, Any] = {"format": 1, **(fresh or {})}
    if old is not None:
        members = {name: getattr(old, name) for name in old.__struct_fields__}
    for name in ("not_before", *base.left_out):
        members.pop(name, None)
    members.update(given)
    members.update(_common(outside, kind, base, old, members))
    _check_complete(kind, members)
    statement = kind(**members)
    payload = _encoded(_with_sequence(statement, base, old))
    parsed = parse_statement(payload)  # a draft that no device would read is not worth a signature
    draft = seal(payload, {})
    create_durably(base.output, draft.raw)
    output = Output(outside)
    if base.as_json:
        output.object({"file": str(base.output), **statement_object(Claim(parsed, draft))})
        return
    output.sheet(Sheet(f"draft: {parsed.title}", list(describe(parsed))))
    output.note(f"next: every holder runs `sealring sign {base.output} --key KEY`")


def split_name(name: str | None, option: str) -> tuple[str | None, str | None]:
    """`brand/name` in its two parts."""
    if name is None:
        return None, None
    brand, slash, rest = name.partition("/")
    if not slash or not brand or not rest:
        raise click.UsageError(f"{option} wants BRAND/NAME, {name!a:.80} found")
    return brand, rest


def _common(
    outside: Outside, kind: type[Common], base: Base, old: Common | None, members: dict[str, Any]
) -> dict[str, Any]:
    issued = base.issued or outside.clock()
    if base.days is not None or base.expires is not None or old is None:
        life = timedelta(days=base.days or DEFAULT_DAYS[_type(kind)])
    else:
        life = old.expires - old.issued
    try:
        expires = base.expires or issued + life
    except OverflowError:
        raise click.UsageError("--issued and the life together pass the year 9999") from None
    common: dict[str, Any] = {"sequence": base.sequence or 1, "issued": issued, "expires": expires}
    if base.not_before is not None:
        common["not_before"] = base.not_before
    if kind is Root:
        common["root"] = NO_ROOT if old is None else _root_id(base.replaces)
    elif base.root is not None:
        common["root"] = _root_id(base.root)
    elif "root" not in members:
        raise click.UsageError("give --root ROOT: the root under which it is meant")
    return common


def _type(kind: type[Common]) -> str:
    return str(kind.__struct_config__.tag)


def _encoded(statement: Common) -> bytes:
    try:
        return encode(statement)
    except UnicodeEncodeError as err:
        # An argument of bytes that are no text in this locale; the rules ask for printable ASCII anyway.
        raise click.UsageError(f"{str(err.object)!a:.60} is no text: printable ASCII needed") from None


def _with_sequence(statement: Common, base: Base, old: Common | None) -> Common:
    """One more than what is replaced; a new subject, such as the next revision, begins at 1 again."""
    if base.sequence is not None or old is None:
        return statement
    continues = isinstance(statement, Root) or old.subject == statement.subject
    return msgspec.structs.replace(statement, sequence=old.sequence + 1 if continues else 1)


def _root_id(path: Path | None) -> str:
    assert path is not None
    claim = load_claim(path)
    if not isinstance(claim.statement, Root):
        raise WrongStatement(str(path), claim.statement.title, "a root", "ST-6")
    return claim.envelope.id if claim.statement.root == NO_ROOT else claim.statement.root


def _check_complete(kind: type[Common], members: dict[str, Any]) -> None:
    fields = msgspec.structs.fields(kind)
    missing = [f.name.replace("_", "-") for f in fields if f.required and f.name not in members]
    if missing:
        raise click.UsageError(f"not given, and no --replaces to take it from: {', '.join(missing)}")
