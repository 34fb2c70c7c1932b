"""What a token or a cloud can refuse, in words that say what to do (SPEC KY-7).

Each of these libraries has exceptions of its own, documented or not, and securesystemslib passes them all on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Final

from sealring.errors import SealringError, TrustError
from sealring.keystores.kinds import Kind

_WRONG_PIN: Final = frozenset({"PinIncorrect", "PinInvalid", "PinLenRange"})
_LOOK: Final = "pkcs11-tool --module $PYKCS11LIB"


@dataclass(eq=False)
class NoSuchKey(SealringError):
    """The store has no key of this name, or no store of this name is there."""

    where: str
    reason: str
    advice: str
    exit_code: ClassVar[int] = 11

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"

    def hint(self) -> str:
        return self.advice


@dataclass(eq=False)
class WrongPin(TrustError):
    """The PIN does not open the token, or may not be tried any more."""

    where: str
    locked: bool
    rule: ClassVar[str] = "KY-7"
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        return f"{self.where}: {'the PIN is locked' if self.locked else 'the PIN does not open it'}"

    def hint(self) -> str:
        if self.locked:
            return "its own tool unlocks it, with the PIN of its security officer"
        return "a token locks itself after a few wrong PINs: be sure before you try again"


@dataclass(eq=False)
class UnsupportedKey(TrustError):
    """A key of a type that no statement can list, or that can't sign what statements are (SPEC KY-7)."""

    where: str
    found: str
    rule: ClassVar[str] = "KY-7"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"{self.where}: a key of type {self.found} found, ed25519, ecdsa-p256 or ecdsa-p384 needed"

    def hint(self) -> str:
        return "make a P-256 or P-384 key there (in Vault: Ed25519); ML-DSA-65 keys are kept in key files"


@dataclass(eq=False)
class OtherVersion(SealringError):
    """The URI names another version of the key than the newest, whose public half is not to be had."""

    where: str
    newest: str
    exit_code: ClassVar[int] = 11

    def __str__(self) -> str:
        return f"{self.where}: the newest version is {self.newest}, and only of that one the public half is told"

    def hint(self) -> str:
        return f"give {self.newest}, once statements list that key"


@dataclass(eq=False)
class StoreFailed(SealringError):
    """The store or its library gave up for a reason of its own."""

    where: str
    kind: Kind
    reason: str
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        return f"{self.where}: {self.kind.title}: {self.reason}"

    def hint(self) -> str:
        return self.kind.needs


class AskFailed(BaseException):
    """A secret could not be had. No library on the way may take it for a failure of its own and go on."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(reason)
        self.reason = reason


@contextmanager
def explained(kind: Kind, where: str) -> Iterator[None]:
    """Whatever the store's libraries raise in the block comes out as one of the refusals above."""
    try:
        yield
    except AskFailed as err:
        raise err.reason from None
    except SealringError:
        raise
    except Exception as err:  # noqa: BLE001 - securesystemslib says that its signers raise whatever their libraries do
        raise _explain(kind, where, err) from None


def _explain(kind: Kind, where: str, err: Exception) -> SealringError:
    name, text = type(err).__name__, " ".join(str(err).split())[:300]
    if name in _WRONG_PIN or name == "PinLocked":
        return WrongPin(where, name == "PinLocked")
    if text.endswith("on the PKCS#11 token"):
        found = (
            "several keys of this id"
            if "multiple" in text
            else "no P-256 or P-384 key of this id (RSA is no type of ours)"
        )
        return NoSuchKey(where, f"{found} on the token", f"{_LOOK} --login --list-objects shows its keys and their ids")
    if "PKCS#11 token found" in text or "PKCS#11 tokens found" in text:
        found = "several such tokens are" if "Multiple" in text else "no such token is"
        return NoSuchKey(where, f"{found} there", f"{_LOOK} --list-token-slots shows the tokens and their labels")
    if "is not a supported EC curve" in text or name in ("UnsupportedAlgorithmError", "UnsupportedKeyType"):
        return UnsupportedKey(where, text.partition(" is not")[0])
    return StoreFailed(where, kind, f"{name}: {text}" if text else name)
