"""The work behind `countersign`: read ahead and check in processes of their own, sign here, write piece by piece.

The processes that check are fresh ones, so that the key is never in their memory. A piece is what a bounded stretch of
the input became, whatever it holds, so the pieces that are there tell how far it went.
"""

import itertools
import os
import signal
from base64 import b64encode
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

import msgspec

from sealring.bundle import BundleTooLarge, NotABundle, StatementEntry, open_entries
from sealring.bundle.form import HEADER_BYTES, MAGIC, MAX_ENTRIES, MAX_METADATA, Kind
from sealring.command.files import read_file
from sealring.durable import create_durably, write_durably
from sealring.errors import SealringError
from sealring.keys import signed_by
from sealring.request.bulk import Bulk
from sealring.signing import Signer, UselessSignature
from sealring.strict import decode_strict, encode

PIECE_STATEMENTS = 1000
PIECE_BYTES = 8 * 1024 * 1024  # with every signature added it stays far below a bundle's 64 MiB
PLAN = "countersign.json"
_STATEMENTS = (Kind.STATEMENT, Kind.PARTS)
_SMALL = frozenset(Kind) - {Kind.END, Kind.IMAGE}
MAX_PLAN = 1024 * 1024  # bytes
AHEAD = 2  # pieces that wait for each process
SMALL = 512 * 1024  # bytes of input; less is checked before a process would have started
T = TypeVar("T")


class _Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose signature, on what: kept in the folder, so that nothing else is ever continued there."""

    countersign: Literal[1]
    key: str
    standing: str
    inputs: list[str]


_plan = msgspec.json.Decoder(_Plan)


@dataclass(eq=False)
class OtherWork(SealringError):
    """A folder with pieces of another key, other bundles or other keys in force."""

    folder: Path
    what: str
    exit_code: ClassVar[int] = 12

    def __str__(self) -> str:
        return f"{self.folder}: holds the pieces of other work ({self.what})"

    def hint(self) -> str:
        return "give a new folder, or the same key and bundles to go on"


@dataclass(frozen=True)
class Job:
    """One key's signature on these bundles."""

    bulk: Bulk
    inputs: tuple[Path, ...]
    output: Path


@dataclass(frozen=True)
class Piece:
    """One finished piece: what became of its statements, and how far the whole is, in bytes read."""

    counts: Counter[str]
    done: int
    of: int


@dataclass(frozen=True)
class Stretch:
    """Statements of one bundle that stand together; where, in bytes."""

    path: Path
    begin: int
    size: int


class Ready(NamedTuple):
    """A piece in which only signatures are missing: where each goes, and what it signs."""

    raw: bytes
    waiting: list[tuple[int, bytes]]
    counts: Counter[str]


def input_files(places: Iterable[Path]) -> Iterator[Path]:
    """The bundles at these places, those of a folder in the order of their names."""
    for place in places:
        if place.is_dir():
            yield from sorted(place.glob("*.bundle"))
        else:
            yield place


def run_job(job: Job, open_key: Callable[[], AbstractContextManager[Signer]]) -> Generator[Piece, None, None]:
    """Do what is left of a job; each piece is on the disk before the next is begun.

    Raises:
        OtherWork, TrustError, OSError: and the same command goes on where it was.
    """
    _keep_plan(job)
    total, done = sum(path.stat().st_size for path in job.inputs), 0
    waiting: deque[tuple[Path, int, Future[Ready]]] = deque()
    with _checkers(job.bulk, total) as pool, open_key() as signer:
        try:
            for number, stretch in enumerate(_stretches(job.inputs), 1):
                path = job.output / f"{number:06}.bundle"
                if path.exists():
                    done += stretch.size
                    yield Piece(Counter({"signed": _entries(path)}), done, total)
                    continue
                waiting.append((path, stretch.size, pool.submit(_check, job.bulk, stretch)))
                if len(waiting) > AHEAD * _processes(job.bulk):
                    path, size, work = waiting.popleft()
                    done += size
                    yield Piece(_finished(path, signer, work.result()), done, total)
            while waiting:
                path, size, work = waiting.popleft()
                done += size
                yield Piece(_finished(path, signer, work.result()), done, total)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _finished(path: Path, signer: Signer, ready: Ready) -> Counter[str]:
    """Sign what waits in a piece, and put it on the disk."""
    raw = bytearray(ready.raw)
    for number, (begin, pae) in enumerate(ready.waiting):
        signature = signer.sign(pae)
        # One a piece is tried: a key or token that signs rubbish does so from the first.
        if number == 0 and not signed_by(signer.public, signature, pae):
            raise UselessSignature(signer.public.name)
        spelt = b64encode(signature)
        raw[begin : begin + len(spelt)] = spelt
    create_durably(path, bytes(raw))
    return ready.counts


