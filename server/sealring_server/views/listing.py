"""A view's document row by row, so that some are changed without reading or spelling the others again.

The documents of the newest views are remembered by their digest. Since that commits to every byte, what is remembered
is right in every state of every store, committed or not; which digest is the newest, the database says.
"""

import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Collection, Mapping

from sealring.catalogue.view import Subjects
from sealring_server.views.document import check_bounds, spelt

KEPT_BYTES = 32 * 1024**2
_START = '"statements":['


class Documents:
    """The documents that were used last, by digest; safe for threads.

    Args:
        most: bytes of all together.
    """

    def __init__(self, most: int = KEPT_BYTES) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        """The bytes that are remembered: never more than the bound."""
        return self._size

    def get(self, digest: str) -> bytes | None:
        """The document with this digest (hex), where it is remembered."""
        with self._lock:
            found = self._kept.get(digest)
            if found is not None:
                self._kept.move_to_end(digest)
            return found

    def keep(self, digest: str, raw: bytes) -> None:
        """Remember a document, and forget those that were not used for longest."""
        with self._lock:
            if digest not in self._kept:
                self._kept[digest] = raw
                self._size += len(raw)
            while self._size > self._most:
                self._size -= len(self._kept.popitem(last=False)[1])


class Listing:
    """The rows of one document, in their order."""

    def __init__(self, raw: bytes) -> None:
        head, _, body = raw.decode("ascii").partition(_START)
        self._head = head + _START
        self._rows = body[1:-3].split("],[") if len(body) > 2 else []

    def about(self, parts: Collection[tuple[str, str]]) -> set[Subjects]:
        """Rows of these subjects, of all revisions of a release's package, and of all roots where there is one."""
        found: set[Subjects] = set()
        for kind, subject in parts:
            package = "/".join(subject.split("/", 2)[:2]) + "/"
            part = {"root": '"root",', "release": f',"{package}'}.get(kind, f',"{subject}",')
            found |= {_about(row) for row in self._rows if part in row}
        return found

    def has(self, about: Subjects, value: bytes) -> bool:
        """Whether this row stands here with this value (72 bytes)."""
        return spelt(about, value.hex()) in self._rows

    def with_rows(self, before: Mapping[Subjects, bytes], after: Mapping[Subjects, bytes]) -> bytes:
        """The document after these rows, which are in it, have become those.

        Raises:
            TrustError: when no device would take it: too many rows, or more than 1 MiB.
        """
        rows = self._rows.copy()
        for about in [about for about in before if about not in after]:
            del rows[rows.index(spelt(about, before[about].hex()))]
        for about, value in after.items():
            if about not in before:
                rows.insert(bisect_left(rows, about, key=_about), spelt(about, value.hex()))
            elif before[about] != value:
                rows[rows.index(spelt(about, before[about].hex()))] = spelt(about, value.hex())
        body = f"[{'],['.join(rows)}]" if rows else ""
        return check_bounds(f"{self._head}{body}]}}".encode("ascii"), len(rows))


def _about(row: str) -> Subjects:
    kind, number, subject, _ = row.split(",", 3)
    return kind[1:-1], int(number), subject[1:-1]
