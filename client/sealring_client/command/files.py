"""A file that a person has named on the command line."""

from pathlib import Path


def read_file(path: Path, limit: int) -> bytes:
    """Its bytes, and one more than `limit` at most.

    Raises:
        DiskError: it is not there, or no plain file.
    """
    from sealring_client.decide.state import read_small
    from sealring_client.disk import DiskError

    # A pipe that nobody writes to would hold the command for ever.
    if path.exists() and not path.is_file():
        raise DiskError(path, "is no plain file")
    found = read_small(path, limit)
    if found is None:
        raise DiskError(path, "no such file")
    return found
