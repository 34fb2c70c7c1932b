"""`sealring create`: unsigned drafts of the six types that this edition works with."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import click

from sealring.command.draft import base_options, key_set, load_base, load_old, split_name, write_draft
from sealring.command.files import EXISTING, Instant, about, measure
from sealring.command.outside import Outside
from sealring.command.parts import health_of, image_of, release_target, requirement, tuf_pin, wanted_package
from sealring.names import ROOT
from sealring.statement import Brand, Model, Release, RevisionStatement, Root, Store
from sealring.statement.authorities import RootRoles

KINDS = click.Choice(["app", "base", "boot", "kernel", "os"])
COUNT = click.IntRange(min=1)
F = TypeVar("F", bound=Callable[..., Any])


@click.group(
    **about(
        "Make an unsigned draft. Nobody acts on a draft: holders review and sign it.",
        "sealring create brand --brand acme --key alice.pub --key bob.pub --threshold 2 --root root.json -o acme.json",
        "sealring create release --replaces release-1.json --revision amd64=2 -o release-2.json",
    )
)
def create() -> None:
    """The group; its help is above."""


def _keys_option(name: str, what: str) -> Callable[[F], F]:
    return click.option(name, type=EXISTING, multiple=True, help=f"A public key file {what}; repeat for each key.")


@create.command(
    **about(
        "A version of the root: who may change it, and who certifies brands.",
        "sealring create root --root-key a.pub --root-key b.pub --root-key c.pub --root-threshold 2 \\",
        "    --brand-key d.pub --brand-threshold 1 -o root.json",
        "sealring create root --replaces root.json --root-key a.pub --root-key e.pub --root-threshold 2 -o root-2.json",
    )
)
@_keys_option("--root-key", "of the role that changes the root")
@click.option("--root-threshold", type=COUNT, help="How many of them must sign.")
@_keys_option("--brand-key", "of the role that certifies brands")
@click.option("--brand-threshold", type=COUNT, help="How many of them must sign.")
@base_options
@click.pass_obj
def root(outside: Outside, /, **options: Any) -> None:
    """A version of the root."""
    base = load_base(options)
    old = load_old(base, Root)
    old_root, old_brand = (old.roles.root, old.roles.brand) if old else (None, None)
    first = key_set(options["root_key"], options["root_threshold"], old_root, "--root-key")
    second = key_set(options["brand_key"], options["brand_threshold"], old_brand, "--brand-key")
    if first is None or second is None:
        raise click.UsageError("give --root-key and --brand-key with their thresholds")
    write_draft(outside, Root, base, old, {"authority": ROOT, "roles": RootRoles(first, second)})


@create.command(
    **about(
        "A brand and its keys.",
        "sealring create brand --brand acme --key alice.pub --key bob.pub --key carol.pub --threshold 2 \\",
        "    --root root.json -o acme.json",
        "sealring create brand --replaces acme.json --key alice.pub --key dave.pub -o acme-2.json",
    )
)
@click.option("--brand", help="The brand's name.")
@_keys_option("--key", "of the brand")
@click.option("--threshold", type=COUNT, help="How many of them must sign.")
@base_options
@click.pass_obj
def brand(outside: Outside, /, **options: Any) -> None:
    """A brand and its keys."""
    base = load_base(options)
    old = load_old(base, Brand)
    keys = key_set(options["key"], options["threshold"], old.keys if old else None, "--key")
    said = {"authority": ROOT, "brand": options["brand"], "keys": keys, "revocations": None if old else 0}
    write_draft(outside, Brand, base, old, said)


@create.command(
    **about(
        "What devices of one model run, and from which stores.",
        "sealring create model --model acme/door-1 --architecture amd64 --package acme/tool=latest/stable \\",
        "    --store acme/main --root root.json -o door-1.json",
    )
)
@click.option("--model", help="BRAND/NAME.")
@click.option("--architecture", help="Such as amd64 or arm64.")
@click.option("--package", multiple=True, help="PACKAGE=CHANNEL[:KIND[:optional]]; given ones replace the whole list.")
@click.option("--store", multiple=True, help="BRAND/NAME of a store, in the order of asking; replaces the whole list.")
@click.option("--agree", type=COUNT, help="How many stores must show a release; default 1.")
@click.option("--offline-age", type=click.IntRange(min=0), help="Seconds that an operator may overlook; default 0.")
@click.option("--end-of-support", type=Instant(), help="Default: ten years from now.")
@base_options
@click.pass_obj
def model(outside: Outside, /, **options: Any) -> None:
    """What devices of one model run, and from which stores."""
    base = load_base(options)
    old = load_old(base, Model)
    authority, name = split_name(options["model"], "--model")
    ends = options["end_of_support"] or (None if old else _in_ten_years(outside))
    fresh = {} if old else {"agree": 1, "offline_age": 0, "serial": "none", "revocations": 0}
    said = {
        **fresh,
        "authority": authority,
        "model": name,
        "architecture": options["architecture"],
        "packages": sorted(map(wanted_package, options["package"]), key=lambda w: w.package) or None,
        "stores": list(options["store"]) or None,
        "end_of_support": ends,
    }
    said.update({name: options[name] for name in ("agree", "offline_age") if options[name] is not None})
    write_draft(outside, Model, base, old, said)


@create.command(
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
@click.option("--kind", type=KINDS, help="Default: app.")
@click.option("--version", help="What the software calls itself.")
@click.option("--epoch", type=click.IntRange(0, 1000), help="Default: 0.")
@click.option("--image", type=EXISTING, help="The image; its digest and size are computed here.")
@click.option("--content", type=click.Choice(["squashfs", "raw"]), help="Default: seen from the image.")
@click.option("--purpose", type=click.Choice(["security", "feature"]), help="Default: feature.")
@click.option("--requires", multiple=True, help="PACKAGE=REVISION that must be there, or later.")
@click.option("--health", help='A program in the image and its arguments, such as "bin/check --fast".')
@click.option("--health-timeout", type=COUNT, default=60, show_default=True, help="Seconds.")
@click.option("--health-soak", type=click.IntRange(min=0), default=0, show_default=True, help="Seconds.")
@click.option("--advisory", multiple=True, help="An advisory that it fixes, such as CVE-2026-1234.")
@click.option("--sbom", type=EXISTING, help="The bill of materials; its digest is signed.")
@base_options
@click.pass_obj
def revision(outside: Outside, /, **options: Any) -> None:
    """One immutable build of a package."""
    base = load_base(options)
    old = load_old(base, RevisionStatement)
    authority, package = split_name(options["package"], "--package")
    fresh = {} if old else {"kind": "app", "epoch": 0, "purpose": "feature"}
    given = {name: options[name] for name in ("revision", "architecture", "kind", "version", "epoch", "purpose")}
    said = {**fresh, **{name: value for name, value in given.items() if value is not None}}
    said.update(
        authority=authority,
        package=package,
        image=image_of(options["image"], options["content"]),
        requires=sorted(map(requirement, options["requires"]), key=lambda r: r.package) or None,
        health=health_of(options),
        advisories=list(options["advisory"]) or None,
        sbom=measure(options["sbom"])[0] if options["sbom"] else None,
    )
    write_draft(outside, RevisionStatement, base, old, said)


@create.command(
    **about(
        "What a channel points at.",
        "sealring create release --package acme/tool --channel latest/stable --revision amd64=1 --root root.json \\",
        "    -o release-1.json",
        "sealring create release --replaces release-1.json --revision amd64=2 -o release-2.json",
    )
)
@click.option("--package", help="BRAND/NAME.")
@click.option("--channel", help="TRACK/RISK, such as latest/stable.")
@click.option("--revision", multiple=True, help="ARCH=REVISION[:MINIMUM[:PREVIOUS]]; other ARCHs stay with --replaces.")
@base_options
@click.pass_obj
def release(outside: Outside, /, **options: Any) -> None:
    """What a channel points at."""
    base = load_base(options)
    old = load_old(base, Release)
    authority, package = split_name(options["package"], "--package")
    targets = {t.architecture: t for t in (old.targets if old else [])}
    for text in options["revision"]:
        target = release_target(text, targets)
        targets[target.architecture] = target
    said = {
        "authority": authority,
        "package": package,
        "channel": options["channel"],
        "targets": [targets[name] for name in sorted(targets)] or None,
        "revocations": None if old else 0,
    }
    write_draft(outside, Release, base, old, said)


@create.command(
    **about(
        "Where a store is, and for what it may be used.",
        "sealring create store --store acme/main --url https://store.example --tuf-root 1.root.json \\",
        '    --packages "acme/*" --root root.json -o store.json',
    )
)
@click.option("--store", help="BRAND/NAME.")
@click.option("--url", multiple=True, help="An address of the store; repeat in the order of asking.")
@click.option("--tuf-root", type=EXISTING, help="The store's TUF root file: its version and digest are signed.")
@click.option("--max-age", type=COUNT, help="Seconds that its answers count for; default 7 days, at most 14.")
@click.option("--packages", multiple=True, help='BRAND/NAME or "BRAND/*" that it may be used for.')
@click.option("--may-halt/--may-not-halt", default=None, help="Whether it may halt a release; default not.")
@base_options
@click.pass_obj
def store(outside: Outside, /, **options: Any) -> None:
    """Where a store is, and for what it may be used."""
    base = load_base(options)
    old = load_old(base, Store)
    authority, name = split_name(options["store"], "--store")
    fresh = {} if old else {"max_age": 7 * 24 * 3600, "may_halt": False, "revocations": 0}
    given = {name: options[name] for name in ("max_age", "may_halt") if options[name] is not None}
    said = {
        **fresh,
        **given,
        "authority": authority,
        "store": name,
        "urls": list(options["url"]) or None,
        "tuf": tuf_pin(options["tuf_root"]),
        "packages": sorted(set(options["packages"])) or None,
    }
    write_draft(outside, Store, base, old, said)


def _in_ten_years(outside: Outside) -> datetime:
    return outside.clock().replace(microsecond=0) + timedelta(days=3650)
