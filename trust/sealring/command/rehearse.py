"""`sealring rehearse`: the whole ceremony, losses and recoveries, with throw-away keys; and the runbook."""

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from sealring.command.files import EXISTING, NEW, Instant, about, json_option, load_claim, read_file
from sealring.command.output import Output, counted
from sealring.command.outside import Outside
from sealring.command.rehearsing import Stage, list_situations
from sealring.durable import create_durably
from sealring.rehearsal.ceremony import PASS
from sealring.rehearsal.found import PlayedOut, expected
from sealring.rehearsal.plan import Plan, settled
from sealring.rehearsal.runbook import runbook
from sealring.rehearsal.shape import MAX_HOLDERS, MAX_PLAN, like, made_up, parse_plan

KEYS = click.IntRange(1, MAX_HOLDERS)


F = TypeVar("F", bound=Callable[..., Any])


def _numbers(role: str, what: str) -> Callable[[F], F]:
    """`--ROLE-keys` and `--ROLE-threshold`."""
    begin = f"--{role}-" if role else "--"

    def decorate(command: F) -> F:
        must = click.option(f"{begin}threshold", type=KEYS, default=2, show_default=True, help="How many must sign.")
        keys = click.option(f"{begin}keys", type=KEYS, default=3, show_default=True, help=f"Keys of {what}.")
        return keys(must(command))

    return decorate


@click.command(
    **about(
        "Play the whole ceremony with throw-away keys: the first evening, a key lost from each role, each role lost at"
        " its threshold, with the thief's own actions, and the recovery from each. Prints the runbook that it followed;"
        " ends with 1 where a step does not end as it must. What it makes stands under a root of its own, so nothing of"
        " it counts in production.",
        "sealring rehearse -o runbook.md",
        "sealring rehearse --plan root.json --plan acme.json -o runbook.md",
        "sealring rehearse --root-keys 5 --root-threshold 3 --brand acme --brand partner -o runbook.md",
        "sealring rehearse ./rehearsal --keep -o runbook.md",
    )
)
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option(
    "--plan",
    "plans",
    type=EXISTING,
    multiple=True,
    help="Your own shape: root, brand and delegation assertions (repeat), or one TOML file.",
)
@_numbers("root", "the root")
@_numbers("brand", "the root's role brand")
@_numbers("", "each brand")
@_numbers("delegates", "each brand's delegates")
@click.option("--brand", "brands", multiple=True, metavar="NAME", help="A brand; repeat for each. Default: acme.")
@click.option("--keep", is_flag=True, help="Leave the folder, with all keys and files, to look at.")
@click.option("--at", type=Instant(), help="The instant at which all of it happens; default now.")
@click.option("-o", "--output", type=NEW, help="The new runbook; without it, the runbook is printed.")
@json_option
@click.pass_obj
def rehearse(
    outside: Outside,
    /,
    folder: Path | None,
    plans: tuple[Path, ...],
    brands: tuple[str, ...],
    keep: bool,
    at: datetime | None,
    output: Path | None,
    as_json: bool,
    **numbers: int,
) -> None:
    """Every situation, one after the other."""
    plan = settled(_plan(plans, brands, numbers))
    now = at or outside.clock()
    said = Output(outside)
    with _folder(folder, keep=keep) as place:
        stage = Stage(place, now)
        create_durably(place / PASS, f"rehearsal {secrets.token_hex(16)}\n".encode())
        played = list(_play(stage, plan, (lambda _: None) if as_json else said.note))
        if keep and not as_json:
            said.note(f"kept: {place}, with throw-away keys that nobody may use for anything else")
    page = runbook(plan, now, played)
    if output is not None:
        create_durably(output, page.encode())
    if as_json:
        said.object({**_object(plan, played, output), "folder": str(place) if keep else None})
    elif output is None:
        outside.out.write(page)
    else:
        said.line(f"rehearsed: {counted(len(played), 'situation')}, every step ended as it must")
        said.line(f"written: {output}")


def _plan(files: Sequence[Path], brands: Sequence[str], numbers: dict[str, int]) -> Plan:
    texts = [path for path in files if path.suffix == ".toml"]
    if texts:
        if len(files) > 1:
            raise click.UsageError("--plan takes one TOML file, or assertions")
        return parse_plan(read_file(texts[0], MAX_PLAN)[:MAX_PLAN].decode("utf-8", "replace"))
    pairs = [(numbers[f"{begin}keys"], numbers[f"{begin}threshold"]) for begin in ("root_", "brand_", "", "delegates_")]
    found = made_up(brands or ("acme",), *pairs)
    return like([load_claim(path).statement for path in files], found) if files else found


def _play(stage: Stage, plan: Plan, tell: Callable[[str], None]) -> Iterator[PlayedOut]:
    situations = list_situations(plan)
    for number, situation in enumerate(situations, 1):
        tell(f"{number} of {len(situations)}: {situation.title}")
        played = stage.play(situation)
        tell(f"    {situation.ends}: {counted(len(played.steps), 'step')} ended as they must")
        yield played


@contextmanager
def _folder(folder: Path | None, *, keep: bool) -> Iterator[Path]:
    """An empty folder of one's own, which goes at the end unless it is kept."""
    if folder is None:
        place = Path(tempfile.mkdtemp(prefix="sealring-rehearsal-"))
    else:
        folder.mkdir(mode=0o700, exist_ok=True)
        if any(folder.iterdir()):
            raise FileExistsError(errno.ENOTEMPTY, "is not empty", str(folder))
        os.chmod(folder, 0o700)
        place = folder.absolute()
    try:
        yield place
    finally:
        if not keep:
            shutil.rmtree(place, ignore_errors=True)


def _object(plan: Plan, played: Sequence[PlayedOut], output: Path | None) -> dict[str, Any]:
    return {
        "parties": [
            {"title": p.title, "holders": [h.name for h in p.holders], "needed": p.needed} for p in plan.parties
        ],
        "notes": list(plan.notes),
        "situations": [_situation(one) for one in played],
        "runbook": None if output is None else str(output),
    }


def _situation(one: PlayedOut) -> dict[str, Any]:
    said = one.situation
    steps = [
        {"by": getattr(f.step, "by", ""), "command": f.step.line, "expected": expected(f.step), "found": f.ending}
        for f in one.steps
    ]
    return {
        "name": said.name,
        "title": said.title,
        "lost": said.lost,
        "needed": list(said.needed),
        "ends": said.ends,
        "steps": steps,
    }
