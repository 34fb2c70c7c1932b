"""What a store of this size does for a publication, for readers, and for both at once."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

from msgspec import structs
from nacl.signing import VerifyKey
from sqlalchemy import text

from benchmarks.big_store import BigStore, software
from benchmarks.figure import Figure
from sealring.bundle import StatementEntry, write_bundle
from sealring.catalogue.view import view_key
from sealring.envelope import Envelope
from sealring.statement import parse_statement
from sealring_server.app import create_app
from sealring_server.catalogue import append_entry, append_items, last_entry
from sealring_server.clock import system_clock
from sealring_server.commit import begin_draft
from sealring_server.held import Held
from sealring_server.here import Limits, StoreHere, open_store
from sealring_server.publication import publish_at_once
from sealring_server.serving import settle
from sealring_server.tuf_repo import publish_catalogue
from sealring_server.views import update_views
from sealring_server.work import Admitted
from tests.scenarios.devices import MODEL
from tests.stores import REPOSITORY
from tests.world import Key

TOUCHED = (1, 10, 1_000)
ROUNDS = 40
GROUP = 1_000
SINGLES = 300
STORM = 6_000  # publications at most
PAGE = 4096  # bytes
SERIALS = 4_000
AT_ONCE = 50  # serials in one publication
READS = 3_000


def figures(big: BigStore) -> Iterator[Figure]:
    """The store's side at this size."""
    here = open_store(big.store.folder, system_clock, Limits(subjects=10_000_000))
    settle()  # this process works as the store's workers do
    yield from _updates(big, here)
    yield from _groups(big, here)
    yield from _proofs(big, here)
    yield from _statements(big, here)
    yield from _storm(big)
    here.database.close()


WRITTEN = """
select (select sum(length(raw) + 8) from tiles where number > :tiles)
    + (select sum(length(key) + length(value) + 8) from leaves where entry = :entry)
    + (select sum(length(raw) + length(digest) + length(map) + 16) from entries where sequence = :entry)
    + (select coalesce(sum(length(numbers) + 8), 0) from superseded where entry = :entry)
    + (select (count(*) - :nodes) * 40 from log)
    + (select sum(length(digest) + length(model) + 16) from views where entry = :entry)
    + (select coalesce(sum(length(model || type || subject) + length(value) + 16), 0)
        from view_rows where since = :entry)
    + (select coalesce(sum(length(model || type || subject) + length(value) + 24), 0)
        from view_past where until = :entry)
"""
"""The bytes of all rows of the map, the log and the views that an entry has written."""


def _updates(big: BigStore, here: StoreHere) -> Iterator[Figure]:
    """The map, log and views after one release, where it stands in the view of 1, 10 and 1,000 models."""
    n, made = big.packages, 1
    sequence = big.revisions[0]
    for touched in TOUCHED:
        _more_models(big, here, made, touched)
        made = touched
        times, rows, pages = [], [], []
        for _ in range(ROUNDS if touched < 1_000 else 5):
            sequence += 1
            release = _release(big, sequence)
            seconds, written, wal = _one_update(here, release)
            times.append(seconds / touched)
            rows.append(written / touched)
            pages.append(wal / touched)
        models = f"{touched} model{'s' if touched > 1 else ''} touched"
        each = "" if touched == 1 else ", each"
        yield Figure("catalogue", f"update, {models}{each}", n, median(times) * 1e3, "ms", aim="<= 0.3 ms")
        yield Figure("catalogue", f"update, {models}{each}: rows", n, median(rows), "B", aim="<= 6 kB")
        yield Figure("catalogue", f"update, {models}{each}: pages of the journal", n, median(pages), "B")
    big.revisions[0] = sequence