def _check(bulk: Bulk, stretch: Stretch) -> Ready:
    """In a process of its own: what becomes of a stretch, as a bundle in which only the signatures are missing."""
    with open(stretch.path, "rb") as stream:
        stream.seek(stretch.begin)
        # Whatever the scan took for a stretch: it is read as a bundle by the one reader there is.
        region = BytesIO(MAGIC + stream.read(stretch.size) + bytes(HEADER_BYTES))
    raw, waiting, counts = bytearray(MAGIC), list[tuple[int, bytes]](), Counter[str]()
    for entry in open_entries(region, image_limit=0):
        assert isinstance(entry, StatementEntry)  # a stretch has no others
        one = bulk.prepare(entry.envelope)
        counts[one.verdict] += 1
        if one.envelope:
            raw += bytes((Kind.STATEMENT,)) + len(one.envelope).to_bytes(HEADER_BYTES - 1, "big")
            if one.verdict == "sign":
                waiting.append((len(raw) + one.begin, one.pae))
            raw += one.envelope
    return Ready(bytes(raw + bytes(HEADER_BYTES)), waiting, counts)


def _stretches(inputs: Iterable[Path]) -> Iterator[Stretch]:
    """The statements of all bundles in stretches that depend on nothing but them; only the headers are looked at."""
    for path in inputs:
        with open(path, "rb") as stream:
            if stream.read(len(MAGIC)) != MAGIC:
                raise NotABundle(f"the first line of {path.name} is not that of a bundle")
            begin, count, at = len(MAGIC), 0, len(MAGIC)
            for number in itertools.count():
                header = stream.read(HEADER_BYTES)
                if len(header) < HEADER_BYTES:
                    raise NotABundle(f"{path.name} ends too soon")
                if header[0] not in _SMALL:
                    break
                # BN-2: what no other reader takes is not taken here either; more of it is more bundles.
                if number >= MAX_ENTRIES:
                    raise BundleTooLarge("number of entries", number + 1, MAX_ENTRIES)
                size = HEADER_BYTES + int.from_bytes(header[1:3], "big") + int.from_bytes(header[3:], "big")
                # BN-4: those in parts come after views and proofs; left out, they would fall with the old keys unseen.
                is_other = header[0] not in _STATEMENTS
                if count and (is_other or count == PIECE_STATEMENTS or at + size - begin > PIECE_BYTES):
                    yield Stretch(path, begin, at - begin)
                    begin, count = at, 0
                at += size
                begin, count = (at, 0) if is_other else (begin, count + 1)
                if at > len(MAGIC) + MAX_METADATA:
                    raise BundleTooLarge("metadata, in bytes,", at, MAX_METADATA)
                stream.seek(at)
            if count:
                yield Stretch(path, begin, at - begin)


def _keep_plan(job: Job) -> None:
    """Begin the folder, or see that it is of the same job."""
    standing = sha256(encode([_listed(job.bulk), [job.bulk.before is None]])).hexdigest()
    plan = _Plan(1, job.bulk.key.id, standing, [_digest(path) for path in job.inputs])
    job.output.mkdir(exist_ok=True)
    path = job.output / PLAN
    if not path.exists():
        if any(job.output.iterdir()):
            raise OtherWork(job.output, "not of this command")
        write_durably(path, encode(plan))
        return
    known = decode_strict(read_file(path, MAX_PLAN), _plan, limit=MAX_PLAN, what=PLAN)
    for name, what in (("key", "another key"), ("inputs", "other bundles"), ("standing", "other keys in force")):
        if getattr(known, name) != getattr(plan, name):
            raise OtherWork(job.output, what)


def _listed(bulk: Bulk) -> list[list[str]]:
    standings = [standing for standing in (bulk.before, bulk.after) if standing is not None]
    return [
        [f"{role} {threshold.family} {threshold.threshold} {key.id}"]
        for standing in standings
        for role, keys in standing.key_sets()
        for threshold in keys.thresholds
        for key in keys.keys
    ]


def _digest(path: Path) -> str:
    found = sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()


def _entries(path: Path) -> int:
    with open(path, "rb") as stream:
        return sum(1 for _ in open_entries(stream, image_limit=0))


class _Here(Executor):
    """Does the work at once, in this process."""

    def submit(self, work: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """The finished work; what it raises passes through."""
        done: Future[T] = Future()
        done.set_result(work(*args, **kwargs))
        return done


def _checkers(bulk: Bulk, size: int) -> Executor:
    """Processes that check, or none where the whole input, in bytes, is not worth their start."""
    if size <= SMALL:
        return _Here()
    return ProcessPoolExecutor(_processes(bulk), mp_context=get_context("spawn"), initializer=_quiet)


def _quiet() -> None:
    # Ctrl-C reaches every process of the terminal; the one that signs says what there is to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _processes(bulk: Bulk) -> int:
    """To verify costs more than to sign, so then all processors check; else one is left to sign."""
    return max(1, (os.cpu_count() or 1) - (bulk.before is None))
