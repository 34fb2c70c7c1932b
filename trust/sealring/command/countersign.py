"""`sealring countersign`: one key's signature on everything that is still released, however much that is."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sealring.chain import Claim
from sealring.command.bulk import Job, Piece, input_files, run_job
from sealring.command.files import EXISTING, about, json_option, load_claim, read_file
from sealring.command.output import Output, Sheet, counted
from sealring.command.outside import Outside
from sealring.command.passphrase import Secrets, passphrase_options
from sealring.command.signer import find_key, key_option
from sealring.envelope import MAX_ENVELOPE
from sealring.request.bulk import Bulk
from sealring.request.context import verify_context
from sealring.request.form import Request
from sealring.request.standing import Standing
from sealring.statement import Brand, Delegation, Root

_WORDS = {
    "sign": "signed now",
    "signed": "signed before, handed on",
    "not asked": "left out: this key is not asked for",
    "not vouched for": "left out: today's keys do not vouch for it",
    "expired": "left out: expired",
    "authority": "left out: says who may sign, so it goes by `sealring request`",
}


@click.command(
    **about(
        "Add one key's signature to everything in BUNDLES that it may sign and that the keys in force vouch for. The"
        " results are bundles in the folder OUT; stopped in the middle, the same command goes on.",
        "sealring countersign released.bundle --key dave.key --root root.json --brand acme.json \\",
        "    --next acme-2.json -o by-dave",
        "sealring countersign by-dave --key alice.key --root root.json --brand acme.json -o by-dave-and-alice",
    )
)
@click.argument("bundles", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="BUNDLE...")
@key_option
@click.option("--root", type=EXISTING, multiple=True, help="The root that you trust; later versions after it.")
@click.option("--brand", type=EXISTING, multiple=True, help="The brands in force, whose keys vouch for what is signed.")
@click.option("--delegation", type=EXISTING, multiple=True, help="Delegations in force: the same.")
@click.option(
    "--next",
    "following",
    type=EXISTING,
    multiple=True,
    help="The draft that lists your key: brand, delegation or root.",
)
@click.option(
    "--all", "unverified", is_flag=True, help="Sign all of it unverified; only what you have verified yourself."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The folder of the results.")
@passphrase_options
@json_option
@click.pass_obj
def countersign(
    outside: Outside,
    bundles: tuple[Path, ...],
    key: str,
    root: tuple[Path, ...],
    brand: tuple[Path, ...],
    delegation: tuple[Path, ...],
    following: tuple[Path, ...],
    unverified: bool,
    output: Path,
    secrets: Secrets,
    as_json: bool,
) -> None:
    """All of the bundles, piece by piece."""
    if unverified == bool(root):
        raise click.UsageError("give --root and --brand, whose keys vouch for what is signed; or --all")
    found = find_key(outside, key, secrets)
    before = None if unverified else _standing(root, [load_claim(path) for path in (*brand, *delegation)])
    after = _following(before or Standing(), [load_claim(path) for path in following])
    job = Job(Bulk(found.public, before, after, outside.clock()), tuple(input_files(bundles)), output)
    counts: Counter[str] = Counter()
    with _progress(outside, quiet=as_json) as tell:
        for piece in run_job(job, found.open):
            counts.update(piece.counts)
            tell(piece)
    said = Output(outside)
    if as_json:
        said.object({"folder": str(output), "key": found.public.id, **{k.replace(" ", "_"): counts[k] for k in _WORDS}})
        return
    rows = [(words, str(counts[verdict])) for verdict, words in _WORDS.items() if counts[verdict]]
    said.sheet(Sheet(f"countersigned by {found.public.name} into {output}", list(rows)))
    ready = counts["sign"] + counts["signed"]
    said.note(f"next: the other holders countersign {output}, or publish it: {counted(ready, 'assertion')}")


def _standing(root: tuple[Path, ...], claims: list[Claim]) -> Standing:
    """Who may speak today, verified as a device does."""
    raws = [read_file(path, MAX_ENVELOPE) for path in root]
    return verify_context(Request((), tuple(claims)), raws).standing


def _following(before: Standing, claims: list[Claim]) -> Standing:
    """Who may speak once these drafts are in force; they decide only what this key is asked for."""
    root, brands, delegations = before.root, dict(before.brands), dict(before.delegations)
    for claim in claims:
        match claim.statement:
            case Root() as said:
                root = said
            case Brand() as said:
                brands[said.brand] = said
            case Delegation() as said:
                delegations[said.subject] = said
            case other:
                raise click.UsageError(f"--next wants a root, a brand or a delegation, {other.title} found")
    return Standing(root, brands, delegations)


@contextmanager
def _progress(outside: Outside, *, quiet: bool) -> Iterator[Callable[[Piece], None]]:
    """What takes each finished piece; shown on a terminal only, and never where NO_COLOR asks for plain text."""
    if quiet or not outside.color or not outside.err.isatty():
        yield lambda _: None
        return
    columns: tuple[Any, ...] = (TextColumn("signing"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=outside.err), transient=True) as progress:
        task = progress.add_task("", total=None)

        def tell(piece: Piece) -> None:
            progress.update(task, completed=piece.done, total=piece.of)

        yield tell
