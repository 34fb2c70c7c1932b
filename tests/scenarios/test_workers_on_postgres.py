"""Four processes, no memory in common but PostgreSQL: publishers at once, and a database that goes away (SPEC PB-3)."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sealring.authentic import read_claim
from sealring.command.receipt import verify_receipt
from sealring.command.tuf_files import load_tuf_root
from sealring.envelope import Envelope
from sealring_server.fsck.run import check_folder
from tests.oracle import check_store
from tests.rigs.postgres import PostgresServer, postgres_server
from tests.rigs.store.reader import Reader
from tests.stores import Answer, RunningStore, ask, first_software, next_software, now, running_store
from tests.unit.server.conftest import bundle
from tests.world import World

WORKERS = 4
RETRY_SECONDS = 60


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server whose commits are on the disk: it is crashed here."""
    with postgres_server(durable=True) as found:
        yield found


@pytest.fixture
def store(server: PostgresServer, tmp_path: Path) -> Iterator[RunningStore]:
    """A store with one installation's worth, served by four processes."""
    world, url = World(at=now()), server.database()
    with running_store(world, tmp_path / "store", workers=WORKERS, database=url) as running:
        running.publish(first_software(world, running, b"image 1"), [b"image 1"])
        yield running


def send(store: RunningStore, *statements: Envelope) -> Answer:
    """One publication by one request."""
    return ask(store.url, "/v1/publications?commit=yes", "POST", bundle(statements))


def proven(store: RunningStore, answer: Answer, *statements: Envelope) -> int:
    """The entry in which the receipt proves these, by the store's signatures."""
    assert answer.status == 200, answer.body
    root = load_tuf_root(store.folder / "1.root.json")
    return verify_receipt(answer.body, [read_claim(one.raw) for one in statements], root, now()).entry.sequence


def check_whole(store: RunningStore) -> int:
    """The newest entry; fsck and the oracle find nothing wrong."""
    report, entry = check_folder(store.folder, now(), quick=False)
    assert report.as_object("store", entry)["wrong"] == []
    assert check_store(store.folder).entry == entry
    return entry


def test_four_processes_publish_at_once_and_show_one_history(store: RunningStore) -> None:
    """PB-3, PB-10: no two entries of one number, no receipt that does not verify, nothing half seen meanwhile."""
    world = store.world
    sent = [world.signed(world.model(f"m-{number}")) for number in range(48)]
    raced = [world.signed(world.model("raced", sequence=number)) for number in range(1, 17)]
    reader = Reader(store.url, (store.folder / "1.root.json").read_bytes(), world.root.raw, ("acme/door-1",), now)
    with ThreadPoolExecutor(12) as pool:
        both = [one for pair in zip(sent, raced * 3, strict=True) for one in pair]
        answers = [pool.submit(send, store, one) for one in both]
        while not all(each.done() for each in answers):
            reader.look()
    entries = [proven(store, each.result(), one) for each, one in zip(answers[::2], sent, strict=True)]
    newest = reader.look().entry.sequence
    assert (max(entries) <= newest, check_whole(store)) == (True, newest)
    # PB-1: of many versions of one subject each that was refused came after a higher one.
    raced_for = [each.result() for each in answers[1::2]]
    assert {answer.problem()["rule"] for answer in raced_for if answer.status != 200} <= {"FL-1"}
    assert raced_for[-1].status == 200
    for _ in range(2 * WORKERS):
        assert store.get("/v1/heads/model/1/acme/raced").body == raced[-1].raw


def test_every_process_shows_what_any_has_published(store: RunningStore) -> None:
    """PB-3, AN-2: heads, proofs and answers of a process that had older tiles, views and answers in its memory."""
    world = store.world
    for number in range(2, 8):
        image = b"image %d" % number
        store.publish(next_software(world, image, number), [image])
        heads = {store.get("/v1/heads/release/1/acme/tool/latest/stable").body for _ in range(2 * WORKERS)}
        assert heads == {world.signed(world.release(number)).raw}
        answers = {store.get("/v1/answers/acme/door-1").body for _ in range(2 * WORKERS)}
        assert len(answers) == 1
    assert check_whole(store) == 8
    # HT-3: PostgreSQL takes no NUL in a text; a name with one is like any that is not here.
    assert store.get("/v1/heads/model/1/acme/a%00b").status == 404
    assert store.get("/v1/answers/acme/a%00b").status == 404


@pytest.mark.timeout(180)
def test_a_database_that_is_crashed_and_restarted_loses_nothing_that_was_acknowledged(
    store: RunningStore, server: PostgresServer
) -> None:
    """PB-3: until it is back the store says 503 and when to ask again; the same publication then succeeds."""
    world = store.world
    said: list[Answer] = []

    def insist(one: Envelope) -> Answer:
        deadline = time.monotonic() + RETRY_SECONDS
        while (answer := send(store, one)).status == 503 and time.monotonic() < deadline:
            said.append(answer)
            time.sleep(0.1)
        return answer

    sent = [world.signed(world.model(f"c-{number}")) for number in range(60)]
    with ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(insist, one) for one in sent]
        while sum(each.done() for each in answers) < 10:
            time.sleep(0.01)
        server.stop(signal.SIGQUIT)
        away = store.get("/v1/heads/model/1/acme/door-1")
        assert (away.status, away.problem()["detail"]) == (503, "the store's database does not answer")
        assert int(away.headers["retry-after"]) > 0
        server.start()
    entries = [proven(store, each.result(), one) for each, one in zip(answers, sent, strict=True)]
    assert all(answer.headers["retry-after"] for answer in said)
    assert check_whole(store) >= max(entries)
