"""A key as python-tuf wants its keys: a securesystemslib signer with its usual hash key id (SPEC TF-1)."""

from pathlib import Path
from typing import ClassVar
from urllib.parse import quote, unquote

from securesystemslib.signer import Key, SecretsHandler, Signature
from securesystemslib.signer import Signer as LibrarySigner

from sealring.keyfile.disk import load_key_file
from sealring.keyfile.opened import OpenKey, open_key
from sealring.signing import Signer
from sealring.tuf_keys import NoTufKey, tuf_key, tuf_signature


class TufSigner(LibrarySigner):
    """An open key, of a file or of any other place, for python-tuf.

    URI scheme for `from_priv_key_uri`: `sealring-key:/path/to/file`, the path percent-encoded.
    """

    SCHEME: ClassVar[str] = "sealring-key"

    def __init__(self, key: Signer) -> None:
        """Take an open key over.

        Raises:
            NoTufKey: its type is none that every TUF client can verify.
        """
        try:
            self._public_key = tuf_key(key.public)
        except NoTufKey:
            if isinstance(key, OpenKey):
                key.close()
            raise
        self._key = key

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
        return Signature(self._public_key.keyid, tuf_signature(self._key.public, self._key.sign(payload)))
