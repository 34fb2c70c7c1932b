"""`sealring create release`: what a channel points at, who takes it when, and whether it is the last."""

from collections.abc import Sequence
from typing import Any

import click

from sealring.command.create.final import final_of, final_options
from sealring.command.create.list_number import list_number, list_options
from sealring.command.create.rollout import is_partial, rollout_of, rollout_options
from sealring.command.draft import base_options, leave_out, load_base, load_old, split_name, write_draft
from sealring.command.files import about
from sealring.command.outside import Outside
from sealring.command.parts import release_target
from sealring.statement import Release
from sealring.statement.software import Target


@click.command(
    **about(
        "What a channel points at.",
        "sealring create release --package acme/tool --channel latest/stable --revision amd64=1 --root root.json \\",
        "    -o release-1.json",
        "sealring create release --replaces release-1.json --revision amd64=2 --rollout-share 5% -o release-2.json",
        "sealring create release --replaces release-2.json --rollout-share 50% -o release-3.json",
        "sealring create release --replaces release-3.json --no-rollout -o release-4.json",
        "sealring create release --replaces release-4.json --final --final-brand acme.json \\",
        "    --final-model door-1.json --final-revision tool-2.json -o last.json",
    )
)
@click.option("--package", help="BRAND/NAME.")
@click.option("--channel", help="TRACK/RISK, such as latest/stable.")
@click.option("--revision", multiple=True, help="ARCH=REVISION[:MINIMUM[:PREVIOUS]]; other ARCHs stay with --replaces.")
@click.option("--drop-architecture", multiple=True, metavar="ARCH", help="Leave out an ARCH of --replaces.")
@rollout_options
@final_options
@leave_out("rollout", "final")
@list_options
@base_options(Release)
@click.pass_obj
def release(outside: Outside, /, **options: Any) -> None:
    """What a channel points at."""
    base = load_base(options)
    old = load_old(base, Release)
    authority, package = split_name(options["package"], "--package")
    targets = _targets(options, old)
    channel = options["channel"]
    owner, name = authority or (old.authority if old else None), package or (old.package if old else None)
    moved = old is None or _says(owner, name, channel or old.channel, targets) != _says(
        old.authority, old.package, old.channel, old.targets
    )
    said = {
        "authority": authority,
        "package": package,
        "channel": channel,
        "targets": targets or None,
        "revocations": list_number(options, owner),
        "rollout": rollout_of(options, base, old, moved=moved, now=base.issued or outside.clock()),
        "final": final_of(options, base, old, moved=moved, package=f"{owner}/{name}", targets=targets),
    }
    write_draft(outside, Release, base, old, said, {"revocations": 0})


def _says(owner: str | None, name: str | None, channel: str, targets: Sequence[Target]) -> tuple[object, ...]:
    """What a plan and an end of life were decided for: other revisions, or another channel, need another decision."""
    return owner, name, channel, [(t.architecture, t.revision) for t in targets]


def _targets(options: dict[str, Any], old: Release | None) -> list[Target]:
    targets = {t.architecture: t for t in (old.targets if old else [])}
    for dropped in options["drop_architecture"]:
        if targets.pop(dropped, None) is None:
            raise click.UsageError(f"--drop-architecture {dropped!a:.80}: not in --replaces")
    for text in options["revision"]:
        target = release_target(text, targets, is_partial=is_partial(old))
        targets[target.architecture] = target
    return [targets[name] for name in sorted(targets)]
