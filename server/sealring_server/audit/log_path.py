"""What a log has in the place of an entry, asked from the store that shows that log (SPEC LG-2, CT-5)."""

from collections.abc import Mapping

from sealring.bundle import Entry, PathEntry
from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.log import MAX_PATH
from sealring_server.audit.asking import Asking
from sealring_server.audit.evidence import Evidence
from sealring_server.audit.log_steps import MAX_PAGE, split_page


def ask_path(ask: Asking, early: CatalogueEntry, late: CatalogueEntry) -> bytes | None:
    """The path from the earlier entry's place to the later one's log; None where the store has none."""
    return ask.find(f"/v1/log/{late.sequence - 1}/{early.sequence - 1}", limit=MAX_PATH)


def fork_by_path(ask: Asking, early: CatalogueEntry, late: CatalogueEntry, files: Mapping[str, bytes]) -> Evidence:
    """Two observations, with what the later one's log has in the place of the earlier; unverified.

    Args:
        files: the observations, below `a/` and `b/`.

    Raises:
        NoAnswer, UsedUp, NotShown.
    """
    path = ask_path(ask, early, late)
    raw = ask.find(f"/v1/entries/{early.sequence}", limit=MAX_PAGE)
    other = next(split_page(raw, early.sequence), None) if raw is not None else None
    more: tuple[Entry, ...] = ()
    if path is not None and other is not None:
        more, files = (PathEntry(late.sequence, early.sequence, path),), {**files, "other.json": other.raw}
    return Evidence("fork", files, more)
