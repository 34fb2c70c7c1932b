"""`--key`: a key file or a URI becomes something that signs, for every command that signs (SPEC KY-5, KY-6)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from sealring.command.dumps import no_dumps
from sealring.command.files import EXISTING
from sealring.command.outside import Outside
from sealring.command.passphrase import Secrets, get_passphrase
from sealring.keys import PublicKey
from sealring.keystores import Holder, is_uri, load_signer
from sealring.signing import Signer


class Place(click.ParamType[Any]):
    """Where a key is: the path of a key file, or a URI such as `hsm:2?label=root-1`."""

    name = "file|uri"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The same text, once a path is known to be a plain file's."""
        text = str(value)
        return text if is_uri(text) else str(EXISTING.convert(text, param, ctx))


PLACE = Place()
key_option = click.option(
    "--key", type=PLACE, required=True, help="Your key: a key file, or a URI such as hsm:2?label=root-1."
)


@dataclass(frozen=True)
class FoundKey:
    """A key whose public half is known and whose private half nobody has opened yet."""

    holder: Holder

    @property
    def public(self) -> PublicKey:
        """The public half, as statements list it."""
        return self.holder.public

    @contextmanager
    def open(self) -> Iterator[Signer]:
        """Ask for the secret and open the key; it is wiped or logged out of at the end of the `with` block."""
        with no_dumps(), self.holder.open() as signer:
            yield signer


def find_key(outside: Outside, where: str, secrets: Secrets) -> FoundKey:
    """The key at `where`; its secret is asked for when it is opened, or where a token hides even its public half.

    Raises:
        SealringError, OSError.
    """

    def ask(what: str, name: str) -> bytearray:
        return get_passphrase(outside, secrets, name, what=what)

    return FoundKey(load_signer(where, ask))


@contextmanager
def open_signer(outside: Outside, where: str, secrets: Secrets) -> Iterator[Signer]:
    """`find_key`, opened at once: for commands that need nothing of the public half before they sign."""
    with find_key(outside, where, secrets).open() as signer:
        yield signer
