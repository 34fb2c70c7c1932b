"""Where private keys are kept, and the one loader that reaches them all (SPEC KY-5 to KY-7)."""

from sealring.keystores.holder import Ask, Holder
from sealring.keystores.loading import is_uri, load_signer

__all__ = ["Ask", "Holder", "is_uri", "load_signer"]
