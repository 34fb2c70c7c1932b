"""`show` explains every kind of file, and refuses everything else with one typed error."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring.bundle import (
    Entry,
    HaltEntry,
    ImageEntry,
    PathEntry,
    ProofEntry,
    ReportEntry,
    StatementEntry,
    TufEntry,
    ViewDifferenceEntry,
    ViewEntry,
    write_bundle,
)
from sealring.bundle.form import MAGIC
from sealring.catalogue.entry import first_entry
from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.view import make_view
from sealring.command.show import explain
from sealring.errors import TrustError
from sealring.keyfile import create_key_file, public_file
from sealring.statement import Common
from tests.fuzz.seeds import halts, reports
from tests.samples import EVERY_TYPE
from tests.stores import make_folder
from tests.world import Key, World, sign

WORLD = World()
ROOT = bytes.fromhex(WORLD.root_id)
KEY = map_key(ROOT, "release", 1, "acme/tool/latest/stable")
HEAD = Head(1, b"\1" * 32, b"\2" * 32)
VIEW = make_view(ROOT, "acme/door-1", {("release", 1, "acme/tool/latest/stable"): HEAD})
ENTRY = first_entry(root=ROOT, map=b"\3" * 32, size=2, time=WORLD.at)
RELEASE = WORLD.signed(WORLD.release()).raw


@pytest.fixture(scope="module")
def tuf_root(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A store's TUF root."""
    store = make_folder(WORLD, tmp_path_factory.mktemp("show") / "store")
    return (store.folder / "1.root.json").read_bytes()


def shown(folder: Path, raw: bytes) -> str:
    """All that is said of a file with these bytes."""
    path = folder / "file"
    path.write_bytes(raw)
    sheet = explain(path).sheet
    return "\n".join([sheet.title, *(" ".join(row) for row in sheet.rows)])


def told(path: Path) -> str:
    """The title of an explanation, or the words of a refusal, which always names its rule."""
    try:
        return explain(path).sheet.title
    except TrustError as refused:
        rule = refused.rule
        text = f"{refused} [{rule}]"
    assert rule
    return text


@pytest.mark.parametrize("statement", EVERY_TYPE.values(), ids=EVERY_TYPE)
def test_every_type_of_assertion_is_explained(statement: Common, tmp_path: Path) -> None:
    envelope = sign(statement, Key("a"))
    said = shown(tmp_path, envelope.raw)
    assert "not verified" in said
    assert envelope.id in said
    assert Key("a").id in said


def test_a_stores_files_are_explained(tmp_path: Path, tuf_root: bytes) -> None:
    assert "role root" in shown(tmp_path, tuf_root)
    assert "catalogue entry" in shown(tmp_path, ENTRY.raw)
    assert "acme/tool/latest/stable" in shown(tmp_path, VIEW.raw)
    assert "proof" in shown(tmp_path, b"\x01\x00")


def test_keys_are_explained_and_no_secret_is_said(tmp_path: Path) -> None:
    public = create_key_file(tmp_path / "a.key", "a", b"open sesame", strength="interactive")
    for raw in (public_file(public), (tmp_path / "a.key").read_bytes()):
        assert public.id[:8] in shown(tmp_path, raw)


def test_every_entry_of_a_bundle_is_listed(tmp_path: Path, tuf_root: bytes) -> None:
    image = tmp_path / "image"
    image.write_bytes(b"image")
    with open(image, "rb") as stream:
        entries: list[Entry] = [
            StatementEntry(RELEASE),
            TufEntry("acme/main/1.root.json", tuf_root),
            ViewEntry(VIEW.raw),
            ProofEntry(b"\3" * 32, (KEY,), b"\x01\x00"),
            PathEntry(9, 4, b"\5" * 64),
            StatementEntry(WORLD.signed(WORLD.model()).raw, in_parts=True),
            ViewDifferenceEntry(b"\7" * 32, b"\x08" * 32, b"{}"),
            ReportEntry(next(reports())),
            HaltEntry(next(halts())),
            ImageEntry(b"\6" * 32, 5, stream),
        ]
        said = shown(tmp_path, write_bundle(entries))
    words = ("statement release", "tuf acme/main", "view of model", "proof for 1", "path entry 4", "statement model")
    for word in (*words, "difference from view 0707", "image 0606", "report 1 of", "halt of acme/tool"):
        assert word in said


@given(
    st.sampled_from([b"", b'{"payload":', b'{"format":1,"name":', b'{"name":', b'{"format":', b"{", MAGIC]), st.binary()
)
def test_nothing_else_escapes_whatever_the_bytes(
    tmp_path_factory: pytest.TempPathFactory, begin: bytes, rest: bytes
) -> None:
    """Whatever someone sends in: an explanation or one typed refusal."""
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(begin + rest)
    assert told(path).isascii()


@given(st.data())
def test_a_damaged_file_is_explained_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """The same for what was good and has one byte changed."""
    raw = bytearray(data.draw(st.sampled_from([RELEASE, VIEW.raw, ENTRY.raw, write_bundle([StatementEntry(RELEASE)])])))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(raw)
    assert told(path).isascii()
