"""Counter-signing in bulk: bounded, durable in pieces, resumable, and never twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sealring.bundle import (
    BundleTooLarge,
    Entry,
    NotABundle,
    StatementEntry,
    TufEntry,
    ViewDifferenceEntry,
    ViewEntry,
    open_entries,
    write_bundle,
)
from sealring.bundle.form import MAGIC, MAX_ENTRIES, MAX_METADATA
from sealring.chain import read_claim
from sealring.command import bulk
from sealring.command.bulk import Job, OtherWork, input_files, run_job
from sealring.errors import TrustError
from sealring.keyfile import OpenKey, create_key_file
from sealring.request.bulk import Bulk
from sealring.request.standing import Standing
from sealring.signing import UselessSignature
from tests.stores import now
from tests.world import Key, World, key_set, sign

WORLD = World(at=now())
FRESH = Key("fresh")
MANY = 2 * bulk.PIECE_STATEMENTS + 10
KEY = b"\7" * 32
RELEASED = [sign(WORLD.release(n + 1), WORLD.brand_keys("acme")[0]).raw for n in range(MANY)]
AFTER = Standing(WORLD.root_statement(), {"acme": WORLD.brand(keys=key_set(1, FRESH))})


class Counting:
    """A key that counts what it signs."""

    def __init__(self, *, gives: bytes | None = None) -> None:
        self.public, self.signed, self.gives = FRESH.public, list[bytes](), gives

    def sign(self, message: bytes, /) -> bytes:
        self.signed.append(message)
        return self.gives or FRESH.sign(message)

    @contextmanager
    def open(self) -> "Iterator[Counting]":
        yield self


def bundle(folder: Path, raws: list[bytes], name: str = "released.bundle") -> Path:
    path = folder / name
    path.write_bytes(write_bundle([StatementEntry(raw) for raw in raws]))
    return path


def job(folder: Path, *inputs: Path) -> Job:
    return Job(Bulk(FRESH.public, None, AFTER, WORLD.at), inputs, folder / "out")


def statements(folder: Path) -> list[bytes]:
    """All that stands in a folder of pieces, in order."""
    found = []
    for path in input_files([folder]):
        with open(path, "rb") as stream:
            found += [e.envelope for e in open_entries(stream, image_limit=0) if isinstance(e, StatementEntry)]
    return found


def test_everything_comes_out_in_its_order_with_the_signature(tmp_path: Path) -> None:
    key, work = Counting(), job(tmp_path, bundle(tmp_path, RELEASED[:1010]), bundle(tmp_path, RELEASED[1010:], "more"))
    pieces = list(run_job(work, key.open))
    found = statements(tmp_path / "out")
    assert [read_claim(raw).envelope.id for raw in found] == [read_claim(raw).envelope.id for raw in RELEASED]
    assert all(FRESH.id in read_claim(raw).envelope.signatures for raw in found)
    assert (len(key.signed), pieces[-1].done) == (MANY, sum(len(raw) + 11 for raw in RELEASED))


def test_a_run_that_was_stopped_goes_on_and_signs_nothing_twice(tmp_path: Path) -> None:
    """Stopped after a piece: what is on the disk is whole, and is not done again."""
    work, key = job(tmp_path, bundle(tmp_path, RELEASED)), Counting()
    first = run_job(work, key.open)
    next(first)
    first.close()
    assert len(key.signed) == bulk.PIECE_STATEMENTS
    again = Counting()
    assert sum(piece.counts["sign"] for piece in run_job(work, again.open)) == MANY - bulk.PIECE_STATEMENTS
    assert not set(key.signed) & set(again.signed)
    assert len(statements(tmp_path / "out")) == MANY
    last = Counting()
    assert sum(piece.counts["signed"] for piece in run_job(work, last.open)) == MANY
    assert last.signed == []


def test_a_folder_of_other_work_is_never_continued(tmp_path: Path) -> None:
    path = bundle(tmp_path, RELEASED[:3])
    list(run_job(job(tmp_path, path), Counting().open))
    with pytest.raises(OtherWork):
        list(run_job(job(tmp_path, bundle(tmp_path, RELEASED[:2], "others")), Counting().open))
    other = Job(Bulk(FRESH.public, AFTER, AFTER, WORLD.at), (path,), tmp_path / "out")
    with pytest.raises(OtherWork):
        list(run_job(other, Counting().open))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_bytes(b"")
    with pytest.raises(OtherWork):
        list(run_job(Job(other.bulk, (path,), tmp_path / "full"), Counting().open))


def test_a_key_that_signs_rubbish_is_found_out_at_once(tmp_path: Path) -> None:
    """SPEC KY-2: a damaged token must not fill a bundle with signatures that no device counts."""
    with pytest.raises(UselessSignature):
        list(run_job(job(tmp_path, bundle(tmp_path, RELEASED[:3])), Counting(gives=bytes(64)).open))
    assert statements(tmp_path / "out") == []


@pytest.mark.parametrize(
    "cut", [pytest.param(-1, id="an end too short"), pytest.param(-2000, id="a statement cut"), pytest.param(5, id="x")]
)
def test_a_bundle_that_was_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    """SPEC BN-1: a part must not pass for the whole."""
    path = bundle(tmp_path, RELEASED[:3])
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(NotABundle):
        list(run_job(job(tmp_path, path), Counting().open))


def test_a_bundle_that_no_reader_takes_is_not_taken_here(tmp_path: Path) -> None:
    """SPEC BN-2: a length must not be believed, nor a count."""
    path = tmp_path / "long.bundle"
    head = MAGIC + b"\x01" + bytes(2)
    for size, more in ((2**63, b""), (MAX_METADATA + 1, b""), (257 * 1024, bytes(257 * 1024) + bytes(11))):
        path.write_bytes(head + size.to_bytes(8, "big") + more)
        with pytest.raises(BundleTooLarge):
            list(run_job(Job(job(tmp_path).bulk, (path,), tmp_path / str(size)), Counting().open))
    path.write_bytes(MAGIC + (b"\x01" + bytes(10)) * (MAX_ENTRIES + 1) + bytes(11))
    with pytest.raises(TrustError):
        list(run_job(Job(job(tmp_path).bulk, (path,), tmp_path / "entries"), Counting().open))
    named = b"\x01" + (4).to_bytes(2, "big") + (5).to_bytes(8, "big") + b"name" + b"bytes"
    path.write_bytes(MAGIC + named + bytes(11))
    with pytest.raises(TrustError):
        list(run_job(Job(job(tmp_path).bulk, (path,), tmp_path / "named"), Counting().open))


def test_statements_in_parts_are_signed_too_wherever_they_stand(tmp_path: Path) -> None:
    """SPEC BN-4, PB-9: one that was passed over would fall with the old keys, and nobody would have been told."""
    key, path = Counting(), tmp_path / "answer.bundle"
    whole = [StatementEntry(raw) for raw in RELEASED[:5]]
    parts = [StatementEntry(raw, in_parts=True) for raw in RELEASED[5:1010]]
    others: list[Entry] = [TufEntry("1.root.json", b"{}"), ViewEntry(b"{}"), ViewDifferenceEntry(KEY, KEY, b"{}")]
    path.write_bytes(write_bundle([*whole, *parts, *others]))
    list(run_job(job(tmp_path, path), key.open))
    found = [read_claim(raw).envelope for raw in statements(tmp_path / "out")]
    assert [one.id for one in found] == [read_claim(raw).envelope.id for raw in RELEASED[:1010]]
    assert all(FRESH.id in one.signatures for one in found)


def test_a_bundle_that_is_cut_off_behind_its_statements_is_refused(tmp_path: Path) -> None:
    """SPEC BN-1: what is missing might have been statements in parts."""
    path = tmp_path / "cut.bundle"
    path.write_bytes(write_bundle([StatementEntry(RELEASED[0]), ViewEntry(bytes(50))])[:-30])
    with pytest.raises(NotABundle):
        list(run_job(job(tmp_path, path), Counting().open))


def test_a_refusal_in_another_process_is_the_same_refusal(tmp_path: Path) -> None:
    """What is checked elsewhere is said here, and what came before it stays."""
    path = bundle(tmp_path, [*RELEASED, b"no statement"])
    with pytest.raises(TrustError) as refusal:
        list(run_job(job(tmp_path, path), Counting().open))
    assert refusal.value.rule == "EN-2"
    assert str(refusal.value).startswith("envelope: ")
    assert len(statements(tmp_path / "out")) == 2 * bulk.PIECE_STATEMENTS


def test_a_piece_of_the_longest_statements_stays_a_bundle(tmp_path: Path) -> None:
    """SPEC BN-2: a stretch ends before its bundle could pass 64 MiB."""
    long = sign(WORLD.release(), *[Key(f"k{n}") for n in range(31)])
    wide = [long.raw] * (bulk.PIECE_BYTES // len(long.raw) + 5)
    list(run_job(job(tmp_path, bundle(tmp_path, wide)), Counting().open))
    assert len(list(input_files([tmp_path / "out"]))) == -(-len(wide) // bulk.PIECE_STATEMENTS)
    assert len(statements(tmp_path / "out")) == len(wide)


def test_a_process_that_is_killed_leaves_whole_pieces_and_the_command_goes_on(tmp_path: Path) -> None:
    """SPEC DK-1: the power goes while a hundred thousand are being signed."""
    create_key_file(tmp_path / "dave.key", "dave", b"open sesame", strength="interactive")
    (tmp_path / "pass").write_bytes(b"open sesame")
    bundle(tmp_path, RELEASED * 3)
    program = str(Path(sys.executable).parent / "sealring")
    words = [program, "countersign", "released.bundle", "--key", "dave.key", "--all", "-o", "out"]
    words += ["--passphrase-file", "pass"]
    for _ in range(2):
        running = subprocess.Popen(
            words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        seen = len(list((tmp_path / "out").glob("*.bundle")))
        while running.poll() is None and len(list((tmp_path / "out").glob("*.bundle"))) <= seen:
            time.sleep(0.01)
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    found = statements(tmp_path / "out")
    assert len(found) == 3 * MANY
    assert all(len(read_claim(raw).envelope.signatures) == 2 for raw in found)


def test_a_key_file_is_opened_once_for_all_of_it(tmp_path: Path) -> None:
    @contextmanager
    def opened() -> Iterator[OpenKey]:
        with OpenKey(FRESH.public, bytearray(bytes(FRESH.secret))) as key:
            yield key

    list(run_job(job(tmp_path, bundle(tmp_path, RELEASED[:20])), opened))
    assert len(statements(tmp_path / "out")) == 20
