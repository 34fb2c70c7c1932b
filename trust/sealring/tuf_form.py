"""One TUF file, from bytes to what it says: one meaning only, and nobody's word yet (SPEC TF-7).

For who has python-tuf: the store, its witnesses and mirrors, and the security team's command. A device reads TUF by
code of its own.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NoReturn, TypeVar

from securesystemslib.exceptions import Error
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import Signature
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from sealring.errors import RuledError

MAX_TUF_FILE = 512 * 1024  # bytes
MAX_TIMESTAMP = 16 * 1024  # bytes
MAX_DEPTH = 16
MAX_SIGNATURES = 1024
MAX_INTEGER = 2**53 - 1
KEY_TYPES = frozenset(
    {
        ("ed25519", "ed25519"),
        ("ecdsa", "ecdsa-sha2-nistp256"),
        ("ecdsa", "ecdsa-sha2-nistp384"),
        ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
        ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
        ("rsa", "rsassa-pss-sha256"),
    }
)
ROLES: Mapping[str, type[Any]] = {kind.type: kind for kind in (Root, Timestamp, Snapshot, Targets)}
T = TypeVar("T", Root, Timestamp, Snapshot, Targets)

FOREIGN = (RepositoryError, Error, ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError)
"""What python-tuf and securesystemslib raise about bytes that are no such file."""
# Possessive, and the last quote may be missing: each byte is looked at once, however many quotes have no partner.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


@dataclass(eq=False)
class NotVouched(RuledError):
    """A TUF file that the store's keys do not vouch for (SPEC TF-3 to TF-8)."""

    file: str
    reason: str
    by: str = "TF-4"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"

    def hint(self) -> str:
        return "try again, or by another network: the way to the store may be at fault; else ask the store's operator"


@dataclass(frozen=True)
class TufForm(Generic[T]):
    """What one file says; nothing yet says who signed it.

    Args:
        signed_bytes: what its signatures are over: the file's own members, those that nobody here knows too.
    """

    signed: T
    signed_bytes: bytes
    signatures: Mapping[str, Signature]


def parse_tuf(raw: bytes, kind: type[T], *, name: str = "", limit: int = MAX_TUF_FILE) -> TufForm[T]:
    """What these bytes say as metadata of this kind (TF-7).

    Args:
        name: the file's, for messages.
        limit: bytes; more are refused before they are read.

    Raises:
        NotVouched: and nothing else, whatever the bytes.
    """
    name = name or f"{kind.type}.json"
    found = parse_any_tuf(raw, name=name, limit=limit)
    if not isinstance(found.signed, kind):
        raise NotVouched(name, f"metadata of the role {found.signed.type}, {kind.type} needed")
    return found


def parse_any_tuf(raw: bytes, *, name: str, limit: int = MAX_TUF_FILE) -> TufForm[Any]:
    """As `parse_tuf`, of whichever kind the bytes say.

    Raises:
        NotVouched: and nothing else, whatever the bytes.
    """
    if len(raw) > limit:
        raise NotVouched(name, f"{len(raw)} bytes, at most {limit} are read", "TF-7")
    try:
        document = _read_json(raw)
        return _form(document["signed"], document["signatures"])
    except FOREIGN as err:
        # Its own words only: what python-tuf says may hold the stranger's bytes.
        reason = str(err) if isinstance(err, _Refused) else type(err).__name__
        raise NotVouched(name, f"no TUF metadata ({reason})", "TF-7") from None


class _Refused(ValueError):
    """Said by this module."""


def _form(signed: Any, listed: list[dict[str, Any]]) -> TufForm[Any]:
    if not isinstance(signed, dict) or signed.get("_type") not in ROLES:
        raise _Refused("of no role")
    if type(signed["version"]) is not int:
        raise _Refused("a version that is no integer")
    if len(listed) > MAX_SIGNATURES:
        raise _Refused(f"{len(listed)} signatures, at most {MAX_SIGNATURES} are read")
    signatures = {one["keyid"]: Signature.from_dict(dict(one)) for one in listed}
    if len(signatures) != len(listed) or not all(isinstance(one.signature, str) for one in signatures.values()):
        raise _Refused("two signatures under one key id, or one that is no text")
    payload = str(encode_canonical(signed)).encode()
    delegator = signed if signed["_type"] == Root.type else signed.get("delegations")
    if delegator is not None:
        _check_keys(delegator)
    return TufForm(ROLES[signed["_type"]].from_dict(signed), payload, signatures)


def _check_keys(delegator: dict[str, Any]) -> None:
    """TF-7: under two ids one key would count twice in a threshold; unknown types don't blind who knows the others."""
    keys, roles = delegator["keys"], delegator.get("roles") or {}
    known = {keyid: key for keyid, key in keys.items() if (key["keytype"], key["scheme"]) in KEY_TYPES}
    for role in roles.values() if isinstance(roles, dict) else roles:
        publics = [str(known[keyid]["keyval"]["public"]).strip().lower() for keyid in role["keyids"] if keyid in known]
        if len(set(publics)) != len(publics):
            raise _Refused("one public key under two ids")
    delegator["keys"] = known


def _read_json(raw: bytes) -> dict[str, Any]:
    """TF-7: one meaning only, and no deeper than any real file."""
    depth = 0
    for byte in _STRING.sub(b"", raw):
        depth += (byte in b"{[") - (byte in b"}]")
        if depth > MAX_DEPTH:
            raise _Refused("nested too deeply")
    found = json.loads(
        raw.decode(), object_pairs_hook=_members, parse_int=_integer, parse_float=_no_float, parse_constant=_no_float
    )
    if not isinstance(found, dict):
        raise _Refused("no object")
    return found


def _members(found: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(found)) != len(found):
        raise _Refused("a member stands twice")
    return dict(found)


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > MAX_INTEGER:
        raise _Refused("an integer above 2^53 - 1")
    return int(text)


def _no_float(_: str) -> NoReturn:
    raise _Refused("a number that is no integer")
