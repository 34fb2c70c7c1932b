"""Who can sign an assertion, and how one more signature gets onto it (SPEC EN-5, KY-2).

A key file, a token or a cloud key all look the same from here: something with a public half that signs bytes.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from sealring.envelope import Envelope, seal
from sealring.errors import TrustError
from sealring.keys import PublicKey, signed_by


class Signer(Protocol):
    """A private key, wherever it is kept."""

    @property
    def public(self) -> PublicKey:
        """The half that statements list."""

    def sign(self, pae: bytes, /) -> bytes:
        """The signature over an envelope's pre-authentication encoding."""


@dataclass(eq=False)
class UselessSignature(TrustError):
    """What a signer gave does not verify under its own public key (SPEC KY-2)."""

    signer: str
    rule: ClassVar[str] = "KY-2"
    exit_code: ClassVar[int] = 21

    def __str__(self) -> str:
        return f"the signature that {self.signer} gave does not verify under its public key"

    def hint(self) -> str:
        return "the key file or token is damaged, or holds another key than it says"


def add_signature(envelope: Envelope, signer: Signer) -> Envelope:
    """The same assertion with this signer's signature; counter-signing keeps the assertion's id (SPEC EN-5).

    A signature that already stood under this key is replaced, so a damaged one is mended by signing again.

    Raises:
        UselessSignature: and nothing is handed out that no device would count.
        TrustError: when the envelope has no room for another signature.
    """
    signature = signer.sign(envelope.pae)
    if not signed_by(signer.public, signature, envelope.pae):
        raise UselessSignature(signer.public.name)
    return seal(envelope.payload, {**envelope.signatures, signer.public.id: signature})
