"""The last verified view of a store, and each statement that it lists: what the next answer may leave out (SPEC AN-1).

```
stores/BRAND/NAME/view.json             the view
stores/BRAND/NAME/statements/<sha256>   what it lists and the trust state does not hold
```
Nothing rests on it: it is bytes by their digest, judged each time as if they had just come. Order of a change: the
statements, each durable; then the view that claims them; then what it does not list is deleted. A view of which one
statement is missing or damaged is not named to anybody.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from sealring.catalogue.view import MAX_VIEW, View, parse_view
from sealring.envelope import MAX_ENVELOPE
from sealring.errors import SealringError, TrustError
from sealring_client.decide.state import read_small
from sealring_client.disk import make_folder_durably, remove_durably, write_durably

MAX_SHELF = 4 * 1024 * 1024  # bytes of one store's statements beside the trust state's
MAX_UNVOUCHED = 256 * 1024  # bytes of those among them that nobody vouches for here: a newer edition's, mostly
VIEW = "view.json"
STATEMENTS = "statements"


@dataclass(frozen=True)
class Shelf:
    """What is kept of one store.

    Args:
        view: the last verified one; None where there is none, or rot.
        statements: those that it lists and that are held, by digest, the trust state's among them.
        own: digests of those that have a sound file of their own here.
    """

    view: View | None = None
    statements: Mapping[str, bytes] = field(default_factory=dict)
    own: frozenset[str] = frozenset()

    @property
    def whole(self) -> View | None:
        """The view, if every statement that it lists is held: one that may be named (AN-1)."""
        if self.view is None or listed_in(self.view) - self.statements.keys():
            return None
        return self.view

    @property
    def named(self) -> Collection[bytes]:
        """The statements that an answer leaves out because the view was named."""
        return self.statements.values() if self.whole is not None else ()


def listed_in(view: View) -> set[str]:
    """Digests of the envelopes that it lists."""
    return {head.envelope.hex() for head in view.heads.values()}


def load_shelf(folder: Path, held: Mapping[str, bytes], *, root: str, model: str) -> Shelf:
    """What is kept of the store in this folder; nothing where it is damaged, or of another model.

    Args:
        held: the trust state's statements.
    """
    raw = read_small(folder / VIEW, MAX_VIEW)
    if raw is None:
        return Shelf()
    try:
        view = parse_view(raw)
    except TrustError:
        return Shelf()
    if (view.root.hex(), view.model) != (root, model):
        return Shelf()
    own = dict(_sound(folder / STATEMENTS, listed_in(view)))
    found = {digest: raw for digest in listed_in(view) if (raw := held.get(digest) or own.get(digest)) is not None}
    return Shelf(view, found, frozenset(own))


def _sound(folder: Path, listed: set[str]) -> Iterator[tuple[str, bytes]]:
    left = MAX_SHELF
    for name in sorted(listed & _names(folder)):
        with suppress(SealringError):
            raw = read_small(folder / name, min(MAX_ENVELOPE, left))
            if raw is not None and sha256(raw).hexdigest() == name:
                left -= len(raw)
                yield name, raw


def _names(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def save_shelf(
    folder: Path,
    view: View,
    bring: Callable[[str], bytes | None],
    held: Collection[str],
    shelf: Shelf,
    vouched: Callable[[bytes], bool],
) -> None:
    """Keep this view with all that it lists, or leave what is there; nothing is written where nothing has changed.

    Args:
        bring: a statement by its digest, from wherever it is at hand.
        held: digests of the trust state's statements, which is on the disk already.
        shelf: what `load_shelf` gave.
        vouched: whether today's keys stand behind a statement.

    Raises:
        DiskError, NoSpace: the old view is there, or the new one.
    """
    wanted: dict[str, bytes] = {}
    for digest in sorted(listed_in(view) - set(held)):
        raw = bring(digest)
        if raw is None:
            return  # not all of it is at hand: it could not be named
        wanted[digest] = raw
    # A store with its keys could list any amount of rubbish: it gets so much of the disk, and no more.
    unvouched = sum(len(raw) for raw in wanted.values() if not vouched(raw))
    if sum(map(len, wanted.values())) > MAX_SHELF or unvouched > MAX_UNVOUCHED:
        return
    if wanted.keys() - shelf.own:
        make_folder_durably(folder / STATEMENTS)
    for digest in sorted(wanted.keys() - shelf.own):
        write_durably(folder / STATEMENTS / digest, wanted[digest])
    if shelf.view is None or shelf.view.raw != view.raw:
        write_durably(folder / VIEW, view.raw)
    for name in sorted(_names(folder / STATEMENTS) - wanted.keys()):
        with suppress(SealringError):  # it costs room, not safety
            remove_durably(folder / STATEMENTS / name)
