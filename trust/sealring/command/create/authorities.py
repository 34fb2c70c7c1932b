"""`sealring create root`, `brand` and `delegation`: who may speak."""

from typing import Any

import click

from sealring.command.create.key_sets import key_set, key_set_options
from sealring.command.create.list_number import list_number, list_options
from sealring.command.create.values import KINDS
from sealring.command.draft import base_options, load_base, load_old, split_name, write_draft
from sealring.command.files import about
from sealring.command.outside import Outside
from sealring.names import ROOT
from sealring.statement import Brand, Delegation, Root
from sealring.statement.authorities import RootRoles

ROLES = ["model", "release", "revision", "revocations", "serial", "store"]


@click.command(
    **about(
        "A version of the root: who may change it, and who certifies brands.",
        "sealring create root --root-key a.pub --root-key b.pub --root-key c.pub --root-threshold 2 \\",
        "    --brand-key d.pub --brand-threshold 1 -o root.json",
        "sealring create root --replaces root.json --root-key a.pub --root-key e.pub --root-threshold 2 -o root-2.json",
    )
)
@key_set_options("of the role that changes the root", "root")
@key_set_options("of the role that certifies brands", "brand")
@base_options(Root)
@click.pass_obj
def root(outside: Outside, /, **options: Any) -> None:
    """A version of the root."""
    base = load_base(options)
    old = load_old(base, Root)
    old_root, old_brand = (old.roles.root, old.roles.brand) if old else (None, None)
    first, second = key_set(options, old_root, "root"), key_set(options, old_brand, "brand")
    if first is None or second is None:
        raise click.UsageError("give --root-key and --brand-key with their thresholds")
    write_draft(outside, Root, base, old, {"authority": ROOT, "roles": RootRoles(first, second)})


@click.command(
    **about(
        "A brand and its keys.",
        "sealring create brand --brand acme --key alice.pub --key bob.pub --key carol.pub --threshold 2 \\",
        "    --root root.json -o acme.json",
        "sealring create brand --replaces acme.json --key alice.pub --key dave.pub -o acme-2.json",
        "sealring create brand --replaces acme-2.json --revocations-list list-3.json -o acme-3.json",
        "sealring create brand --replaces acme-3.json --key alice.pub --key dave.pub --key quentin.pub \\",
        "    --family-threshold ml-dsa=1:if_known -o acme-4.json",
    )
)
@click.option("--brand", help="The brand's name.")
@key_set_options("of the brand")
@list_options
@base_options(Brand)
@click.pass_obj
def brand(outside: Outside, /, **options: Any) -> None:
    """A brand and its keys."""
    base = load_base(options)
    old = load_old(base, Brand)
    said = {
        "authority": ROOT,
        "brand": options["brand"],
        "keys": key_set(options, old.keys if old else None),
        "revocations": list_number(options, options["brand"] or (old.brand if old else None)),
    }
    write_draft(outside, Brand, base, old, said, {"revocations": 0})


@click.command(
    **about(
        "Keys that may sign some things in a brand's name, until it expires. One level deep: a delegation can't"
        " delegate, nor widen itself.",
        "sealring create delegation --delegation acme/builders --key ci.pub --threshold 1 --role revision \\",
        '    --packages "acme/*" --root root.json -o builders.json',
        "sealring create delegation --replaces builders.json --role revision --role release -o builders-2.json",
    )
)
@click.option("--delegation", help="BRAND/NAME; the name may not be the brand's own.")
@key_set_options("of the delegation")
@click.option("--role", type=click.Choice(ROLES), multiple=True, help="What they sign; replaces the whole list.")
@click.option("--packages", multiple=True, help='BRAND/NAME or "BRAND/*"; given ones replace the whole list.')
@click.option("--models", multiple=True, help='BRAND/NAME or "BRAND/*"; given ones replace the whole list.')
@click.option("--kind", type=click.Choice(KINDS), multiple=True, help="Default: app; replaces the whole list.")
@click.option("--no-packages", "empty_packages", is_flag=True, help="Cover no package any more.")
@click.option("--no-models", "empty_models", is_flag=True, help="Cover no model any more.")
@base_options(Delegation)
@click.pass_obj
def delegation(outside: Outside, /, **options: Any) -> None:
    """Keys that may sign some things in a brand's name."""
    base = load_base(options)
    old = load_old(base, Delegation)
    authority, name = split_name(options["delegation"], "--delegation")
    said = {
        "authority": authority,
        "delegation": name,
        "keys": key_set(options, old.keys if old else None),
        "roles": sorted(set(options["role"])) or None,
        "packages": _patterns(options, "packages"),
        "models": _patterns(options, "models"),
        "kinds": sorted(set(options["kind"])) or None,
    }
    write_draft(outside, Delegation, base, old, said, {"packages": [], "models": [], "kinds": ["app"]})


def _patterns(options: dict[str, Any], name: str) -> list[str] | None:
    given = sorted(set(options[name]))
    if options[f"empty_{name}"]:
        if given:
            raise click.UsageError(f"--{name} or --no-{name}, not both")
        return []
    return given or None
