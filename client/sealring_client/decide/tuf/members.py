"""What python-tuf's types let through and a device does not: numbers that are none, and one key twice (SPEC TF-7)."""

from collections.abc import Iterator, Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib.signer import Key
from tuf.api.metadata import MetaFile, Role, Root, Snapshot, Targets, Timestamp

from sealring_client.decide.tuf.delegations import check_delegations
from sealring_client.decide.tuf.errors import BadMetadata

Content = Root | Timestamp | Snapshot | Targets


def check_members(content: Content, file: str) -> None:
    """Return only if every reader understands these members as this one does.

    Raises:
        BadMetadata: a number, flag or delegation that is none, or one public key under two ids in one role.
    """
    numbers: list[object] = [*_file_numbers(content), *(role.threshold for _, role in _roles(content))]
    # `true` counts as 1 in Python, in a threshold too.
    if any(type(number) is not int for number in numbers):
        raise BadMetadata(file, "a version, length or threshold that is no integer")
    if isinstance(content, Root) and type(content.consistent_snapshot) not in (bool, type(None)):
        raise BadMetadata(file, "consistent_snapshot is neither true nor false")
    if isinstance(content, Targets) and content.delegations is not None:
        check_delegations(content.delegations, file)
    _check_distinct_keys(content, file)


def _file_numbers(content: Content) -> Iterator[object]:
    metas: list[MetaFile] = []
    match content:
        case Timestamp():
            metas = [content.snapshot_meta]
        case Snapshot():
            metas = list(content.meta.values())
        case Targets():
            yield from (target.length for target in content.targets.values())
        case Root():
            pass
    for meta in metas:
        yield meta.version
        if meta.length is not None:
            yield meta.length


def _roles(content: Content) -> Iterator[tuple[str, Role]]:
    """What this metadata delegates, each with the name that messages call it by."""
    if isinstance(content, Root):
        yield from content.roles.items()
    elif isinstance(content, Targets) and content.delegations is not None:
        if content.delegations.succinct_roles is not None:
            yield "bins", content.delegations.succinct_roles
        for number, role in enumerate((content.delegations.roles or {}).values(), 1):
            yield f"delegation {number}", role


def _check_distinct_keys(content: Content, file: str) -> None:
    # TF-7: under two ids one key would count twice, and a threshold of two would be one thief's work.
    keys: Mapping[str, Key] = {}
    if isinstance(content, Root):
        keys = content.keys
    elif isinstance(content, Targets) and content.delegations is not None:
        keys = content.delegations.keys
    materials = {keyid: material(key) for keyid, key in keys.items()}
    for name, role in _roles(content):
        named = [materials[keyid] for keyid in role.keyids if keyid in materials]
        if len(set(named)) != len(named):
            raise BadMetadata(file, f"one public key stands under two ids in the role {name}")


def material(key: Key) -> bytes:
    """The decoded key: two spellings of one key are equal, one that can't be decoded is only itself."""
    public = str(key.keyval["public"])
    try:
        if key.keytype == "ed25519":
            return bytes.fromhex(public)
        decoded = load_pem_public_key(public.encode())
        return decoded.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return public.encode(errors="replace")
