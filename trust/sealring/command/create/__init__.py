"""`sealring create`: unsigned drafts of the ten types, one command each; the modules here are groups of types."""

import click

from sealring.command.create.authorities import brand, delegation, root
from sealring.command.create.fleet import model, serial, store
from sealring.command.create.release import release
from sealring.command.create.revocations import revocations
from sealring.command.create.software import revision, stack
from sealring.command.files import about


@click.group(
    **about(
        "Make an unsigned draft. Nobody acts on a draft: holders review and sign it.",
        "sealring create brand --brand acme --key alice.pub --key bob.pub --threshold 2 --root root.json -o acme.json",
        "sealring create release --replaces release-1.json --revision amd64=2 -o release-2.json",
        'sealring create revocations --replaces list-3.json --revoke "revision acme/tool/3/amd64" --action stop \\',
        '    --why "opens every door" -o list-4.json',
    )
)
def create() -> None:
    """The group; its help is above."""


for command in (root, brand, delegation, model, store, serial, revision, release, stack, revocations):
    create.add_command(command)

__all__ = ["create"]
