"""Publications that arrive together share an entry; each is judged, answered and refused by itself (SPEC PB-10)."""

import http.client
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import event, func, select, update
from sqlalchemy.exc import OperationalError

from sealring.authentic import read_claim
from sealring.command.receipt import Receipt, verify_receipt
from sealring.command.tuf_files import load_tuf_root
from sealring.envelope import Envelope, parse_envelope
from sealring.errors import SealringError, TrustError
from sealring_server.catalogue import last_entry
from sealring_server.group import Ticket
from sealring_server.held import Held
from sealring_server.here import open_store
from sealring_server.making import TufPinned
from sealring_server.publication import Opened, open_publication, publish_at_once
from sealring_server.receipt import Published, receipt
from sealring_server.schema import heads, publications, statements
from sealring_server.terms import Terms
from sealring_server.together import Publication, Waiting, commit_together
from sealring_server.uploading import add_to_upload
from sealring_server.uploads import Uploads
from tests.oracle import check_store
from tests.rigs.store.reader import Reader
from tests.stores import RunningStore, ask, first_software, next_software, now, running_store
from tests.unit.server.conftest import Shop, bundle
from tests.unit.server.test_crash import killed_at
from tests.world import World, key_set, sign


def waiting(*statements: Envelope, terms: Terms | None = None, uploads: Uploads | None = None) -> Waiting:
    """A publication of these that waits to be committed."""
    return Ticket(Publication([read_claim(one.raw) for one in statements], terms or Terms(), uploads), len(statements))


def outcome(ticket: Waiting) -> Published | Exception:
    """What its publisher gets."""
    try:
        return ticket.outcome()
    except Exception as err:  # noqa: BLE001 - what it got is what is looked at
        return err


def rule(ticket: Waiting) -> str:
    """The rule that refused it; empty where it was published."""
    found = outcome(ticket)
    assert isinstance(found, Published | SealringError), found
    return found.rule if isinstance(found, SealringError) else ""


def checked(shop: Shop, ticket: Waiting, *statements: Envelope) -> Receipt:
    """What the publisher's receipt proves, its signatures checked too."""
    root = load_tuf_root(shop.folder / "1.root.json")
    claims = [read_claim(one.raw) for one in statements]
    return verify_receipt(receipt(shop.here, ticket.outcome()), claims, root, shop.at)


@pytest.fixture
def first(shop: Shop) -> Shop:
    """A store with one installation's worth; its newest entry is number 2."""
    shop.first()
    return shop


def models(world: World, *names: str) -> list[Envelope]:
    return [world.signed(world.model(name)) for name in names]


def test_three_share_one_entry_and_each_gets_its_own_proof(first: Shop) -> None:
    """PB-10, PB-8: one entry, one set of TUF files; a receipt proves what its own publisher sent."""
    sent = models(first.world, "a", "b", "c")
    tickets = [waiting(one) for one in sent]
    commit_together(first.here, tickets)
    assert {checked(first, ticket, one).entry.sequence for ticket, one in zip(tickets, sent, strict=True)} == {3}
    assert len({ticket.outcome().keys[0] for ticket in tickets}) == 3
    with pytest.raises(TrustError) as caught:
        checked(first, tickets[0], sent[1])
    assert caught.value.rule == "PB-8"
    assert first.check().entry == 3


def test_a_refusal_rolls_back_its_own_statements_and_nothing_else(first: Shop) -> None:
    """PB-10: the attack: a publication with a good statement and a bad one, between two that are good."""
    world = first.world
    good, other = models(world, "a", "b")
    forged = sign(world.model("c"), *world.brand_keys("evil")[:2])
    tickets = [waiting(good), waiting(*models(world, "mine"), forged), waiting(other), waiting(good)]
    commit_together(first.here, tickets)
    assert [rule(ticket) for ticket in tickets] == ["", "TH-1", "", ""]
    found = first.check()
    assert found.entry == 3
    assert {subject for kind, subject in found.heads if kind == "model"} == {"acme/door-1", "acme/a", "acme/b"}
    assert checked(first, tickets[3], good).entry.sequence == 3


