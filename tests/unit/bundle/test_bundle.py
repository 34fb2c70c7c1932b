"""The bundle (SPEC BN-1 to BN-3)."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring.bundle import (
    BadBundleEntry,
    BadBundleOrder,
    BundleTooLarge,
    Entry,
    HaltEntry,
    ImageEntry,
    NotABundle,
    PathEntry,
    ProofEntry,
    ReportEntry,
    StatementEntry,
    TufEntry,
    UnknownBundleKind,
    ViewEntry,
    bundle_chunks,
    open_entries,
    read_bundle,
    write_bundle,
)
from sealring.catalogue.view import parse_view
from sealring.envelope import parse_envelope
from sealring.errors import TrustError

MAGIC = b"sealring bundle 1\n"
END = bytes(11)
KEYS = tuple(sorted(sha256(bytes([n])).digest() for n in range(64)))
ENTRIES: tuple[Entry, ...] = (
    StatementEntry(b"envelope two"),
    StatementEntry(b"envelope one"),
    TufEntry("acme/main/3.root.json", b"{}"),
    TufEntry("acme/main/timestamp.json", b""),
    ViewEntry(b"view"),
    ProofEntry(bytes(32), KEYS[:2], b"proof"),
    ProofEntry(bytes(32), KEYS, b"joint proof"),
    PathEntry(9, 3, bytes(96)),
    ReportEntry(b"report two"),
    ReportEntry(b"report one"),
    HaltEntry(b"halt"),
)
RAW = write_bundle(ENTRIES)
IMAGE = bytes(range(256)) * 5000


def packed(kind: int, name: bytes = b"", data: bytes = b"", size: int | None = None) -> bytes:
    """One entry as SPEC BN-1 spells it, with any header at all."""
    length = len(data) if size is None else size
    return bytes([kind]) + len(name).to_bytes(2, "big") + length.to_bytes(8, "big") + name + data


def image_entry(data: bytes = IMAGE) -> ImageEntry:
    """An image, in the state in which a writer gets it."""
    return ImageEntry(sha256(data).digest(), len(data), BytesIO(data))


class Trickle:
    """A stream that gives one byte at a time, as a slow network may, and counts what was asked for."""

    def __init__(self, raw: bytes) -> None:
        self.stream = BytesIO(raw)
        self.asked_most = 0

    def read(self, size: int, /) -> bytes:
        self.asked_most = max(self.asked_most, size)
        return self.stream.read(min(size, 1))


def test_a_bundle_is_spelt_as_the_rule_says() -> None:
    """SPEC BN-1, byte by byte."""
    assert write_bundle([]) == MAGIC + END
    one = write_bundle([TufEntry("a/1.root.json", b"data"), StatementEntry(b"envelope")])
    assert one == MAGIC + packed(1, b"", b"envelope") + packed(2, b"a/1.root.json", b"data") + END
    name = bytes(32).hex().encode() + b"/" + KEYS[0].hex().encode() + b"," + KEYS[1].hex().encode()
    assert write_bundle([ProofEntry(bytes(32), KEYS[:2], b"p")]) == MAGIC + packed(4, name, b"p") + END


def test_a_bundle_gives_back_what_was_put_in() -> None:
    """SPEC BN-1: whatever order the writer was given; statements keep theirs."""
    assert read_bundle(RAW) == ENTRIES
    assert read_bundle(write_bundle(ENTRIES[8:] + ENTRIES[2:8][::-1] + ENTRIES[:2])) == ENTRIES
    assert tuple(open_entries(Trickle(RAW), image_limit=0)) == ENTRIES


def test_every_truncation_and_any_extension_is_refused() -> None:
    """SPEC BN-1: a cut-off bundle never reads as a smaller one."""
    for at in range(len(RAW)):
        with pytest.raises(NotABundle):
            read_bundle(RAW[:at])
    for tail in (b"\0", END, RAW):
        with pytest.raises(NotABundle, match="after the end"):
            read_bundle(RAW + tail)


@given(st.integers(0, len(RAW) - 1), st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_another_bundle(at: int, bit: int) -> None:
    """SPEC BN-1: what is accepted is spelt by exactly its bytes."""
    raw = RAW[:at] + bytes([RAW[at] ^ 1 << bit]) + RAW[at + 1 :]
    try:
        found = read_bundle(raw)
    except TrustError:
        return
    assert found != ENTRIES
    assert b"".join(bundle_chunks(found)) == raw


HEADERS = st.builds(
    packed, st.integers(0, 7), st.binary(max_size=5), st.binary(max_size=9), st.none() | st.integers(0, 12)
)


@given(st.binary(max_size=200) | st.lists(HEADERS, max_size=5).map(lambda parts: MAGIC + b"".join(parts)))
def test_nothing_but_a_refusal_comes_out_of_any_bytes(raw: bytes) -> None:
    """SPEC BN-1: no exception of another kind, whatever the bytes."""
    try:
        found = read_bundle(raw)
    except TrustError:
        return
    assert b"".join(bundle_chunks(found)) == raw


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(packed(0, b"x"), id="end with a name"),
        pytest.param(packed(1, b"name", b"data"), id="statement with a name"),
        pytest.param(packed(2, b"", b"data"), id="file without a name"),
        pytest.param(packed(2, b"/etc/passwd"), id="absolute"),
        pytest.param(packed(2, b"a/../b"), id="upwards"),
        pytest.param(packed(2, b"a//b"), id="empty segment"),
        pytest.param(packed(2, b"a/.b"), id="hidden"),
        pytest.param(packed(2, b"a/b\n"), id="line feed"),
        pytest.param(packed(2, b"a\0b"), id="zero byte"),
        pytest.param(packed(2, b"a\\b"), id="backslash"),
        pytest.param(packed(2, b"\xff"), id="not ASCII"),
        pytest.param(packed(2, b"a" * 256), id="long name"),
        pytest.param(packed(3, b"view"), id="view with a name"),
        pytest.param(packed(4, b"00" * 32), id="proof of no key"),
        pytest.param(packed(4, b"00" * 32 + b"/" + b"0A" * 32), id="upper case hex"),
        pytest.param(packed(4, b"00" * 32 + b"/" + b"01" * 32 + b"," + b"00" * 32), id="keys descending"),
        pytest.param(packed(4, b"00" * 32 + b"/" + b"01" * 32 + b"," + b"01" * 32), id="key twice"),
        pytest.param(
            packed(4, b"00" * 32 + b"/" + b",".join(bytes([n]).hex().encode() * 32 for n in range(65))), id="65"
        ),
        pytest.param(packed(16, b"ab" * 31), id="short digest"),
    ],
)
def test_an_entry_that_its_kind_can_not_have_is_refused(entry: bytes) -> None:
    """SPEC BN-1: names reach file systems and caches, so each kind has its own narrow form."""
    with pytest.raises(BadBundleEntry) as refused:
        read_bundle(MAGIC + entry + END)
    assert (refused.value.number, refused.value.rule) == (1, "BN-1")


@pytest.mark.parametrize("kind", [kind for kind in range(10, 256) if kind != 16])
def test_an_unknown_kind_is_refused(kind: int) -> None:
    """SPEC BN-2: skipped, it could hold what another reader acts upon."""
    with pytest.raises(UnknownBundleKind) as refused:
        read_bundle(MAGIC + packed(1) + packed(kind, b"x", b"y") + END)
    assert (refused.value.number, refused.value.kind) == (2, kind)


def test_what_a_bundle_holds_is_only_ever_unverified_bytes() -> None:
    """SPEC BN-3: garbage in the right form is read, and is worth nothing until its own rules have passed."""
    statement, view = read_bundle(write_bundle([StatementEntry(b"no envelope"), ViewEntry(b"no view")]))
    assert isinstance(statement, StatementEntry)
    with pytest.raises(TrustError):
        parse_envelope(statement.envelope)
    assert isinstance(view, ViewEntry)
    with pytest.raises(TrustError):
        parse_view(view.data)


@pytest.mark.parametrize(
    ("entries", "number"),
    [
        pytest.param(packed(3) + packed(1), 2, id="statement after a view"),
        pytest.param(packed(2, b"b") + packed(2, b"a"), 2, id="names descending"),
        pytest.param(packed(1) + packed(2, b"a", b"x") + packed(2, b"a", b"y"), 3, id="one name with two contents"),
    ],
)
def test_entries_out_of_order_are_refused(entries: bytes, number: int) -> None:
    """SPEC BN-1: of two files with one name, two readers might take different ones."""
    with pytest.raises(BadBundleOrder) as refused:
        read_bundle(MAGIC + entries + END)
    assert refused.value.number == number


@pytest.mark.parametrize(
    ("kind", "name", "limit"),
    [
        pytest.param(0, b"", 0, id="end"),
        pytest.param(1, b"", 256 * 1024, id="statement"),
        pytest.param(2, b"a", 512 * 1024, id="TUF file"),
        pytest.param(3, b"", 1024 * 1024, id="view"),
        pytest.param(4, b"00" * 32 + b"/" + b"00" * 32, 256 * 1024, id="proof"),
        pytest.param(5, b"9/3", 64 * 32, id="path"),
        pytest.param(16, b"00" * 32, 1000, id="image"),
    ],
)
def test_a_length_above_the_limit_is_refused_before_anything_is_read_for_it(kind: int, name: bytes, limit: int) -> None:
    """SPEC BN-2: a header must not make a device allocate or wait."""
    for size in (limit + 1, 2**63, 2**64 - 1):
        stream = Trickle(MAGIC + packed(kind, name, size=size))
        with pytest.raises(BundleTooLarge) as refused:
            list(open_entries(stream, image_limit=1000))
        assert (refused.value.found, refused.value.allowed) == (size, limit)
        assert stream.asked_most <= 4352
    if kind:
        assert len(list(open_entries(BytesIO(MAGIC + packed(kind, name, bytes(limit)) + END), image_limit=1000))) == 1


def test_too_much_metadata_too_many_entries_and_a_long_name_are_refused() -> None:
    """SPEC BN-2: each entry is small, and all of them together are bounded too."""
    for entry, count, what in ((packed(1), 100_001, "entries"), (packed(3, data=bytes(1024 * 1024)), 64, "metadata")):
        with pytest.raises(BundleTooLarge, match=what):
            for _ in open_entries(BytesIO(MAGIC + entry * count + END), image_limit=0):
                pass
        with pytest.raises(BundleTooLarge, match=what):
            sum(
                map(
                    len,
                    bundle_chunks(
                        [StatementEntry(b"") if what == "entries" else ViewEntry(bytes(1024 * 1024))] * count
                    ),
                )
            )
    assert len(read_bundle(MAGIC + packed(1) * 100_000 + END)) == 100_000
    with pytest.raises(BundleTooLarge, match="name"):
        read_bundle(MAGIC + packed(2, b"a" * 4353))


def test_images_are_streamed_and_never_held() -> None:
    """SPEC BN-2: a bundle with images costs a reader and a writer no more memory than a piece."""
    entries = sorted([image_entry(), image_entry(IMAGE[1:])], key=lambda entry: entry.digest)
    raw = b"".join(bundle_chunks([StatementEntry(b"s"), *entries]))
    read: list[tuple[bytes, int]] = []
    for entry in open_entries(BytesIO(raw), image_limit=len(IMAGE)):
        if isinstance(entry, ImageEntry):
            digest = sha256()
            while piece := entry.data.read(4096):
                assert len(piece) <= 4096
                digest.update(piece)
            read.append((digest.digest(), entry.size))
    assert read == [(entry.digest, entry.size) for entry in entries]


@pytest.mark.parametrize("taken", [0, 1, len(IMAGE)])
def test_an_image_that_is_not_read_to_its_end_is_skipped(taken: int) -> None:
    """SPEC BN-1: a device takes the images that it wants; the next entry is found all the same."""
    entries = sorted([image_entry(), image_entry(b"next")], key=lambda entry: entry.digest)
    raw = b"".join(bundle_chunks(entries))
    found: list[bytes] = []
    for entry in open_entries(BytesIO(raw), image_limit=len(IMAGE)):
        assert isinstance(entry, ImageEntry)
        entry.data.read(taken)
        found.append(entry.digest)
    assert found == [entry.digest for entry in entries]


def test_an_image_that_is_cut_off_says_so_where_it_is_read() -> None:
    """SPEC BN-1: a stick pulled out early is a refusal, never a short image."""
    raw = b"".join(bundle_chunks([image_entry()]))[:-20]
    entry = next(open_entries(BytesIO(raw), image_limit=len(IMAGE)))
    assert isinstance(entry, ImageEntry)
    with pytest.raises(NotABundle, match="9 bytes too soon"):
        list(iter(lambda: entry.data.read(65536), b""))


def test_a_small_bundle_has_no_images() -> None:
    """SPEC BN-2: what is read in one piece is bounded by its metadata."""
    with pytest.raises(BundleTooLarge):
        read_bundle(b"".join(bundle_chunks([image_entry()])))


@pytest.mark.parametrize(
    ("entries", "refusal"),
    [
        pytest.param(lambda: [ViewEntry(b""), StatementEntry(b"")], BadBundleOrder, id="order"),
        pytest.param(lambda: [TufEntry("../x", b"")], BadBundleEntry, id="name"),
        pytest.param(lambda: [TufEntry("é", b"")], BadBundleEntry, id="name not ASCII"),
        pytest.param(lambda: [ProofEntry(bytes(32), (), b"")], BadBundleEntry, id="proof of no key"),
        pytest.param(lambda: [ProofEntry(bytes(31), KEYS[:1], b"")], BadBundleEntry, id="short root"),
        pytest.param(lambda: [StatementEntry(bytes(256 * 1024 + 1))], BundleTooLarge, id="size"),
        pytest.param(lambda: [ImageEntry(bytes(32), 5, BytesIO(b"four"))], NotABundle, id="image ends early"),
    ],
)
def test_a_writer_refuses_what_a_reader_would(entries: Callable[[], list[Entry]], refusal: type[TrustError]) -> None:
    """SPEC BN-1, BN-2: a bundle that no device takes is found where it is made."""

    def write() -> Iterator[bytes]:
        return bundle_chunks(entries())

    with pytest.raises(refusal):
        b"".join(write())
