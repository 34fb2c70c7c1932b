"""`sealring bundle fetch`: what a store still shows of some brands, verified, as the input of a rotation (SPEC CE-6).

A device's paths lead from names to statements; no path lists all names. So models are asked for by name, and so is
what no model follows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import click

from sealring.authentic import Authentic, read_claim
from sealring.bundle import StatementEntry, write_bundle
from sealring.command.doctor_input import ModelName, Place
from sealring.command.files import EXISTING, NEW, about, json_option, read_file
from sealring.command.output import Output, Row, Sheet, counted
from sealring.command.outside import Outside
from sealring.command.store_reader import StoreFound, read_store
from sealring.doctor.world import World, gather, subject_of
from sealring.durable import create_durably
from sealring.envelope import MAX_ENVELOPE
from sealring.errors import SealringError
from sealring.names import NAME, ROOT
from sealring.statement import Brand, Common, Root

ASKED = ("release", "revision", "serial", "stack", "store")
"""Types of what no model need name; models have an option of their own."""


@dataclass(eq=False)
class NotShown(SealringError):
    """The store has not got what was asked for, or shows it so that it does not verify."""

    url: str
    reasons: tuple[str, ...]
    exit_code: ClassVar[int] = 11

    def __str__(self) -> str:
        more = f" (and {len(self.reasons) - 3} more)" if len(self.reasons) > 3 else ""
        return f"{self.url} does not show all of it, nothing was written: {'; '.join(self.reasons[:3])}{more}"

    def hint(self) -> str:
        return "check the names; `sealring doctor` tells what of the store does not verify"


class BrandName(click.ParamType[Any]):
    """A brand's name."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The name."""
        if not re.fullmatch(NAME, str(value)):
            self.fail(f"{value!a:.90} is no brand's name", param, ctx)
        return str(value)


class Named(click.ParamType[Any]):
    """A type and a subject, such as `release acme/tool/latest/edge`."""

    name = "type subject"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The two of them."""
        kind, _, subject = str(value).partition(" ")
        if kind not in ASKED or not re.fullmatch("[A-Za-z0-9._/-]{1,150}", subject):
            self.fail(f'{value!a:.90} is no "TYPE SUBJECT", TYPE one of {", ".join(ASKED)}', param, ctx)
        return kind, subject


@click.command(
    "fetch",
    **about(
        "Put all that a store still shows of these brands into one bundle, verified from --root: what `sealring"
        " request` and `sealring countersign` want before keys change. A store has no list of a brand's"
        " models: name each with --model, which brings its releases, stacks, stores and the revisions that they name;"
        " what no model follows is named by --also. Without --model it is the brand, its delegations and lists.",
        "sealring bundle fetch https://store.example --root root.json --model acme/door-1 --model acme/door-2 \\",
        "    -o released.bundle",
        "sealring bundle fetch https://store.example --root root.json --brand acme \\",
        '    --also "release acme/tool/latest/edge" -o released.bundle',
    ),
)
@click.argument("url", type=Place())
@click.option("--root", type=EXISTING, required=True, help="The root that you trust, of any version.")
@click.option("--brand", "brands", type=BrandName(), multiple=True, help="A brand; repeat for each.")
@click.option("--model", "models", type=ModelName(), multiple=True, help="A model; repeat for each.")
@click.option(
    "--also",
    type=Named(),
    multiple=True,
    metavar='"TYPE SUBJECT"',
    help="What no model follows, such as a serial or a release of another channel; repeat for each.",
)
@click.option("-o", "--output", type=NEW, required=True, help="The new bundle; must not exist yet.")
@json_option
@click.pass_obj
def fetch_bundle(
    outside: Outside,
    url: Any,
    root: Path,
    brands: tuple[str, ...],
    models: tuple[str, ...],
    also: tuple[tuple[str, str], ...],
    output: Path,
    as_json: bool,
) -> None:
    """One bundle of what is released."""
    if not isinstance(url, str):
        raise click.UsageError(f"{url}: a store's address needed, such as https://store.example")
    if not brands and not models:
        raise click.UsageError("give --brand NAME or --model BRAND/NAME: a store is asked by name")
    whole = sorted({*brands, *(name.partition("/")[0] for name in (*models, *(subject for _, subject in also)))})
    anchor = read_file(root, MAX_ENVELOPE)
    shown = read_store(url, anchor, models, whole, also)
    world = gather(anchor, shown.pieces)
    released = _released(world, whole)
    _check_whole(url, shown, world, [("brand", name) for name in whole] + [("model", name) for name in models], also)
    create_durably(output, write_bundle([StatementEntry(one.envelope.raw) for one in released]))
    _show(Output(outside), world, released, output, as_json)
    newest = world.chain.root.statement.sequence
    if newest > read_claim(anchor).statement.sequence and not as_json:
        Output(outside).note(f"the store's root is version {newest}: give it too where --root is asked for")


def _released(world: World, brands: Sequence[str]) -> list[Authentic[Common]]:
    """What stands today of these brands and the root's own list, expired or not; who may sign comes first."""
    every = [one for one in world.held.values() if not isinstance(one.statement, Root)]
    mine = [one for one in every if _brand_of(one.statement) in (ROOT, *brands)]
    return sorted(mine, key=lambda one: (not isinstance(one.statement, Brand), one.statement.title))


def _brand_of(said: Common) -> str:
    return said.brand if isinstance(said, Brand) else said.authority


def _check_whole(
    url: str, shown: StoreFound, world: World, named: Sequence[tuple[str, str]], also: Sequence[tuple[str, str]]
) -> None:
    """Raise unless all that was named is there and verifies: what is left out here falls unseen when keys change."""
    reasons = [*shown.notes]
    if shown.tuf is not None and shown.tuf.refused:
        reasons.append(f"its TUF files: {shown.tuf.refused}")
    reasons += [f"{kind} {name}" for kind, name in (*named, *also) if (kind, name) not in world.held]
    if reasons:
        raise NotShown(url, tuple(dict.fromkeys(reasons)))


def _left(world: World) -> list[str]:
    """Titles of what was shown and nobody of today vouches for; older versions of what stands are none of these."""
    claims = [claim for claim in world.claims if not isinstance(claim.statement, Root | Brand)]
    gone = {claim.statement.title for claim in claims if subject_of(claim.statement) not in world.held}
    return sorted({*gone, *world.foreign, *(source for source, _ in world.unread)})


def _show(output: Output, world: World, released: Sequence[Authentic[Common]], path: Path, as_json: bool) -> None:
    left = _left(world)
    if as_json:
        found = [
            {"type": o.statement.type, "subject": o.statement.subject, "sequence": o.statement.sequence}
            for o in released
        ]
        output.object(
            {"bundle": str(path), "root": world.chain.root.statement.sequence, "statements": found, "left_out": left}
        )
        return
    rows: list[Row] = [(one.statement.title, str(one.statement.sequence)) for one in released]
    output.sheet(Sheet(f"{counted(len(released), 'statement')} in {path}", rows, ("assertion", "sequence")))
    for title in left:
        output.note(f"left out, since today's keys do not vouch for it: {title}")
