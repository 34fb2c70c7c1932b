"""`sealring create revision` and `stack`: builds, and builds that go together."""

from typing import Any

import click

from sealring.command.create.list_number import list_number, list_options
from sealring.command.create.values import COUNT, KINDS, Duration
from sealring.command.draft import base_options, leave_out, load_base, load_old, split_name, write_draft
from sealring.command.files import EXISTING, about, measure
from sealring.command.outside import Outside
from sealring.command.parts import health_of, image_of, requirement, stack_part
from sealring.statement import RevisionStatement, Stack

OF_THE_BYTES = ("advisories", "sbom")  # said of one image: another one has to say them again


@click.command(
    **about(
        "One immutable build of a package.",
        "sealring create revision --package acme/tool --revision 1 --architecture amd64 --version 1.0 \\",
        '    --image tool-1.squashfs --health "bin/check" --root root.json -o tool-1.json',
        "sealring create revision --replaces tool-1.json --revision 2 --version 1.1 --image tool-2.squashfs \\",
        "    -o tool-2.json",
    )
)
@click.option("--package", help="BRAND/NAME.")
@click.option("--revision", type=COUNT, help="The number of this build; never used twice.")
@click.option("--architecture", help="Such as amd64 or arm64.")
@click.option("--kind", type=click.Choice(KINDS), help="Default: app.")
@click.option("--version", help="What the software calls itself.")
@click.option("--epoch", type=click.IntRange(0, 1000), help="Default: 0.")
@click.option("--image", type=EXISTING, help="The image; its digest and size are computed here.")
@click.option("--content", type=click.Choice(["squashfs", "raw"]), help="Default: seen from the image.")
@click.option("--verity", help="The image's dm-verity root hash, 64 hex digits.")
@click.option("--purpose", type=click.Choice(["security", "feature"]), help="Default: feature.")
@click.option("--requires", multiple=True, help="PACKAGE=REVISION that must be there, or later.")
@click.option("--health", help='A program in the image and its arguments, such as "bin/check --fast".')
@click.option("--health-timeout", type=Duration(), help="Default: 60 seconds.")
@click.option("--health-soak", type=Duration(), help="Default: 0.")
@click.option("--advisory", multiple=True, help="An advisory that it fixes; with another --image give it again.")
@click.option("--sbom", type=EXISTING, help="The bill of materials, whose digest is signed; the same.")
@leave_out("requires", "health", "advisories", "sbom")
@base_options(RevisionStatement)
@click.pass_obj
def revision(outside: Outside, /, **options: Any) -> None:
    """One immutable build of a package."""
    base = load_base(options)
    old = load_old(base, RevisionStatement)
    authority, package = split_name(options["package"], "--package")
    said = {
        **{n: options[n] for n in ("revision", "architecture", "kind", "version", "epoch", "purpose")},
        "authority": authority,
        "package": package,
        "image": image_of(options, old),
        "requires": sorted(map(requirement, options["requires"]), key=lambda r: r.package) or None,
        "health": health_of(options, old),
        "advisories": list(options["advisory"]) or None,
        "sbom": measure(options["sbom"])[0] if options["sbom"] else None,
    }
    if options["image"] is not None:
        base = base.leaving_out(*(name for name in OF_THE_BYTES if said[name] is None))
    write_draft(outside, RevisionStatement, base, old, said, {"kind": "app", "epoch": 0, "purpose": "feature"})


@click.command(
    **about(
        "Exact revisions of several packages that go together; a model may follow a stack instead of channels.",
        "sealring create stack --stack acme/line --part acme/tool/amd64=3 --part acme/base/amd64=7 --root root.json \\",
        "    -o line.json",
        "sealring create stack --replaces line.json --part acme/tool/amd64=4 -o line-2.json",
    )
)
@click.option("--stack", help="BRAND/NAME.")
@click.option("--part", multiple=True, help="PACKAGE/ARCHITECTURE=REVISION; other parts stay with --replaces.")
@click.option("--drop-part", multiple=True, metavar="PACKAGE/ARCHITECTURE", help="Leave out a part of --replaces.")
@list_options
@base_options(Stack)
@click.pass_obj
def stack(outside: Outside, /, **options: Any) -> None:
    """Exact revisions of several packages that go together."""
    base = load_base(options)
    old = load_old(base, Stack)
    authority, name = split_name(options["stack"], "--stack")
    parts = {f"{p.package}/{p.architecture}": p for p in (old.parts if old else [])}
    for dropped in options["drop_part"]:
        if parts.pop(dropped, None) is None:
            raise click.UsageError(f"--drop-part {dropped!a:.80}: no part of --replaces")
    for part in map(stack_part, options["part"]):
        parts[f"{part.package}/{part.architecture}"] = part
    said = {
        "authority": authority,
        "stack": name,
        "parts": [parts[key] for key in sorted(parts)] or None,
        "revocations": list_number(options, authority or (old.authority if old else None)),
    }
    write_draft(outside, Stack, base, old, said, {"revocations": 0})
