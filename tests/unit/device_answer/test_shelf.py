"""What is kept of a view is named only while it is whole, and never more than its bounds (SPEC AN-1)."""

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealring.catalogue.leaf import Head
from sealring.catalogue.view import View, make_view
from sealring_client.decide.answer.shelf import MAX_SHELF, MAX_UNVOUCHED, load_shelf, save_shelf

ROOT, MODEL = bytes(32), "acme/door-1"
RAWS = {sha256(raw).hexdigest(): raw for raw in (b"one", b"two", b"three", b"four")}


def view_of(*raws: bytes) -> View:
    heads = {}
    for raw in raws:
        digest = sha256(raw).digest()
        heads["release", 1, f"acme/{digest.hex()[:8]}/latest/stable"] = Head(1, digest, digest)
    return make_view(ROOT, MODEL, heads)


def keep(folder: Path, view: View, held: dict[str, bytes], *, vouched: bool = True) -> None:
    shelf = load_shelf(folder, held, root=ROOT.hex(), model=MODEL)
    at_hand = {**RAWS, **held, **{sha256(raw).hexdigest(): raw for raw in BIG}}
    save_shelf(folder, view, at_hand.get, held, shelf, lambda _: vouched)


BIG = [bytes([number]) * (250 * 1024) for number in range(18)]


def whole(folder: Path, held: dict[str, bytes]) -> View | None:
    return load_shelf(folder, held, root=ROOT.hex(), model=MODEL).whole


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sets(st.sampled_from(sorted(RAWS))), st.sets(st.sampled_from(sorted(RAWS)))), max_size=5),
    st.integers(0, 3),
)
def test_what_is_named_is_whole(
    tmp_path_factory: pytest.TempPathFactory, turns: list[tuple[set[str], set[str]]], lost: int
) -> None:
    """AN-1: whatever the trust state held, view after view; and one file less is one view less."""
    folder, held, view = tmp_path_factory.mktemp("store"), dict[str, bytes](), view_of(b"one")
    keep(folder, view, held)
    for listed, state in turns:
        held, view = {digest: RAWS[digest] for digest in state}, view_of(*(RAWS[digest] for digest in listed))
        keep(folder, view, held)
        found = whole(folder, held)
        assert found is not None
        assert found.raw == view.raw
        here = folder / "statements"
        kept = sorted(one.name for one in here.iterdir()) if here.exists() else []
        assert kept == sorted(listed - state)
        before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
        keep(folder, view, held)
        assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    for path in sorted(folder.glob("statements/*"))[lost : lost + 1]:
        path.write_bytes(b"rot")
        assert whole(folder, held) is None
        keep(folder, view, held)
        assert whole(folder, held) is not None


def test_of_another_model_or_root_it_is_nothing(tmp_path: Path) -> None:
    """AN-1: a device that was made anew in an old folder names nothing."""
    keep(tmp_path, view_of(b"one"), {})
    assert whole(tmp_path, {}) is not None
    assert load_shelf(tmp_path, {}, root=ROOT.hex(), model="acme/door-2").view is None
    assert load_shelf(tmp_path, {}, root="11" * 32, model=MODEL).view is None


@pytest.mark.parametrize(("vouched", "bound"), [(True, MAX_SHELF), (False, MAX_UNVOUCHED)])
def test_no_store_fills_the_disk(tmp_path: Path, *, vouched: bool, bound: int) -> None:
    """FL-4: above the bounds the old view stays, and nothing is written."""
    first, size = view_of(b"one"), 250 * 1024
    keep(tmp_path, first, {})
    fits = bound // size
    keep(tmp_path, view_of(*BIG[: fits + 1]), {}, vouched=vouched)
    assert whole(tmp_path, {}) == first
    keep(tmp_path, view_of(*BIG[:fits]), {}, vouched=vouched)
    assert whole(tmp_path, {}) is not None
    assert whole(tmp_path, {}) != first
    assert sum(path.stat().st_size for path in tmp_path.glob("statements/*")) <= bound
