"""Names that a repository chose, as parts of addresses and of file names (SPEC TF-12).

Percent-encoded as python-tuf does it: nothing but `A-Za-z0-9_.-~%` is left, so that no name leads out of a folder.
"""

from urllib.parse import quote

from sealring_client.decide.tuf.errors import BadMetadata, BadName

MAX_FILE_NAME = 240  # bytes; a file system takes 255, and a temporary name has a few more
_SEGMENT_SAFE = "~@:+,="


def role_file(role: str, named_in: str) -> str:
    """`ROLE.json`, the same at the repository and on the disk.

    Args:
        role: as the delegator spells it.
        named_in: the delegator's file, for messages.

    Raises:
        BadMetadata: it is empty, no text, or too long for a file's name.
    """
    found = f"{_quoted(role)}.json"
    if not len(".json") < len(found) <= MAX_FILE_NAME:
        raise BadMetadata(named_in, "a role whose name can't be that of a file")
    return found


def shown(role: str) -> str:
    """A role's name as it may stand in a message."""
    return _quoted(role)[:80]


def target_file(name: str) -> str:
    """The name of the file that a target becomes, whatever folders stand in its own.

    Raises:
        BadName: no file may have such a name.
    """
    # An address with such segments names another file by the time that a proxy or a server has tidied it up.
    if any(segment in ("", ".", "..") for segment in name.split("/")):
        raise BadName(shown(name), "has an empty, `.` or `..` segment")
    found = _quoted(name)
    if not found or len(found) > MAX_FILE_NAME:
        raise BadName(shown(name), f"a file name of {len(found)} bytes; 1 to {MAX_FILE_NAME} needed")
    return found


def target_path(name: str, digest: str | None) -> str:
    """The target's address below the targets' URL: the digest stands before the last segment (6.2).

    Args:
        digest: hex, where the repository uses consistent snapshots.
    """
    folders, slash, last = name.rpartition("/")
    return quote(f"{folders}{slash}{f'{digest}.' if digest else ''}{last}", safe=f"/{_SEGMENT_SAFE}")


def _quoted(name: str) -> str:
    try:
        return quote(name, safe="")
    except (UnicodeEncodeError, TypeError):  # half a surrogate pair, which JSON can spell; or no text at all
        return ""
