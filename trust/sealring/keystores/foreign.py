"""A key in a token or a cloud, through securesystemslib, as something that signs assertions (SPEC KY-2, KY-7)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from sealring.algorithm import normalise_ecdsa
from sealring.keyfile import wipe
from sealring.keys import PublicKey
from sealring.keystores.holder import Ask
from sealring.keystores.kinds import Kind, check_parts, kind_of
from sealring.keystores.refused import AskFailed, OtherVersion, UnsupportedKey, explained
from sealring.signing import Signer

if TYPE_CHECKING:
    from securesystemslib.signer import Key, SSlibKey
    from securesystemslib.signer import Signer as LibrarySigner

_CURVES = {"ecdsa-sha2-nistp256": "ecdsa-p256", "ecdsa-sha2-nistp384": "ecdsa-p384"}
_POINT_BYTES = {"ecdsa-p256": 65, "ecdsa-p384": 97}


@dataclass
class Secret:
    """A PIN or passphrase that is asked for when it is first needed, and once."""

    ask: Ask
    kind: Kind
    where: str
    _kept: bytearray = field(default_factory=bytearray, repr=False)

    def text(self, _what: str) -> str:
        """The secret as securesystemslib takes it: text, which Python can't wipe."""
        if not self._kept:
            try:
                self._kept = self.ask(self.kind.secret or "passphrase", self.where)
            except Exception as err:  # noqa: BLE001 - whatever kept the person from giving it is told as it is
                raise AskFailed(err) from None
        return self._kept.decode(errors="surrogateescape")

    def forget(self) -> None:
        """Overwrite what is kept here; the next use asks again."""
        wipe(self._kept)
        self._kept = bytearray()


@dataclass(frozen=True)
class ForeignHolder:
    """A key in a token or a cloud whose public half has been read."""

    public: PublicKey
    kind: Kind
    uri: str
    key: "Key"
    secret: Secret = field(repr=False)

    @contextmanager
    def open(self) -> Iterator[Signer]:
        """The key, ready to sign; a token's PIN is asked for with the first signature and forgotten at the end."""
        from securesystemslib.signer import Signer as LibrarySigner

        try:
            with explained(self.kind, self.uri):
                signer = LibrarySigner.from_priv_key_uri(self.uri, self.key, self.secret.text)
            yield ForeignSigner(self.public, self.kind, self.uri, signer)
        finally:
            self.secret.forget()


@dataclass(frozen=True)
class ForeignSigner:
    """An open key of a token or a cloud."""

    public: PublicKey
    kind: Kind
    uri: str
    signer: "LibrarySigner"

    def sign(self, pae: bytes, /) -> bytes:
        """The signature in the one spelling that counts: tokens give DER, and either s (SPEC KY-2)."""
        with explained(self.kind, self.uri):
            signature = bytes.fromhex(self.signer.sign(pae).signature)
        if self.public.type in _POINT_BYTES:
            return normalise_ecdsa(signature, self.public.type)
        return signature


def find_foreign(where: str, ask: Ask) -> ForeignHolder:
    """The key that this URI names; its store is asked for the public half.

    Raises:
        BadUri, MissingPart: before anything is loaded or asked.
        NoSuchKey, WrongPin, UnsupportedKey, OtherVersion, StoreFailed.
    """
    kind = kind_of(where)
    check_parts(kind)
    secret = Secret(ask, kind, where)
    with explained(kind, where):
        uri, key = _fetch(kind, where, secret)
    # Of a key with versions the library tells the newest only: another must not sign in the name of it.
    if kind.scheme in ("hv", "azurekms") and where.count("/") == uri.count("/") and where != uri:
        raise OtherVersion(where, uri)
    return ForeignHolder(_public(where, key), kind, uri, key, secret)


def _fetch(kind: Kind, where: str, secret: Secret) -> "tuple[str, SSlibKey]":
    """The URI with all that was found out, and the public half."""
    from securesystemslib import signer as library

    path, _, query = where.partition(":")[2].partition("?")
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    match kind.scheme:
        case "hsm":
            return library.HSMSigner.import_(int(path) if path else None, asked.get("label"), secret.text)
        case "awskms":
            return library.AWSSigner.import_(path)
        case "gcpkms":
            return library.GCPSigner.import_(path)
        case "azurekms":
            host, _, name = path.removeprefix("//").partition("/keys/")
            return library.AzureSigner.import_(host.partition(".")[0], name.partition("/")[0])
        case "hv":
            return library.VaultSigner.import_(path.partition("/")[0])
        case _:
            phrase = secret.text("passphrase") if "passphrase" in asked else None
            return library.TKeySigner.import_(asked["digest"], path or None, phrase)


def _public(where: str, key: "SSlibKey") -> PublicKey:
    """The public half as statements list it.

    Raises:
        UnsupportedKey: its type is none of SPEC section 4, or its library signs another message than ours.
    """
    name, value = _name(where), key.keyval["public"]
    if (key.keytype, key.scheme) == ("ed25519", "ed25519"):
        return PublicKey(name, "ed25519", bytes.fromhex(value))
    if key.scheme not in _CURVES:
        raise UnsupportedKey(where, f"{key.keytype}, {key.scheme}")
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    kind, found = _CURVES[key.scheme], load_pem_public_key(value.encode())
    if not isinstance(found, EllipticCurvePublicKey):
        raise UnsupportedKey(where, f"{key.keytype}, {key.scheme}")
    point = found.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    if len(point) != _POINT_BYTES[kind]:
        raise UnsupportedKey(where, f"{found.curve.name}, {key.scheme}")
    return PublicKey(name, kind, point)


def _name(where: str) -> str:
    """A name for people until a statement gives the key its own: the URI, in the letters that a name has."""
    return re.sub("[^a-z0-9]+", "-", where.lower())[:40].strip("-")
