"""A key file as python-tuf wants its keys: a securesystemslib signer with its usual hash key id (SPEC TF-1)."""

from pathlib import Path
from typing import ClassVar
from urllib.parse import quote, unquote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer, SSlibKey

from sealring.keyfile.disk import load_key_file
from sealring.keyfile.form import BadKeyFile
from sealring.keyfile.opened import OpenKey, open_key


class TufSigner(Signer):
    """A key file for python-tuf; Ed25519 only, which every TUF client of a store can verify.

    URI scheme for `from_priv_key_uri`: `sealring-key:/path/to/file`, the path percent-encoded.
    """

    SCHEME: ClassVar[str] = "sealring-key"

    def __init__(self, key: OpenKey) -> None:
        """Take an open key over.

        Raises:
            BadKeyFile: the key is no Ed25519 key.
        """
        if key.public.type != "ed25519":
            key.close()
            reason = f"it holds an {key.public.type} key, a store's TUF metadata takes ed25519"
            raise BadKeyFile(key.public.name, reason, "make one with `sealring key create FILE --name NAME`")
        self._key = key
        self._public_key = SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(key.public.public))

    @property
    def public_key(self) -> Key:
        """The public half as TUF metadata lists it."""
        return self._public_key

    @classmethod
    def uri(cls, path: Path) -> str:
        """The URI of a key file."""
        return f"{cls.SCHEME}:{quote(str(path.absolute()))}"

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> "TufSigner":
        """The signer behind a URI; the handler is asked for "passphrase" (SPEC KY-6: no argument carries one)."""
        scheme, _, path = priv_key_uri.partition(":")
        if scheme != cls.SCHEME or secrets_handler is None:
            raise ValueError(f"{cls.SCHEME}:PATH and a secrets handler needed")
        signer = cls(open_key(load_key_file(Path(unquote(path))), secrets_handler("passphrase").encode()))
        if signer.public_key.keyid != public_key.keyid:
            raise ValueError(f"the file holds key {signer.public_key.keyid}, {public_key.keyid} needed")
        return signer

    def sign(self, payload: bytes) -> Signature:
        """A TUF signature of this payload."""
        return Signature(self._public_key.keyid, self._key.sign(payload).hex())