def _one_update(here: StoreHere, release: Envelope) -> tuple[float, int, int]:
    """Seconds of the update alone, the bytes of its rows, and the pages that SQLite wrote for the whole publication."""
    statement = parse_statement(release.payload)
    _checkpoint(here)
    with here.database.writing() as connection:
        tiles, nodes = connection.exec_driver_sql("select max(number), (select count(*) from log) from tiles").one()
        draft = begin_draft(connection, last_entry(connection).sequence + 1)
        draft.add([Admitted(statement, release, is_news=True)])
        begin, at = time.perf_counter(), here.clock()
        updates = draft.updates | update_views(Held(connection), draft.root, draft.sequence, draft.news, here.documents)
        entry = append_entry(connection, here.tiles, updates, root=draft.root, at=at)
        seconds = time.perf_counter() - begin
        publish_catalogue(connection, here.online, entry.raw, at)
        asked = {"tiles": tiles, "nodes": nodes, "entry": entry.sequence}
        written = connection.execute(text(WRITTEN), asked).scalar_one()
    return seconds, written, _checkpoint(here) * PAGE


def _checkpoint(here: StoreHere) -> int:
    """The pages that the journal holds, all of which are then in the database."""
    with here.database.engine.connect() as connection:
        return int(connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()[1])


def _release(big: BigStore, sequence: int) -> Envelope:
    """The first package's release again, with a higher sequence: of the same revision."""
    _, release = software(big.world, 0, big.revisions[0])
    said = parse_statement(release.payload)
    return big.world.signed(structs.replace(said, sequence=sequence))


def _more_models(big: BigStore, here: StoreHere, since: int, until: int) -> None:
    """Other models with the same 50 packages, until there are so many."""
    model = parse_statement(big.seed()[1].payload)
    for some in range(since, until, 100):
        numbers = range(some, min(some + 100, until))
        _publish(here, [big.world.signed(structs.replace(model, model=f"door-{n + 1}")) for n in numbers])


def _publish(here: StoreHere, statements: Sequence[Envelope]) -> None:
    assert isinstance(publish_at_once(here, _bundle(statements)), bytes)


def _bundle(statements: Sequence[Envelope]) -> bytes:
    return write_bundle([StatementEntry(one.raw) for one in statements])


def _groups(big: BigStore, here: StoreHere) -> Iterator[Figure]:
    """Map updates a second where 1,000 share one entry, to the end of the commit; each is of a leaf that is there."""
    root, begin, rounds = bytes.fromhex(big.world.root_id), time.perf_counter(), 10
    for _ in range(rounds):
        drawn = sorted((big.chance.choice(big.keys), big.value(2)) for _ in range(GROUP))
        with here.database.writing() as connection:
            entry = append_items(connection, here.tiles, sorted(dict(drawn).items()), root=root, at=here.clock())
            publish_catalogue(connection, here.online, entry.raw, here.clock())
    rate = rounds * GROUP / (time.perf_counter() - begin)
    yield Figure("catalogue", "map updates in groups of 1,000", big.packages, rate, "updates/s", aim=">= 5,000")


def _proofs(big: BigStore, here: StoreHere) -> Iterator[Figure]:
    """One view's proof through Flask, a core: the time of this process."""
    client = create_app(here).test_client()
    with here.database.reading() as connection:
        top = last_entry(connection).map.hex()
    keys = [key.hex() for key in big.chance.choices(big.keys, k=2_000)]
    begin = time.process_time()
    for key in keys:
        assert client.get(f"/v1/proofs/{top}/{key}").status_code == 200
    rate = len(keys) / (time.process_time() - begin)
    yield Figure("catalogue", "proofs of any leaf through Flask", big.packages, rate, "proofs/s", aim=">= 2,000")
    key = view_key(bytes.fromhex(big.world.root_id), MODEL).hex()
    begin = time.process_time()
    for _ in range(2_000):
        client.get(f"/v1/proofs/{top}/{key}")
    rate = 2_000 / (time.process_time() - begin)
    yield Figure("catalogue", "one view's proof through Flask", big.packages, rate, "proofs/s", aim=">= 2,000")


