"""A packed body becomes the bytes that it stands for, within a bound (SPEC AN-4).

A kilobyte of gzip can stand for a megabyte, and a chain of members for any number of them: one member, whole, and
nothing after it, unpacked no further than the bound.
"""

import zlib

_GZIP = 31  # what zlib calls "a gzip member with the largest window, and nothing else"


class BadPackingError(Exception):
    """Not one whole gzip member; the words say why."""


class TooLongError(Exception):
    """It stands for more than the bound."""


def unpack(raw: bytes, limit: int) -> bytes:
    """What one gzip member stands for, at most `limit` bytes.

    Raises:
        BadPackingError, TooLongError: and nothing else, whatever the bytes.
    """
    inflater = zlib.decompressobj(_GZIP)
    try:
        # One byte more than is taken tells a body that fits from one that does not; zlib goes no further.
        found = inflater.decompress(raw, limit + 1)
    except zlib.error:
        raise BadPackingError("not gzip, or damaged") from None
    if len(found) > limit:
        raise TooLongError
    if not inflater.eof:
        raise BadPackingError("the packed body ends too soon")
    if inflater.unused_data:
        raise BadPackingError("there are bytes after the packed body")
    return found
