"""`sealring create model`, `store` and `serial`: devices, and where they look."""

from datetime import timedelta
from typing import Any

import click

from sealring.command.create.list_number import list_number, list_options
from sealring.command.create.values import COUNT, Duration
from sealring.command.draft import base_options, leave_out, load_base, load_old, split_name, write_draft
from sealring.command.files import EXISTING, Instant, about, read_file
from sealring.command.outside import Outside
from sealring.command.parts import tuf_pin, wanted_package
from sealring.keyfile import parse_public_file
from sealring.statement import Model, SerialStatement, Store

TEN_YEARS = timedelta(days=3650)


@click.command(
    **about(
        "What devices of one model run, and from which stores.",
        "sealring create model --model acme/door-1 --architecture amd64 --package acme/tool=latest/stable \\",
        "    --store acme/main --root root.json -o door-1.json",
        "sealring create model --replaces door-1.json --stack acme/line --revocations-list list-3.json -o door-1b.json",
    )
)
@click.option("--model", help="BRAND/NAME.")
@click.option("--architecture", help="Such as amd64 or arm64.")
@click.option("--package", multiple=True, help="PACKAGE=CHANNEL[:KIND[:optional]]; given ones replace the whole list.")
@click.option("--store", multiple=True, help="BRAND/NAME of a store, in the order of asking; replaces the whole list.")
@click.option("--agree", type=COUNT, help="How many stores must show a release; default 1.")
@click.option("--offline-age", type=Duration(), help="What an operator may overlook, such as 30d; default 0.")
@click.option("--serial", type=click.Choice(["required", "none"]), help="Whether a device needs one; default none.")
@click.option("--end-of-support", type=Instant(), help="Default: ten years from now.")
@click.option("--stack", help="BRAND/NAME: devices follow this stack instead of the channels.")
@leave_out("stack")
@list_options
@base_options(Model)
@click.pass_obj
def model(outside: Outside, /, **options: Any) -> None:
    """What devices of one model run, and from which stores."""
    base = load_base(options)
    old = load_old(base, Model)
    authority, name = split_name(options["model"], "--model")
    said = {
        **{
            name: options[name]
            for name in ("architecture", "agree", "offline_age", "serial", "end_of_support", "stack")
        },
        "authority": authority,
        "model": name,
        "packages": sorted(map(wanted_package, options["package"]), key=lambda w: w.package) or None,
        "stores": list(options["store"]) or None,
        "revocations": list_number(options, authority or (old.authority if old else None)),
    }
    ends = outside.clock().replace(microsecond=0) + TEN_YEARS
    fresh = {"agree": 1, "offline_age": 0, "serial": "none", "revocations": 0, "end_of_support": ends}
    write_draft(outside, Model, base, old, said, fresh)


@click.command(
    **about(
        "Where a store is, and for what it may be used.",
        "sealring create store --store acme/main --url https://store.example --tuf-root 1.root.json \\",
        '    --packages "acme/*" --root root.json -o store.json',
        "sealring create store --replaces store.json --revocations-list list-3.json -o store-2.json",
    )
)
@click.option("--store", help="BRAND/NAME.")
@click.option("--url", multiple=True, help="An address of the store; repeat in the order of asking.")
@click.option("--tuf-root", type=EXISTING, help="The store's TUF root file: its version and digest are signed.")
@click.option("--max-age", type=Duration(), help="How long its answers count; default 7d, at most 14d.")
@click.option("--packages", multiple=True, help='BRAND/NAME or "BRAND/*" that it may be used for.')
@click.option("--may-halt/--may-not-halt", default=None, help="Whether it may halt a release; default not.")
@list_options
@base_options(Store)
@click.pass_obj
def store(outside: Outside, /, **options: Any) -> None:
    """Where a store is, and for what it may be used."""
    base = load_base(options)
    old = load_old(base, Store)
    authority, name = split_name(options["store"], "--store")
    said = {
        "authority": authority,
        "store": name,
        "urls": list(options["url"]) or None,
        "tuf": tuf_pin(options["tuf_root"]),
        "max_age": options["max_age"],
        "packages": sorted(set(options["packages"])) or None,
        "may_halt": options["may_halt"],
        "revocations": list_number(options, authority or (old.authority if old else None)),
    }
    write_draft(outside, Store, base, old, said, {"max_age": 7 * 24 * 3600, "may_halt": False, "revocations": 0})


@click.command(
    **about(
        "One device of a model, and its public key.",
        "sealring create serial --model acme/door-1 --serial A-0001 --key a-0001.pub --root root.json -o a-0001.json",
        "sealring create serial --replaces a-0001.json --serial A-0002 --key a-0002.pub -o a-0002.json",
    )
)
@click.option("--model", help="BRAND/NAME.")
@click.option("--serial", help="Letters and digits, with single dots, hyphens or underscores between.")
@click.option("--key", type=EXISTING, help="The device's public key file.")
@base_options(SerialStatement)
@click.pass_obj
def serial(outside: Outside, /, **options: Any) -> None:
    """One device of a model, and its public key."""
    base = load_base(options)
    old = load_old(base, SerialStatement)
    authority, name = split_name(options["model"], "--model")
    key = parse_public_file(read_file(options["key"], 8192)) if options["key"] else None
    said = {"authority": authority, "model": name, "serial": options["serial"], "key": key}
    if old is not None and key is None and any(said[n] not in (None, getattr(old, n)) for n in said if n != "key"):
        raise click.UsageError("give --key too: two devices never share one")
    write_draft(outside, SerialStatement, base, old, said)