def test_each_is_judged_after_those_before_it(first: Shop) -> None:
    """PB-10: a release whose revision comes in the publication before it, and one whose brand was just taken over."""
    world = first.world
    revision, release = next_software(world, b"image 1", 2)
    commit_together(first.here, tickets := [waiting(revision), waiting(release)])
    assert [rule(ticket) for ticket in tickets] == ["", ""]
    assert first.check().entry == 3
    revision, release = next_software(world, b"image 1", 3)
    commit_together(first.here, tickets := [waiting(release), waiting(revision)])
    assert [rule(ticket) for ticket in tickets] == ["PB-6", ""]


def test_two_versions_of_one_subject_get_entries_of_their_own(first: Shop) -> None:
    """PB-8: in one entry the later would hide the earlier, whose publisher could then be given no proof."""
    world = first.world
    two, three = (world.signed(world.model(sequence=number)) for number in (2, 3))
    other = models(world, "a")[0]
    tickets = [waiting(two), waiting(three), waiting(other)]
    commit_together(first.here, tickets)
    assert [ticket.is_settled for ticket in tickets] == [True, False, False]
    commit_together(first.here, tickets[1:])
    entries = [checked(first, t, one).entry.sequence for t, one in zip(tickets, (two, three, other), strict=True)]
    assert entries == [3, 4, 4]
    assert first.check().heads["model", "acme/door-1"] == 3


def test_a_lower_version_after_a_higher_one_is_refused_as_ever(first: Shop) -> None:
    """PB-10, FL-1: the order in which they came decides; what is refused puts nobody off."""
    world = first.world
    two, three = (world.signed(world.model(sequence=number)) for number in (2, 3))
    tickets = [waiting(three), waiting(two), waiting(*models(world, "a"))]
    commit_together(first.here, tickets)
    assert [rule(ticket) for ticket in tickets] == ["", "FL-1", ""]
    assert first.check().entry == 3


def test_the_same_twice_and_a_counter_signature_share_an_entry(first: Shop) -> None:
    """PB-10, PB-4: the second is no news; one with another signature of the same id is, and nothing is lost."""
    world = first.world
    a, b, c = world.brand_keys("acme")
    one, more = sign(world.model("a"), a, b), sign(world.model("a"), b, c)
    tickets = [waiting(one), waiting(one), waiting(more)]
    commit_together(first.here, tickets)
    assert {checked(first, ticket, one).entry.sequence for ticket in tickets} == {3}
    with first.here.database.reading() as connection:
        raw = connection.exec_driver_sql(
            "SELECT raw FROM statements JOIN heads USING (envelope) WHERE heads.subject = 'acme/a'"
        ).scalar_one()
    assert set(parse_envelope(raw).signatures) == {a.id, b.id, c.id}
    first.check()


def test_what_is_no_news_gets_a_receipt_and_no_entry(first: Shop) -> None:
    """PB-8: whoever lost the answer asks again; with others it shares their entry, alone it gets the one that is."""
    world = first.world
    known = first.store_statement()
    commit_together(first.here, [again := waiting(world.signed(known))])
    assert checked(first, again, world.signed(known)).entry.sequence == 2
    commit_together(first.here, [again := waiting(world.signed(known)), waiting(*models(world, "a"))])
    assert checked(first, again, world.signed(known)).entry.sequence == 3


def test_the_same_image_uploaded_by_both_is_kept_once(first: Shop) -> None:
    """PB-2, PB-3: two publications bring one image; one file, one row, and neither upload is left over."""
    world, image = first.world, b"image both"
    digest = sha256(image).hexdigest()
    statements = [next_software(world, image, 2), [world.signed(world.revision(3, image))]]
    tickets = []
    for sent in statements:
        opened = open_publication(first.here, bundle(sent))
        add_to_upload(first.here, opened.token, digest, 0, BytesIO(image))
        tickets.append(waiting(*sent, uploads=Uploads(sha256(opened.token.encode()).hexdigest())))
    commit_together(first.here, tickets)
    assert [rule(ticket) for ticket in tickets] == ["", ""]
    assert digest in first.check().blobs
    assert not list((first.folder / "blobs" / "incoming").iterdir())


