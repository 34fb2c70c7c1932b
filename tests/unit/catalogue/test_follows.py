"""One history for everyone (SPEC CT-1 to CT-3, LG-2)."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from sealring.catalogue.entry import CatalogueEntry, first_entry, make_entry, next_entry
from sealring.catalogue.follows import (
    CatalogueRollback,
    Fork,
    HistoryNotShown,
    OtherCatalogueRoot,
    OtherPrevious,
    check_follows,
    needs_path,
    verify_entry,
)
from sealring.catalogue.log import inclusion_path, root_of
from sealring.errors import TrustError

ROOT = bytes(range(32))
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def history(count: int, *, forked_at: int = 0) -> list[CatalogueEntry]:
    """A store's entries 1 to `count`; from number `forked_at` on, they tell another story."""
    entries: list[CatalogueEntry] = []
    for number in range(1, count + 1):
        story = "b" if forked_at and number >= forked_at else "a"
        content = sha256(f"map {number} {story}".encode()).digest()
        at = AT + timedelta(hours=number)
        if entries:
            log = root_of([entry.leaf for entry in entries])
            entries.append(next_entry(entries[-1], map=content, size=number, time=at, log=log))
        else:
            entries.append(first_entry(root=ROOT, map=content, size=number, time=at))
    return entries


def path_for(entries: list[CatalogueEntry], offered: int, held: int) -> bytes:
    """The path that shows entry number `held` in the log of entry number `offered`; empty where none is needed."""
    if offered <= held + 1:
        return b""
    return inclusion_path([entry.leaf for entry in entries[: offered - 1]], held - 1)


STORY = history(12)


@pytest.mark.parametrize("held", range(1, 13))
@pytest.mark.parametrize("offered", range(1, 13))
def test_a_store_with_one_history_is_followed_forward_only(offered: int, held: int) -> None:
    """SPEC CT-2, LG-2: every step ahead is taken, however long; every step back is refused."""
    new, seen, path = STORY[offered - 1], STORY[held - 1], path_for(STORY, offered, held)
    assert needs_path(new, seen) == bool(path)
    if offered >= held:
        assert verify_entry(new.raw, root=ROOT, held=seen, path=path) == new
        return
    with pytest.raises(CatalogueRollback) as refused:
        verify_entry(new.raw, root=ROOT, held=seen, path=path)
    assert (refused.value.offered, refused.value.held, refused.value.exit_code) == (offered, held, 25)


@pytest.mark.parametrize("offered", range(5, 13))
@pytest.mark.parametrize("held", range(5, 13))
def test_who_has_seen_one_history_never_takes_another(offered: int, held: int) -> None:
    """SPEC CT-3, LG-2: the store shows two views from entry 5 on; it can't bring them together again."""
    other = history(12, forked_at=5)
    for path in (path_for(other, offered, held), path_for(STORY, offered, held)):
        with pytest.raises(TrustError) as refused:
            verify_entry(other[offered - 1].raw, root=ROOT, held=STORY[held - 1], path=path)
        steps = offered - held
        kinds = {0: Fork, 1: OtherPrevious}
        assert refused.type is (CatalogueRollback if steps < 0 else kinds.get(steps, HistoryNotShown))
        assert refused.value.exit_code == 25


def test_the_first_entry_seen_is_taken_at_its_word() -> None:
    """SPEC CT-1: with nothing held there is nothing to compare; TUF and the root still hold."""
    assert verify_entry(STORY[7].raw, root=ROOT, held=None) == STORY[7]
    with pytest.raises(OtherCatalogueRoot) as refused:
        verify_entry(STORY[7].raw, root=bytes(32), held=None)
    assert (refused.value.found, refused.value.wanted) == (ROOT, bytes(32))


@pytest.mark.parametrize("change", ["map", "size", "time"])
def test_one_sequence_with_two_contents_is_a_fork_with_its_evidence(change: str) -> None:
    """SPEC CT-3: the store tells two devices two things under one number."""
    held = STORY[4]
    members = {name: value for name, value in vars(held).items() if name != "raw"}
    members[change] = {"map": bytes(32), "size": 99, "time": AT}[change]
    other = make_entry(**members)
    with pytest.raises(Fork) as refused:
        check_follows(other, held)
    assert (refused.value.sequence, refused.value.offered, refused.value.held) == (5, other.digest, held.digest)


def test_a_jump_needs_the_very_path() -> None:
    """SPEC LG-2: no path, a cut one, one for another entry or log size: refused."""
    new, held = STORY[11], STORY[2]
    good = path_for(STORY, 12, 3)
    wrong = [b"", good[:-32], good + bytes(32), good[1:], path_for(STORY, 12, 4), path_for(STORY, 11, 3)]
    for path in wrong:
        with pytest.raises(HistoryNotShown) as refused:
            check_follows(new, held, path)
        assert (refused.value.sequence, refused.value.held, refused.value.rule) == (12, 3, "LG-2")


@pytest.mark.parametrize(("offered", "held"), [(4, None), (4, 4), (5, 4), (3, 4)])
def test_a_path_that_nothing_needs_is_refused(offered: int, held: int | None) -> None:
    """SPEC LG-2: one question, one answer."""
    with pytest.raises(HistoryNotShown):
        check_follows(STORY[offered - 1], None if held is None else STORY[held - 1], bytes(32))
