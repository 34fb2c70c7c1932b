"""The trust state survives kills and rot, writes nothing for nothing, and is never begun anew by itself."""

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring_client.decide.state import (
    COPIES,
    Mark,
    StateDamaged,
    StoreSeen,
    TrustState,
    load_trust,
    save_trust,
)

ONE, TWO = b"one", b"two"
SEEN = StoreSeen("acme/main", Mark(1, "1" * 64), Mark(2, "2" * 64), Mark(3, "3" * 64))


def named(*raws: bytes) -> dict[str, bytes]:
    return {sha256(raw).hexdigest(): raw for raw in raws}


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.fixture
def saved(tmp_path: Path) -> TrustState:
    return save_trust(tmp_path, TrustState(), named(ONE), {"acme/main": SEEN})


def test_what_is_saved_is_loaded(tmp_path: Path, saved: TrustState) -> None:
    """SPEC DV-2."""
    assert load_trust(tmp_path, repair=True) == saved == TrustState(1, named(ONE), {"acme/main": SEEN})
    after = save_trust(tmp_path, saved, named(TWO), {})
    assert load_trust(tmp_path, repair=True) == after == TrustState(2, named(TWO), {})
    assert [path.name for path in (tmp_path / "statements").iterdir()] == list(named(TWO))


def test_nothing_is_written_where_nothing_has_changed(tmp_path: Path, saved: TrustState) -> None:
    before = snapshot(tmp_path)
    assert save_trust(tmp_path, load_trust(tmp_path, repair=True), named(ONE), {"acme/main": SEEN}) == saved
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("rot", [b"", b"{", None])
def test_one_damaged_copy_is_mended_from_the_other(
    name: str, rot: bytes | None, tmp_path: Path, saved: TrustState
) -> None:
    """SPEC DV-2."""
    path = tmp_path / name
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"number":3', b'"number":2') if rot is None else rot)
    assert load_trust(tmp_path, repair=False) == saved
    assert path.read_bytes() != whole
    assert load_trust(tmp_path, repair=True) == saved
    assert path.read_bytes() == whole


def test_with_both_copies_damaged_nothing_is_begun_anew(tmp_path: Path, saved: TrustState) -> None:
    """SPEC DV-2: who can break two files must not be able to roll the device back."""
    for name in COPIES:
        (tmp_path / name).write_bytes(b"rot")
    before = snapshot(tmp_path)
    with pytest.raises(StateDamaged) as refused:
        load_trust(tmp_path, repair=True)
    assert (refused.value.rule, refused.value.exit_code) == ("DV-2", 12)
    assert snapshot(tmp_path) == before
    assert saved.counter == 1


def test_a_kill_between_the_two_copies_leaves_the_newer_one(tmp_path: Path, saved: TrustState) -> None:
    """SPEC DV-2: the higher counter counts, and the older copy is written again."""
    old = (tmp_path / COPIES[1]).read_bytes()
    after = save_trust(tmp_path, saved, named(ONE, TWO), {"acme/main": SEEN})
    (tmp_path / COPIES[1]).write_bytes(old)
    assert load_trust(tmp_path, repair=True) == after
    assert (tmp_path / COPIES[1]).read_bytes() == (tmp_path / COPIES[0]).read_bytes()


@pytest.mark.parametrize("rot", [b"other", None])
def test_a_statement_that_is_not_what_it_is_named_after_is_refused(
    rot: bytes | None, tmp_path: Path, saved: TrustState
) -> None:
    path = tmp_path / "statements" / next(iter(saved.statements))
    path.write_bytes(rot) if rot is not None else path.unlink()
    with pytest.raises(StateDamaged) as refused:
        load_trust(tmp_path, repair=True)
    assert refused.value.path == path


@given(st.binary(max_size=200))
def test_nothing_but_a_refusal_escapes_whatever_the_bytes(raw: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name in COPIES:
            Path(folder, name).write_bytes(raw)
        with pytest.raises(StateDamaged):
            load_trust(Path(folder), repair=True)
