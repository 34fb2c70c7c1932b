"""A private key in memory: opened by its passphrase, used, and let go (SPEC KY-5, KY-8)."""

from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Self

from sealring.errors import TrustError
from sealring.keyfile.form import BadKeyFile, Kdf, KeyFile
from sealring.keyfile.private import KEY_TYPES, PrivateKey, open_private
from sealring.keyfile.sodium import derive, open_box, wipe
from sealring.keys import PublicKey


@dataclass(eq=False)
class WrongPassphrase(TrustError):
    """The passphrase does not open the key file, or the file's secret was altered (SPEC KY-5)."""

    name: str
    rule: ClassVar[str] = "KY-5"
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        return f"key {self.name}: the passphrase does not open it"

    def hint(self) -> str:
        return "try again; without the passphrase nobody can open it, so a lost one means a new key"


class OpenKey:
    """A private key in memory, for as short as possible: use it in a `with` block, which lets go of it.

    The secret that is handed in is overwritten when this is made; what signs is overwritten at the end.
    """

    def __init__(self, public: PublicKey, secret: bytearray) -> None:
        """Take the secret over: it is overwritten here, whatever happens.

        Raises:
            ValueError: the secret is not that of this public key.
        """
        self._public = public
        self._private: PrivateKey | None = None
        try:
            (kind,) = (kind for kind in KEY_TYPES if kind == public.type)
            private = open_private(kind, secret)
        finally:
            wipe(secret)
        if private.public != public.public:
            private.close()
            raise ValueError("the secret of another key")
        self._private = private

    @property
    def public(self) -> PublicKey:
        """The public half, as statements list it."""
        return self._public

    def sign(self, message: bytes, /) -> bytes:
        """The signature of these bytes, in the one spelling that counts (SPEC KY-2)."""
        if self._private is None:
            raise ValueError("the key was closed")
        return self._private.sign(message)

    def close(self) -> None:
        """Overwrite the key, or let go of it so that OpenSSL does; it signs nothing any more."""
        if self._private is not None:
            self._private.close()
        self._private = None

    def __del__(self) -> None:
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def open_key(file: KeyFile, passphrase: bytes | bytearray) -> OpenKey:
    """The private key in this file. The passphrase is the caller's to wipe.

    Raises:
        WrongPassphrase: also when the file's public key is not the secret's: signing as somebody else is refused.
        BadKeyFile: when there is no memory for its parameters.
    """
    try:
        return OpenKey(file.public_key, unwrap_secret(file, passphrase))
    except ValueError:
        raise WrongPassphrase(file.name) from None


def unwrap_secret(file: KeyFile, passphrase: bytes | bytearray) -> bytearray:
    """The secret in this file, for the caller to wipe.

    Raises:
        WrongPassphrase, BadKeyFile.
    """
    key = derive_key(file.kdf, file.salt, passphrase, file.name)
    secret = open_box(file.ciphertext, file.nonce, key)
    wipe(key)
    if secret is None:
        raise WrongPassphrase(file.name)
    return secret


def derive_key(kdf: Kdf, salt: bytes, passphrase: bytes | bytearray, path: str) -> bytearray:
    """The key that encrypts the secret, for the caller to wipe.

    Raises:
        BadKeyFile: when there is no memory for the parameters.
    """
    key = derive(passphrase, salt, kdf.operations, kdf.memory)
    if key is None:
        raise BadKeyFile(path, f"no {kdf.memory} bytes of memory for it", "use a machine with more memory")
    return key
