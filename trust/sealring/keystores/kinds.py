"""The kinds of key stores that a URI can name, and what each needs on this machine (SPEC KY-7).

The stores are securesystemslib's; nothing of it is imported before a URI is met, and of a kind's own libraries
nothing before a URI of that kind is.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Final

from sealring.errors import SealringError


@dataclass(frozen=True)
class Kind:
    """One kind of store.

    Args:
        extra: of securesystemslib, which brings the `modules`.
        pattern: what a URI looks like, whole.
        example: for messages.
        secret: what its owner is asked for; empty where the store finds credentials by itself.
        needs: what must be set outside, for messages.
    """

    scheme: str
    title: str
    extra: str
    modules: tuple[str, ...]
    pattern: str
    example: str
    secret: str
    needs: str


_ALL: Final = (
    Kind(
        "hsm",
        "PKCS#11 token",
        "hsm",
        ("pkcs11",),
        r"hsm:[0-9]{0,18}(\?label=[^&#\s]+)?",
        "hsm:2?label=root-1",
        "PIN",
        "PYKCS11LIB must be the path of the token's PKCS#11 module, such as /usr/lib/softhsm/libsofthsm2.so",
    ),
    Kind(
        "awskms",
        "AWS KMS",
        "awskms",
        ("boto3", "botocore"),
        r"awskms:[\w:/.+=@-]+",
        "awskms:alias/root-1",
        "",
        "boto3 must find a region and credentials: AWS_DEFAULT_REGION, AWS_PROFILE or AWS_ACCESS_KEY_ID and so on",
    ),
    Kind(
        "gcpkms",
        "Google Cloud KMS",
        "gcpkms",
        ("google.cloud.kms",),
        r"gcpkms:projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+/cryptoKeyVersions/[0-9]+",
        "gcpkms:projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1",
        "",
        "application default credentials must be there: GOOGLE_APPLICATION_CREDENTIALS, or gcloud auth",
    ),
    Kind(
        "azurekms",
        "Azure Key Vault",
        "azurekms",
        ("azure.identity", "azure.keyvault.keys"),
        r"azurekms://[A-Za-z0-9-]+\.vault\.azure\.net/keys/[A-Za-z0-9-]+(/[0-9a-f]+)?",
        "azurekms://VAULT.vault.azure.net/keys/NAME/VERSION",
        "",
        "azure-identity must find credentials: AZURE_CLIENT_ID and so on, a managed identity, or az login",
    ),
    Kind(
        "hv",
        "HashiCorp Vault",
        "vault",
        ("hvac",),
        r"hv:[^/?#\s]+(/[0-9]+)?",
        "hv:root-1/1",
        "",
        "VAULT_ADDR must be the server's address, and VAULT_TOKEN a token for its transit engine",
    ),
    Kind(
        "tkey",
        "Tillitis TKey",
        "tkey",
        ("keylet",),
        r"tkey:[^?#\s]*\?digest=[0-9a-f]+(&passphrase=true)?",
        "tkey:?digest=7c75714",
        "passphrase",
        "securesystemslib has ML-DSA-44 for it only, a type of which no statement can list a key",
    ),
)
KINDS: Final[Mapping[str, Kind]] = {kind.scheme: kind for kind in _ALL}


@dataclass(eq=False)
class BadUri(SealringError):
    """A URI that names no key."""

    where: str
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        scheme = self.where.partition(":")[0]
        kind = KINDS.get(scheme)
        if kind is None:
            return f"{scheme}: is no kind of key store; there are {', '.join(KINDS)}, and key files"
        return f"{self.where!a:.100} names no key of a {kind.title}"

    def hint(self) -> str:
        kind = KINDS.get(self.where.partition(":")[0])
        return f"such as {kind.example}" if kind else "a key file whose name has a colon is given as ./NAME"


@dataclass(eq=False)
class MissingPart(SealringError):
    """This machine lacks what a kind of store needs."""

    kind: Kind
    missing: str
    advice: str
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        return f"{self.kind.title} ({self.kind.scheme}:): {self.missing}"

    def hint(self) -> str:
        return self.advice


def kind_of(where: str) -> Kind:
    """The kind of store that this URI names.

    Raises:
        BadUri.
    """
    kind = KINDS.get(where.partition(":")[0])
    if kind is None or re.fullmatch(kind.pattern, where) is None:
        raise BadUri(where)
    return kind


def check_parts(kind: Kind, environment: Mapping[str, str] = os.environ) -> None:
    """Refuse a kind whose library is not installed, or which was not told where its store is.

    Raises:
        MissingPart: with the one thing to do next.
    """
    missing = [module for module in kind.modules if not _is_there(module)]
    if missing:
        note = f"; but {kind.needs}" if kind.scheme == "tkey" else ""
        install = f"pip install 'securesystemslib[{kind.extra}]'"
        raise MissingPart(kind, f"the Python module {missing[0]} is missing", install + note)
    if kind.scheme == "hsm":
        module = environment.get("PYKCS11LIB")
        if not module:
            raise MissingPart(kind, "PYKCS11LIB is not set", kind.needs)
        if not Path(module).is_file():
            raise MissingPart(kind, f"PYKCS11LIB is {module!a:.200}, where no file is", kind.needs)
    if kind.scheme == "hv" and not environment.get("VAULT_ADDR"):
        raise MissingPart(kind, "VAULT_ADDR is not set", kind.needs)


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that it would be in
        return False