def test_of_two_images_for_one_revision_the_first_is_taken(first: Shop) -> None:
    """PB-5, FL-3: the second is judged after the first, in the same transaction; its upload stays its own."""
    world = first.world
    tickets = []
    for image in (b"image one", b"image two"):
        sent = [world.signed(world.revision(2, image))]
        opened = open_publication(first.here, bundle(sent))
        add_to_upload(first.here, opened.token, sha256(image).hexdigest(), 0, BytesIO(image))
        tickets.append(waiting(*sent, uploads=Uploads(sha256(opened.token.encode()).hexdigest())))
    commit_together(first.here, tickets)
    assert [rule(ticket) for ticket in tickets] == ["", "FL-3"]
    found = first.check()
    assert (sha256(b"image one").hexdigest() in found.blobs) is True
    assert (sha256(b"image two").hexdigest() in found.blobs) is False


def test_the_tally_of_subjects_is_what_a_count_gives(first: Shop) -> None:
    """PB-7: new subjects, new versions, what is published again, and what is rolled back."""
    world = first.world
    refused = [*models(world, "mine"), sign(world.model("c"), *world.brand_keys("evil")[:2])]
    again = world.signed(world.model(sequence=2))
    two = [world.signed(world.model("b", sequence=number)) for number in (1, 2)]
    serial = world.signed(world.serial(world.key("device").public))
    tickets = [waiting(again, serial), waiting(*refused), waiting(again), waiting(*two), waiting(two[1])]
    commit_together(first.here, tickets)
    assert [rule(ticket) for ticket in tickets] == ["", "TH-1", "", "", ""]
    with first.here.database.reading() as connection:
        counted = select(func.count()).where(heads.c.type.not_in(["root", "brand"]))
        assert Held(connection).count("acme") == connection.scalar(counted) == 6
        assert Held(connection).count("root") == Held(connection).count("evil") == 0
    first.check()


def test_a_publication_committed_twice_at_once_is_committed_once(first: Shop) -> None:
    """PB-3, PB-7: the same token in one group: the second finds it gone."""
    world, image = first.world, b"image 2"
    sent = next_software(world, image, 2)
    opened = open_publication(first.here, bundle(sent))
    add_to_upload(first.here, opened.token, sha256(image).hexdigest(), 0, BytesIO(image))
    owner = sha256(opened.token.encode()).hexdigest()
    tickets = [waiting(*sent, uploads=Uploads(owner)) for _ in range(2)]
    commit_together(first.here, tickets)
    assert [rule(ticket) for ticket in tickets] == ["", "PB-7"]
    assert first.check().entry == 3


def test_a_cut_is_judged_by_what_the_group_has_done_so_far(first: Shop) -> None:
    """PB-9: new keys whose counter-signatures come with the publication before them in the same group."""
    world = first.world
    new = world.brand_keys("acme", 2)
    brand = world.brand(sequence=2, keys=key_set(2, *new))
    rotated = sign(brand, *world.brand_role, *world.brand_keys("acme")[:2], *new[:2])
    commit_together(first.here, tickets := [waiting(rotated), waiting(*models(world, "a"))])
    assert [rule(ticket) for ticket in tickets] == ["PB-9", ""]
    commit_together(first.here, tickets := [waiting(rotated, terms=Terms(cut=True)), waiting(*models(world, "b"))])
    assert [rule(ticket) for ticket in tickets] == ["", "TH-1"]
    first.check(lapsed=True)


@pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
def test_a_full_disk_is_told_to_all_and_nothing_is_visible(first: Shop) -> None:
    """PB-10: what stops the shared part stops all of it; when there is room again, the same publications succeed."""
    engine, before = first.here.database.engine, first.check()
    sent = models(first.world, "a", "b")

    def bound(connection: object, _record: object) -> None:
        connection.execute("PRAGMA max_page_count=1").close()  # type: ignore[attr-defined]

    engine.dispose()
    event.listen(engine, "connect", bound)
    tickets = [waiting(one) for one in sent]
    for ticket in tickets:
        with pytest.raises(OperationalError, match="full"):
            first.here.group.share(ticket.job, 1, lambda found: commit_together(first.here, found))
    with pytest.raises(OperationalError, match="full"):
        commit_together(first.here, tickets)
    assert not any(ticket.is_settled for ticket in tickets)
    assert first.check() == before
    event.remove(engine, "connect", bound)
    engine.dispose()
    commit_together(first.here, tickets)
    assert [rule(ticket) for ticket in tickets] == ["", ""]
    assert first.check().entry == 3


def test_a_rule_on_the_whole_refuses_the_one_that_breaks_it(first: Shop) -> None:
    """PB-10: a release rotted on the disk, and a new model's view needs it: what came with that model is published."""
    with first.here.database.writing() as connection:
        connection.execute(update(statements).where(statements.c.type == "release").values(raw=b"\0"))
    revision = first.world.signed(first.world.revision(9, b"image 1"))
    tickets = [waiting(*models(first.world, "b")), waiting(revision)]
    commit_together(first.here, tickets)
    assert isinstance(outcome(tickets[0]), SealringError)
    assert rule(tickets[1]) == ""
    with first.here.database.reading() as connection:
        assert not Held(connection).current("model", "acme/b")
        assert last_entry(connection).sequence == 3


def test_a_key_that_is_gone_is_told_to_all_and_nothing_is_visible(first: Shop) -> None:
    """PB-10, TF-2: the timestamp's key can't be opened; with it back, the same publications succeed."""
    before, folder = first.check(), first.folder / "keys"
    folder.rename(first.folder / "away")
    first.here = open_store(first.folder, lambda: first.at)
    tickets = [waiting(one) for one in models(first.world, "a", "b")]
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the key's library says
        commit_together(first.here, tickets)
    assert not any(ticket.is_settled for ticket in tickets)
    assert first.check() == before
    (first.folder / "away").rename(folder)
    first.here = open_store(first.folder, lambda: first.at)
    commit_together(first.here, again := [waiting(one) for one in models(first.world, "a", "b")])
    assert [rule(ticket) for ticket in again] == ["", ""]


def test_at_once_opens_nothing_where_no_image_is_missing(first: Shop) -> None:
    """PB-10: one request, one entry, no row of an open publication; with a missing image it is opened as before."""
    world = first.world
    raw = publish_at_once(first.here, bundle(models(world, "a")))
    assert isinstance(raw, bytes)
    assert first.check().entry == 3
    opened = publish_at_once(first.here, bundle(next_software(world, b"image 2", 2)))
    assert isinstance(opened, Opened)
    assert opened.missing == ((sha256(b"image 2").hexdigest(), 7),)
    with first.here.database.reading() as connection:
        assert len(connection.execute(select(publications.c.token)).all()) == 1
    assert first.check().entry == 3


def test_at_once_refuses_as_ever(first: Shop) -> None:
    """PB-1, PB-10: nothing is opened for a stranger, nor for what a rule refuses."""
    world = first.world
    forged = sign(world.revision(2, b"image 2"), *world.brand_keys("evil")[:2])
    for sent, refusal in (([forged], "TH-1"), ([world.signed(world.release(9))], "PB-6"), ([], "PB-2")):
        with pytest.raises(TrustError) as caught:
            publish_at_once(first.here, bundle(sent))
        assert caught.value.rule == refusal
    assert first.check().entry == 2