def _statements(big: BigStore, here: StoreHere) -> Iterator[Figure]:
    """Statements a second from their bundle to the receipt, beside the raw verification of their two signatures."""
    serials = [_serial(big, number) for number in range(SERIALS + SINGLES)]
    bundles = [_bundle(serials[some : some + AT_ONCE]) for some in range(0, SERIALS, AT_ONCE)]
    begin = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        assert all(isinstance(found, bytes) for found in pool.map(lambda one: publish_at_once(here, one), bundles))
    rate = SERIALS / (time.perf_counter() - begin)
    raw = _raw_rate(big, serials[:500])
    yield Figure("catalogue", "statements, 50 a publication", big.packages, rate, "/s", raw, rate / raw, ">= 0.3")
    begin = time.perf_counter()
    for one in serials[SERIALS:]:
        _publish(here, [one])
    rate, syncs = SINGLES / (time.perf_counter() - begin), _fsync_rate(here.folder)
    yield Figure(
        "catalogue",
        "single publications, one after the other",
        big.packages,
        rate,
        "/s",
        syncs,
        rate / syncs,
        ">= 0.85",
    )
    singles = [_bundle([_serial(big, SERIALS + SINGLES + number)]) for number in range(SINGLES * 4)]
    begin = time.perf_counter()
    with ThreadPoolExecutor(16) as pool:
        assert all(isinstance(found, bytes) for found in pool.map(lambda one: publish_at_once(here, one), singles))
    rate = len(singles) / (time.perf_counter() - begin)
    yield Figure("catalogue", "single publications, 16 at a time", big.packages, rate, "/s", syncs, rate / syncs)


def _serial(big: BigStore, number: int) -> Envelope:
    return big.world.signed(big.world.serial(Key("a-device").public, f"SN-{number}"))


def _raw_rate(big: BigStore, statements: Sequence[Envelope]) -> float:
    """Statements a second whose signatures libsodium verifies, and nothing else."""
    keys = {key.id: VerifyKey(key.public.public) for key in big.world.brand_keys("acme")}
    begin = time.perf_counter()
    for one in statements:
        for keyid, signature in one.signatures.items():
            keys[keyid].verify(one.pae, signature)
    return len(statements) / (time.perf_counter() - begin)


def _fsync_rate(folder: Path) -> float:
    """Appends of a publication's size to a file, each synced, a second."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        begin = time.perf_counter()
        for _ in range(SINGLES):
            file.write(bytes(16_384))
            file.flush()
            os.fsync(file.fileno())
        return SINGLES / (time.perf_counter() - begin)


def _storm(big: BigStore) -> Iterator[Figure]:
    """What readers wait, 99 of 100 times, while others publish without a pause; beside a quiet store."""
    quiet = _waits(big)
    with tempfile.TemporaryDirectory() as name:
        for number in range(STORM):
            serial = _serial(big, 1_000_000 + number)
            (Path(name) / f"{number:06}").write_bytes(_bundle([serial]))
        command = [sys.executable, "-m", "benchmarks.storm", big.store.url, name]
        here = open_store(big.store.folder, system_clock)
        begun = big.entries(here)
        with subprocess.Popen(command, cwd=REPOSITORY) as publishers:
            time.sleep(1)
            busy = _waits(big)
            assert publishers.poll() is None, "the storm was over before the readers"
            publishers.kill()
        entries = big.entries(here) - begun
        here.database.close()
    n = big.packages
    yield Figure(
        "catalogue", "p99 of reads in a publishing storm", n, busy * 1e3, "ms", quiet * 1e3, busy / quiet, "<= 1.5"
    )
    yield Figure("catalogue", "entries made in that storm", n, entries, "entries")


def _waits(big: BigStore) -> float:
    """Seconds within which 99 of 100 reads are answered: timestamps, and proofs of any leaf under one root."""
    address = urlsplit(big.store.url)
    here = open_store(big.store.folder, system_clock)
    with here.database.reading() as connection:
        top = last_entry(connection).map.hex()
    here.database.close()
    paths = [
        "/tuf/timestamp.json",
        *(f"/v1/proofs/{top}/{key.hex()}" for key in big.chance.choices(big.keys, k=READS // 2)),
    ]
    waits = []
    with closing(HTTPConnection(address.hostname or "", address.port, timeout=60)) as line:
        for number in range(READS):
            begin = time.perf_counter()
            line.request("GET", paths[0] if number % 2 else paths[1 + number // 2])
            answer = line.getresponse()
            answer.read()
            waits.append(time.perf_counter() - begin)
            assert answer.status == 200
    return quantiles(waits, n=100)[98]
