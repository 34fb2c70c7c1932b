"""The command line's tree: every command of `sealring`."""

import click

from sealring.command.assemble import assemble
from sealring.command.audit import audit
from sealring.command.bundles import bundle
from sealring.command.countersign import countersign
from sealring.command.create import create
from sealring.command.doctor import doctor
from sealring.command.files import about
from sealring.command.key import key
from sealring.command.publish import publish
from sealring.command.rehearse import rehearse
from sealring.command.request import request
from sealring.command.show import show
from sealring.command.sign import review, sign
from sealring.command.verify import verify


@click.group(
    **about(
        "The security team's command: keys, assertions, and their way to a store.",
        "sealring key create alice.key --name alice",
        "sealring create release --replaces release-1.json --revision amd64=2 -o release-2.json",
        "sealring review release-2.json --replaces release-1.json",
        "sealring sign release-2.json --key alice.key --brand acme.json",
        "sealring verify release-2.json --root root.json --brand acme.json",
        "sealring publish https://store.example release-2.json tool-2.json --image tool-2.squashfs",
    ),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="sealring", message="%(prog)s %(version)s")
def sealring() -> None:
    """The group; its help is above."""


CEREMONY = (key, create, request, review, sign, assemble, countersign)

for command in (*CEREMONY, verify, show, bundle, publish, doctor, audit, rehearse):
    sealring.add_command(command)