def test_threads_that_publish_at_once_each_get_their_own(first: Shop) -> None:
    """PB-10: 16 threads, 20 publications each, one in five forged: all receipts prove, all refusals hit the forger."""
    world = first.world
    root = load_tuf_root(first.folder / "1.root.json")
    sent = {
        (thread, number): sign(
            world.model(f"m-{thread}-{number}"), *world.brand_keys("evil" if number % 5 == 4 else "acme")[:2]
        )
        for thread in range(16)
        for number in range(20)
    }

    def run(thread: int) -> list[str]:
        wrong = []
        for number in range(20):
            one = sent[thread, number]
            try:
                raw = publish_at_once(first.here, bundle([one]))
                assert isinstance(raw, bytes)
                verify_receipt(raw, [read_claim(one.raw)], root, first.at)
                wrong += ["published"] if number % 5 == 4 else []
            except TrustError as err:
                wrong += [] if (err.rule, number % 5) == ("TH-1", 4) else [str(err)]
        return wrong

    with ThreadPoolExecutor(16) as pool:
        assert [wrong for found in pool.map(run, range(16)) for wrong in found] == []
    found = first.check()
    assert sum(1 for kind, _ in found.heads if kind == "model") == 1 + 16 * 16
    assert found.entry < 2 + 16 * 16


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunningStore]:
    """A store with one installation's worth, served by two processes of sixteen threads each."""
    world = World(at=now())
    with running_store(world, tmp_path / "store", workers=2) as running:
        running.publish(first_software(world, running, b"image 1"), [b"image 1"])
        yield running


def sent_to(store: RunningStore, one: Envelope) -> Receipt:
    """What the receipt proves of a statement that was published over HTTP in one request."""
    answer = ask(store.url, "/v1/publications?commit=yes", "POST", bundle([one]))
    assert answer.status == 200, answer.body
    root = load_tuf_root(store.folder / "1.root.json")
    return verify_receipt(answer.body, [read_claim(one.raw)], root, now())


def test_a_served_store_shares_entries_and_shows_nothing_by_halves(store: RunningStore) -> None:
    """PB-10, TF-2: publishers at once, and a reader that verifies every state that it is shown meanwhile."""
    world = store.world
    sent = [world.signed(world.model(f"m-{number}")) for number in range(80)]
    reader = Reader(store.url, (store.folder / "1.root.json").read_bytes(), world.root.raw, ("acme/door-1",), now)
    with ThreadPoolExecutor(12) as pool:
        receipts = [pool.submit(sent_to, store, one) for one in sent]
        while not all(each.done() for each in receipts):
            reader.look()
    entries = [each.result().entry.sequence for each in receipts]
    assert len(set(entries)) < len(sent)
    assert max(entries) == reader.look().entry.sequence == check_store(store.folder).entry


@pytest.mark.parametrize(
    ("call", "number"),
    [
        pytest.param("pwrite64", 3, id="a page of the first group"),
        pytest.param("pwrite64", 40, id="a page of a later group"),
        pytest.param("fdatasync", 1, id="the sync of the first group"),
        pytest.param("fdatasync", 2, id="the sync of a later group"),
    ],
)
def test_killed_among_publishers_all_that_was_acknowledged_is_there(
    template: RunningStore, tmp_path: Path, call: str, number: int
) -> None:
    """PB-3, PB-10: the attack: power goes while a group is written; no receipt is about what is lost."""
    folder = tmp_path / "store"
    shutil.copytree(template.folder, folder)
    world = template.world
    store = RunningStore(world, folder, TufPinned(*template.pin))
    store.set_clock(world.at)
    store.start(threads=8)
    try:
        store.publish(first_software(world, store, b"image 1"), [b"image 1"])
        sent = [world.signed(world.model(f"m-{each}")) for each in range(60)]
        with killed_at(store, call, number), ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda one: _answer(store, one), sent))
    finally:
        store.kill()
    found = check_store(folder)
    acknowledged = {f"acme/m-{each}" for each, answer in enumerate(answers) if answer}
    assert len(acknowledged) < len(sent)
    assert acknowledged <= {subject for kind, subject in found.heads if kind == "model"}


def _answer(store: RunningStore, one: Envelope) -> bool:
    """Whether the publisher got a receipt."""
    try:
        return ask(store.url, "/v1/publications?commit=yes", "POST", bundle([one])).status == 200
    except (OSError, http.client.HTTPException):
        return False
