"""`sealring-device serial`: the device's own key, and the brand's word about it (SPEC SN-1)."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from sealring.words import Help

NAME = "sealring-device serial"


def add_serial(commands: Any, common: Help) -> None:
    """Add `serial key` and `serial install` to the command line."""
    text = "the device's own key, and the brand's word that it is one of its devices"
    top = commands.add_parser("serial", help=text, description=f"{text[0].upper()}{text[1:]}.")
    top.examples = (f"{NAME} key > device.pub", f"{NAME} install serial.json")
    actions = top.add_subparsers(dest="action", required=True, metavar="ACTION")
    text = "print the public half of the device's key, which is made at the first call and never leaves the device"
    key = actions.add_parser("key", parents=[common], help=text, description=f"{text[0].upper()}{text[1:]}.")
    key.examples = (f"{NAME} key --name door-4711 > door-4711.pub",)
    key.add_argument("--name", metavar="NAME", help="what people call the key; the first call decides (device)")
    key.set_defaults(run=_key)
    text = "take the brand's `serial` assertion for this device's key"
    install = actions.add_parser("install", parents=[common], help=text, description=f"{text[0].upper()}{text[1:]}.")
    install.examples = (f"{NAME} install serial.json",)
    install.add_argument("file", type=Path, metavar="FILE", help="the assertion, signed by the brand")
    install.set_defaults(run=_install)


def _key(args: argparse.Namespace) -> int:
    from sealring.keyfile import public_file
    from sealring_client.device_file import load_device
    from sealring_client.serial import own_key

    found = own_key(load_device(args.state), args.name)
    # One object with and without --json, byte for byte what the brand's team reads as a public key file.
    sys.stdout.write(public_file(found).decode())
    return 0


def _install(args: argparse.Namespace) -> int:
    from sealring.envelope import MAX_ENVELOPE
    from sealring_client.command.files import read_file
    from sealring_client.device_file import load_device
    from sealring_client.outside import real_outside
    from sealring_client.serial import install_serial

    device, raw = load_device(args.state), read_file(args.file, MAX_ENVELOPE)
    found = install_serial(device, raw, real_outside(lambda *_: None).clock()).statement
    told = {"schema": 1, "serial": found.subject, "sequence": found.sequence}
    print(json.dumps(told) if args.json else f"serial {found.subject}, sequence {found.sequence}")
    return 0
