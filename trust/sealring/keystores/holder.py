"""What every place that keeps a private key looks like from outside."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from sealring.keys import PublicKey
from sealring.signing import Signer

Ask = Callable[[str, str], bytearray]
"""Gives a secret, for its user to wipe: `ask("passphrase", "alice")`, `ask("PIN", "hsm:2?label=root-1")`."""


class Holder(Protocol):
    """A private key at rest. Its public half is known; the secret is asked for when it is opened."""

    @property
    def public(self) -> PublicKey:
        """The half that statements list."""

    def open(self) -> AbstractContextManager[Signer]:
        """The key, ready to sign, for as long as the `with` block lasts."""
