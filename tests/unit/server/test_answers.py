"""One answer for all that a check asks (SPEC AN-1, AN-2, AN-4)."""

import gzip
import json
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import product

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from sealring.bundle import (
    Entry,
    PathEntry,
    ProofEntry,
    StatementEntry,
    TufEntry,
    ViewDifferenceEntry,
    ViewEntry,
    read_bundle,
)
from sealring.catalogue.entry import CatalogueEntry, parse_entry
from sealring.catalogue.follows import verify_entry
from sealring.catalogue.proof import verify_proof
from sealring.catalogue.view import View, verify_view, view_key
from sealring.catalogue.view_difference import apply_difference, parse_view_difference
from sealring.chain import Chain, begin_with_root, read_claim
from sealring.envelope import Envelope
from sealring_server import views
from sealring_server.answer_cache import OVERHEAD, AnswerCache, Packed
from sealring_server.answer_parts import answer
from sealring_server.answer_question import BadQuestion, Question, TufVersions, parse_question
from sealring_server.app import create_app
from sealring_server.catalogue import last_entry
from tests.stores import RunningStore, next_software
from tests.unit.server.conftest import Shop
from tests.world import sign

MODEL = "acme/door-1"
PATH = f"/v1/answers/{MODEL}"
VIEW = "ab" * 32


@dataclass
class Seen:
    """What a device had after one publication."""

    entry: CatalogueEntry
    view: View
    tuf: dict[str, bytes]
    """TUF files by role."""

    @property
    def versions(self) -> str:
        """As the question spells them."""
        roles = ("root", "timestamp", "snapshot", "targets")
        return ".".join(str(json.loads(self.tuf[role])["signed"]["version"]) for role in roles)


@dataclass
class Past:
    """A store, and what a device could have seen of it at each of its entries."""

    shop: Shop
    client: FlaskClient
    seen: list[Seen] = field(default_factory=list)
    envelopes: dict[str, bytes] = field(default_factory=dict)
    collected: View | None = None

    def publish(self, statements: Sequence[Envelope], images: Sequence[bytes] = ()) -> None:
        """One more entry."""
        self.shop.publish(statements, images)
        self.envelopes.update({one.digest: one.raw for one in statements})
        with self.shop.here.database.reading() as connection:
            entry, view = last_entry(connection), views.current_view(connection, MODEL)
        assert view is not None
        known = json.loads(self.get("/tuf/timestamp.json").data)["signed"]["meta"]["snapshot.json"]["version"]
        snapshot = self.get(f"/tuf/{known}.snapshot.json").data
        targets = json.loads(snapshot)["signed"]["meta"]["targets.json"]["version"]
        files = {"root": "/tuf/1.root.json", "timestamp": "/tuf/timestamp.json"}
        files |= {"snapshot": f"/tuf/{known}.snapshot.json", "targets": f"/tuf/{targets}.targets.json"}
        self.seen.append(Seen(entry, view, {role: self.get(path).data for role, path in files.items()}))

    def get(self, path: str, **headers: str) -> TestResponse:
        """One GET."""
        return self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def grow(shop: Shop) -> Past:
    """A store with seven entries: two roots, two brands, three releases, and an entry that is not this model's."""
    world, past = shop.world, Past(shop, create_app(shop.here).test_client())
    first = [world.signed(s) for s in (world.brand(), world.model(), shop.store_statement())]
    past.publish([*first, *next_software(world, b"image 1", 1)], [b"image 1"])
    past.publish([sign(world.root_statement(sequence=2), *world.root_keys[:2])])
    past.publish(next_software(world, b"image 2", 2), [b"image 2"])
    past.publish([world.signed(world.brand(sequence=2))])
    past.publish([world.signed(world.model("door-2"))])
    past.publish(next_software(world, b"image 3", 3), [b"image 3"])
    past.publish([world.signed(world.revocations(1, ("revision acme/tool/1/amd64", "keep")))])
    past.envelopes[world.root.digest] = world.root.raw
    with shop.here.database.writing() as connection:
        views.collect(connection, past.seen[1].entry.sequence + 1)
    past.collected = past.seen[0].view
    return past


@pytest.fixture(scope="module")
def past(template: RunningStore, tmp_path_factory: pytest.TempPathFactory) -> Past:
    """One such store for all tests that only ask."""
    folder = tmp_path_factory.mktemp("answers") / "store"
    shutil.copytree(template.folder, folder)
    return grow(Shop(template.world, folder, template.pin, template.world.at))


@dataclass
class Device:
    """What one device holds; it takes an answer with the verifying core alone."""

    past: Past
    root: int = 0
    brand: int = 0
    tuf: Seen | None = None
    entry: CatalogueEntry | None = None
    view: View | str | None = None
    """A view that it holds, or the digest of one that nobody knows."""

    @property
    def query(self) -> str:
        """AN-1's spelling of it."""
        digest = self.view.digest.hex() if isinstance(self.view, View) else self.view
        members = {
            "root": self.root,
            "brands": f"acme.{self.brand}" if self.brand else "",
            "tuf": self.tuf.versions if self.tuf else "",
            "entry": self.entry.sequence if self.entry else 0,
            "view": digest or "",
        }
        return "&".join(f"{name}={value}" for name, value in members.items() if value)

    def take(self, parts: Sequence[Entry]) -> View:
        """The view that it reaches: nothing but the answer and what it holds is used."""
        said = [entry.envelope for entry in parts if isinstance(entry, StatementEntry)]
        assert len(set(said)) == len(said), "a statement stands twice"
        held = [self.past.envelopes[d] for d in listed(self.view)] if isinstance(self.view, View) else []
        chain = self._walk([*held, *said])
        entry = self._entry(parts)
        view = self._view(parts, entry)
        assert listed(view) <= {sha256(raw).hexdigest() for raw in (*said, *held)}
        assert chain.root.statement.sequence == max(int(s) for kind, _, s in view.heads if kind == "root")
        assert chain.brands["acme"].statement.sequence == view.heads["brand", 1, "acme"].sequence
        return view

    def _walk(self, said: Sequence[bytes]) -> Chain:
        world = self.past.shop.world
        claims = [read_claim(raw) for raw in said]
        held = [read_claim(raw) for raw in list(self.past.envelopes.values())]  # others may be publishing
        roots = [c for c in held if c.statement.type == "root" and c.statement.sequence <= max(self.root, 1)]
        brands = [c for c in held if c.statement.type == "brand" and c.statement.sequence <= self.brand]
        chain = Chain(begin_with_root(world.root.raw))
        for claim in sorted(
            {c.envelope.raw: c for c in (*roots, *claims)}.values(), key=lambda c: c.statement.sequence
        ):
            if claim.statement.type == "root" and claim.statement.sequence > chain.root.statement.sequence:
                chain = chain.with_root(claim.envelope.raw)
        walk = {c.statement.sequence: c.envelope.raw for c in (*brands, *claims) if c.statement.type == "brand"}
        return chain.with_brand([walk[sequence] for sequence in sorted(walk)])

    def _entry(self, parts: Sequence[Entry]) -> CatalogueEntry:
        """TF-5 by length, digest and version; the signatures are the business of a TUF client."""
        files = {entry.name: entry.data for entry in parts if isinstance(entry, TufEntry)}
        held = {role: json.loads(raw)["signed"] for role, raw in (self.tuf.tuf if self.tuf else {}).items()}
        stamp = json.loads(files["timestamp.json"])["signed"] if "timestamp.json" in files else held["timestamp"]
        above, made = stamp, ["timestamp.json"]
        for role in ("snapshot", "targets"):
            version = above["meta"][f"{role}.json"]["version"]
            name = f"{version}.{role}.json"
            made.append(name)
            above = json.loads(files[name])["signed"] if name in files else held[role]
            assert above["version"] == version
        digest = above["targets"]["catalogue.json"]["hashes"]["sha256"]
        raw = files.get(f"targets/{digest}.catalogue.json")
        roots = [name for name in files if name.endswith(".root.json")]
        assert set(files) <= {*made, *roots, f"targets/{digest}.catalogue.json"}, "files of another state"
        assert roots == ([] if self.tuf else ["1.root.json"])
        if raw is None:
            assert self.entry is not None
            raw = self.entry.raw
        assert sha256(raw).hexdigest() == digest
        paths = {entry.sequence: entry for entry in parts if isinstance(entry, PathEntry)}
        found = parse_entry(raw)
        if self.entry is None:
            assert not paths
            return verify_entry(raw, root=found.root, held=None)
        path = paths.get(self.entry.sequence)
        assert path is None or path.under == found.sequence
        return verify_entry(raw, root=found.root, held=self.entry, path=path.path if path else b"")

    def _view(self, parts: Sequence[Entry], entry: CatalogueEntry) -> View:
        (proof,) = [found for found in parts if isinstance(found, ProofEntry)]
        key = view_key(entry.root, MODEL)
        assert (proof.root, proof.keys) == (entry.map, (key,))
        head = verify_proof(proof.proof, entry.map, [key]).present[key]
        raw = self.view.raw if isinstance(self.view, View) else b""
        for found in parts:
            if isinstance(found, ViewEntry):
                raw = found.data
            if isinstance(found, ViewDifferenceEntry):
                assert isinstance(self.view, View)
                assert found.base == self.view.digest
                raw = apply_difference(self.view, parse_view_difference(found.data), found.to).raw
        return verify_view(raw, head, root=entry.root, model=MODEL)


def listed(view: View) -> set[str]:
    """Digests of what a view lists."""
    return {head.envelope.hex() for head in view.heads.values()}


def parts_of(answer: TestResponse) -> tuple[Entry, ...]:
    """What a good answer holds."""
    assert answer.status_code == 200, answer.data[:300]
    assert answer.content_type == "application/vnd.sealring.bundle"
    return read_bundle(answer.data)


ROOTS, BRANDS, TUFS = (0, 1, 2), (0, 1, 2), (None, 5, 6)
ENTRIES = (None, 0, 5, 6)
VIEWS = ("none", "unknown", "collected", "older", "the one before", "newest")


def view_held(past: Past, name: str) -> View | str | None:
    """The view of this name."""
    named = {"collected": past.collected, "older": past.seen[2].view, "unknown": VIEW, "newest": past.seen[-1].view}
    return {**named, "the one before": past.seen[-2].view, "none": None}[name]


@pytest.mark.parametrize("name", VIEWS)
def test_whatever_a_device_holds_the_answer_takes_it_to_the_newest_view(past: Past, name: str) -> None:
    """AN-2: by verification alone, from every combination of what it may hold."""
    for root, brand, tuf, entry in product(ROOTS, BRANDS, TUFS, ENTRIES):
        device = Device(past, root, brand, view=view_held(past, name))
        device.tuf = None if tuf is None else past.seen[tuf]
        device.entry = None if entry is None else past.seen[entry].entry
        parts = parts_of(past.get(f"{PATH}?{device.query}" if device.query else PATH))
        assert device.take(parts).raw == past.seen[-1].view.raw, device.query


def test_who_lacks_nothing_gets_a_proof_and_what_is_his_in_any_case(past: Past) -> None:
    """AN-2: a device that has all of the newest state is told nothing that it has."""
    newest = past.seen[-1]
    device = Device(past, 2, 2, newest, newest.entry, newest.view)
    (proof,) = parts_of(past.get(f"{PATH}?{device.query}"))
    assert isinstance(proof, ProofEntry)


def test_of_a_named_view_only_what_is_new_is_sent(past: Past) -> None:
    """AN-2: the statements that the newest view has and the named one has not, and the difference of the two."""
    for held in past.seen[2:-1]:
        device = Device(past, 2, 2, past.seen[-1], past.seen[-1].entry, held.view)
        parts = parts_of(past.get(f"{PATH}?{device.query}"))
        said = {sha256(one.envelope).hexdigest() for one in parts if isinstance(one, StatementEntry)}
        assert said == listed(past.seen[-1].view) - listed(held.view)
        assert [type(one) for one in parts if not isinstance(one, StatementEntry | ProofEntry)] == [ViewDifferenceEntry]


@pytest.mark.parametrize("name", ["none", "unknown", "collected"])
def test_of_a_view_that_is_not_known_the_whole_view_is_sent(past: Past, name: str) -> None:
    """AN-2, MP-6: a view that was collected, or was never this store's, costs bytes and nothing else."""
    device = Device(past, view=view_held(past, name))
    parts = parts_of(past.get(f"{PATH}?{device.query}"))
    assert ViewEntry(past.seen[-1].view.raw) in parts
    assert not [one for one in parts if isinstance(one, ViewDifferenceEntry)]


def test_views_that_nobody_knows_fill_no_memory(past: Past) -> None:
    """AN-2: a stranger who names one after the other gets the answer that is there already."""
    app = create_app(past.shop.here)
    client, cache = app.test_client(), app.extensions["sealring answers"]
    expected, held = client.get(PATH).data, cache.held
    for number in range(20):
        assert client.get(f"{PATH}?view={sha256(b'%d' % number).hexdigest()}").data == expected
    assert cache.held == held


def test_the_view_of_another_model_is_no_base(past: Past) -> None:
    """AN-2: its digest is known, and no difference leads from it."""
    with past.shop.here.database.reading() as connection:
        other = views.current_view(connection, "acme/door-2")
    assert other is not None
    parts = parts_of(past.get(f"{PATH}?view={other.digest.hex()}"))
    assert ViewEntry(past.seen[-1].view.raw) in parts


def test_what_an_answer_holds_is_what_each_path_answers(past: Past) -> None:
    """AN-3: byte for byte; so that a device may take either for the other."""
    queries = ("", "root=1&brands=acme.1&entry=3", f"entry=6&view={past.seen[2].view.digest.hex()}")
    for query in queries:
        for one in parts_of(past.get(f"{PATH}?{query}" if query else PATH)):
            assert past.get(path_of(one)).data == bytes_of(past, one), path_of(one)


def path_of(one: Entry) -> str:
    """Where this part has its own path."""
    match one:
        case StatementEntry(envelope):
            return f"/v1/statements/{sha256(envelope).hexdigest()}"
        case TufEntry(name, _):
            return f"/tuf/{name}"
        case ViewEntry(data):
            return f"/v1/views/{sha256(data).hexdigest()}"
        case ViewDifferenceEntry(_, to, _):
            return f"/v1/views/{to.hex()}"
        case ProofEntry(root, keys, _):
            return f"/v1/proofs/{root.hex()}/{','.join(key.hex() for key in keys)}"
        case PathEntry(under, sequence, _):
            return f"/v1/log/{under - 1}/{sequence - 1}"
    raise AssertionError("an image in an answer")


def bytes_of(past: Past, one: Entry) -> bytes:
    """What that path answers, if the part is right."""
    match one:
        case StatementEntry(raw) | TufEntry(_, raw) | ViewEntry(raw) | ProofEntry(_, _, raw) | PathEntry(_, _, raw):
            return raw
        case ViewDifferenceEntry(base, to, data):
            (held,) = [seen.view for seen in past.seen if seen.view.digest == base][:1]
            return apply_difference(held, parse_view_difference(data), to).raw
    raise AssertionError("an image in an answer")


def test_roots_and_versions_of_brands_come_one_by_one(past: Past) -> None:
    """AN-2: a device that was off for long walks them; each once, though the view names the newest again."""
    parts = parts_of(past.get(f"{PATH}?root=1&brands=acme.1"))
    claims = [read_claim(one.envelope).statement for one in parts if isinstance(one, StatementEntry)]
    walked = [(one.type, one.sequence) for one in claims if one.type in ("root", "brand")]
    assert walked == [("root", 2), ("brand", 2)]
    assert [(one.type, one.sequence) for one in claims[:2]] == walked


def test_a_brand_that_nobody_knows_adds_nothing(past: Past) -> None:
    """AN-1: names are only ever looked up."""
    assert parts_of(past.get(f"{PATH}?brands=globex.7")) == parts_of(past.get(PATH))


def test_the_future_adds_nothing(past: Past) -> None:
    """AN-1: a device that has seen more than this store, or says so, gets what there is."""
    most = 2**53 - 1
    query = f"root={most}&brands=acme.{most}&tuf={most}.{most}.{most}.{most}&entry={most}"
    parts = parts_of(past.get(f"{PATH}?{query}"))
    assert not [one for one in parts if isinstance(one, PathEntry)]
    assert [one.name for one in parts if isinstance(one, TufEntry)] == [
        f"targets/{past.seen[-1].entry.digest.hex()}.catalogue.json"
    ]
    assert ViewEntry(past.seen[-1].view.raw) in parts


@pytest.mark.parametrize("model", ["acme/door-3", "globex/door-1", "acme/Door-1", "acme/..", "acme/" + "d" * 500])
def test_an_unknown_model_is_not_here(past: Past, model: str) -> None:
    """HT-3: 404 as for whatever is not there."""
    answer = past.get(f"/v1/answers/{model}")
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert past.get("/v1/answers/acme/door-1/").status_code == 404


# --- AN-1: one question has one spelling

GOOD = f"root=3&brands=acme.1,globex.12&tuf=1.20.0.7&entry=9&view={VIEW}"
HOSTILE = {
    "64 KiB": "root=" + "1" * 65_536,
    "64 KiB of members": "root=1&" * 9000,
    "another member": "serial=SN-1",
    "a member twice": "root=1&root=1",
    "a member twice, later": "root=1&entry=1&root=2",
    "another order": "entry=1&root=1",
    "view first": f"view={VIEW}&entry=1",
    "nothing after": "root=1&",
    "nothing before": "&root=1",
    "nothing between": "root=1&&entry=1",
    "no value": "root=",
    "no sign": "root",
    "zero": "root=0",
    "zeros before": "root=01",
    "a sign": "root=+1",
    "negative": "root=-1",
    "a blank": "root=%201",
    "escaped": "r%6fot=1",
    "escaped digit": "root=%31",
    "digits of another script": "root=\u0661",
    "wide digits": "root=\uff11",
    "a sequence too high": f"root={2**53}",
    "a number of 17 digits": "entry=" + "9" * 17,
    "an underscore": "entry=1_0",
    "an exponent": "entry=1e3",
    "brands descending": "brands=globex.1,acme.1",
    "a brand twice": "brands=acme.1,acme.2",
    "65 brands": "brands=" + ",".join(f"b{n:02d}.1" for n in range(65)),
    "a brand in capitals": "brands=Acme.1",
    "a brand without a number": "brands=acme",
    "a brand at zero": "brands=acme.0",
    "a brand too high": f"brands=acme.{2**53}",
    "a long brand": f"brands={'a' * 41}.1",
    "no brand": "brands=",
    "a comma too many": "brands=acme.1,",
    "a way out": "brands=../root.1",
    "three versions": "tuf=1.1.1",
    "five versions": "tuf=1.1.1.1.1",
    "versions of nothing": "tuf=0.0.0.0",
    "a version too high": f"tuf=1.1.1.{2**53}",
    "zeros before a version": "tuf=1.01.1.1",
    "a short digest": f"view={VIEW[1:]}",
    "a long digest": f"view={VIEW}a",
    "capitals": f"view={VIEW.upper()}",
    "a semicolon": "root=1;entry=1",
    "a line": "root=1%0A",
    "a byte of none": "root=1\x00",
}


@pytest.mark.parametrize("query", HOSTILE.values(), ids=HOSTILE.keys())
def test_any_other_spelling_of_a_question_is_refused(past: Past, query: str) -> None:
    """AN-1: or caches would be filled with copies of one answer, and a store could tell devices apart."""
    answer = past.get(f"{PATH}?{query}")
    assert answer.status_code == 400, answer.data[:200]
    assert answer.content_type == "application/problem+json"
    assert json.loads(answer.data)["rule"] == "AN-1"
    assert len(answer.data) < 1000
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_question_is_read_as_it_is_spelt() -> None:
    """AN-1: each member, all of them, none."""
    brands = (("acme", 1), ("globex", 12))
    assert parse_question(GOOD.encode()) == Question(3, brands, TufVersions(1, 20, 0, 7), 9, VIEW)
    assert parse_question(b"") == Question()
    assert parse_question(b"entry=9007199254740991") == Question(entry=2**53 - 1)
    longest = ",".join(f"{'a' * 37}-{n:02d}.{2**53 - 1}" for n in range(64))
    assert len(parse_question(f"brands={longest}".encode()).brands) == 64


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3))
def test_a_changed_question_is_another_one_or_none(at: int, put: bytes) -> None:
    """AN-1: no two spellings of one question; and nothing but a refusal, whatever the bytes."""
    raw = GOOD.encode()
    changed = raw[:at] + put + raw[at + 1 :]
    try:
        found = parse_question(changed)
    except BadQuestion:
        return
    assert (found == parse_question(raw)) == (changed == raw)


@given(st.binary(max_size=200))
def test_a_refusal_says_nothing_that_moves_a_cursor(raw: bytes) -> None:
    """AN-1, HT-3: what a stranger wrote stands in a log and on a terminal."""
    try:
        parse_question(raw)
    except BadQuestion as refused:
        words = f"{refused}{refused.hint()}"
    else:
        return
    assert words.isprintable()
    assert words.isascii()
    assert len(words) < 600


# --- AN-4, HT-2


def test_an_answer_comes_packed_to_who_asks_for_it(past: Past) -> None:
    """AN-4: the same bundle; and caches keep the two apart."""
    plain, packed = past.get(PATH), past.get(PATH, Accept_Encoding="br, gzip")
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert len(packed.data) < 0.6 * len(plain.data)
    for one in (plain, packed):
        assert one.headers["Vary"] == "Accept-Encoding"
        assert one.headers["Cache-Control"] == "max-age=60"
        assert not one.headers["ETag"].startswith("W/")
    assert plain.headers["ETag"] != packed.headers["ETag"]


@pytest.mark.parametrize("asked", ["", "identity", "br", "*", "gzip;q=0", "x-gzip2", "gzip;q=0.0, *"])
def test_an_answer_comes_plain_to_everybody_else(past: Past, asked: str) -> None:
    """AN-4: nothing is packed for who did not ask for it by name."""
    assert "Content-Encoding" not in past.get(PATH, Accept_Encoding=asked).headers


def test_who_has_the_answer_gets_304(past: Past) -> None:
    """HT-2: in each coding by its own ETag."""
    for coding in ("identity", "gzip"):
        known = past.get(PATH, Accept_Encoding=coding).headers["ETag"]
        again = past.get(PATH, Accept_Encoding=coding, If_None_Match=f'"other", {known}')
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", known)
        assert again.headers["Vary"] == "Accept-Encoding"
        other = "gzip" if coding == "identity" else "identity"
        assert past.get(PATH, Accept_Encoding=other, If_None_Match=known).status_code == 200


def test_head_says_what_get_would(past: Past) -> None:
    """HT-2: lengths and tags without a body."""
    for coding in ("identity", "gzip"):
        got = past.get(PATH, Accept_Encoding=coding)
        head = past.client.head(PATH, headers={"Accept-Encoding": coding})
        assert (head.status_code, head.data) == (200, b"")
        for name in ("ETag", "Content-Length", "Content-Type", "Vary"):
            assert head.headers[name] == got.headers[name]
    assert past.client.post(PATH).status_code == 405


def test_the_same_question_gives_the_same_bytes_in_every_process(past: Past) -> None:
    """AN-2: at one entry; what a process remembers makes no difference."""
    for query in ("", f"root=1&brands=acme.1&entry=3&view={past.seen[2].view.digest.hex()}"):
        for coding in ("identity", "gzip"):
            path = f"{PATH}?{query}" if query else PATH
            answers = {past.get(path, Accept_Encoding=coding).data for _ in range(2)}
            other = create_app(past.shop.here).test_client()
            answers.add(other.get(path, headers={"Accept-Encoding": coding}).data)
            assert len(answers) == 1


# --- AN-2: all of it belongs to one entry


def test_a_publication_is_in_the_next_answer(shop: Shop) -> None:
    """AN-2: an answer that is remembered ends with its entry, and with its timestamp."""
    shop.first()
    client = create_app(shop.here).test_client()
    before = client.get(PATH).data
    assert client.get(PATH).data == before
    shop.publish(next_software(shop.world, b"image 2", 2), [b"image 2"])
    after = client.get(PATH).data
    assert after != before
    said = [read_claim(one.envelope).statement for one in read_bundle(after) if isinstance(one, StatementEntry)]
    assert max(one.sequence for one in said if one.type == "release") == 2


@pytest.mark.timeout(120)
def test_all_parts_are_of_one_entry_while_others_publish(shop: Shop) -> None:
    """AN-2: or a device would find a view that the map it was shown does not have."""
    past = grow(shop)
    world, done = shop.world, threading.Event()

    def publish() -> None:
        try:
            for number in range(4, 16):
                past.publish(next_software(world, b"image %d" % number, number), [b"image %d" % number])
        finally:
            done.set()

    writer = threading.Thread(target=publish)
    writer.start()
    client, old, reached = create_app(shop.here).test_client(), past.seen[4], set[int]()
    while not done.is_set() or not reached:
        for device in (Device(past), Device(past, 1, 1, old, old.entry, old.view)):
            parts = read_bundle(client.get(f"{PATH}?{device.query}" if device.query else PATH).data)
            reached.add(device.take(parts).heads["release", 1, "acme/tool/latest/stable"].sequence)
    writer.join()
    assert len(past.seen) == 7 + 12
    assert len(reached) > 1


# --- what an answer may cost


def test_a_device_that_was_off_for_long_gets_256_versions_of_each(shop: Shop) -> None:
    """AN-2, RT-5: a stranger who says that he has nothing gets no more work out of a store than this."""
    world, keys = shop.world, shop.world.root_keys[:2]
    shop.first()
    shop.publish([sign(world.root_statement(sequence=n), *keys) for n in range(2, 271)])
    shop.publish([world.signed(world.brand(sequence=n)) for n in range(2, 271)])
    client = create_app(shop.here).test_client()
    for root, brand in ((1, 1), (100, 14)):
        parts = read_bundle(client.get(f"{PATH}?root={root}&brands=acme.{brand}").data)
        said = [read_claim(one.envelope).statement for one in parts if isinstance(one, StatementEntry)]
        for kind, after in (("root", root), ("brand", brand)):
            walked = list(range(after + 1, min(after + 256, 270) + 1))
            found = [one.sequence for one in said if one.type == kind]
            # The newest stands in the view too, and comes beside the first 256.
            assert found == (walked if walked[-1] == 270 else [*walked, 270])


def test_statements_for_which_there_is_no_room_are_left_out(past: Past) -> None:
    """AN-3, AN-4: the rest is whole, and what is missing is fetched by its own path."""
    with past.shop.here.database.reading() as connection:
        whole = read_bundle(answer(connection, past.shop.here, MODEL, Question()))
        for room in (0, 1000, 3000):
            some = read_bundle(answer(connection, past.shop.here, MODEL, Question(), room=room))
            said = [one.envelope for one in some if isinstance(one, StatementEntry)]
            assert sum(map(len, said)) <= room
            assert [one for one in whole if one in some] == list(some)
            assert [one for one in whole if not isinstance(one, StatementEntry)] == [
                one for one in some if not isinstance(one, StatementEntry)
            ]


def test_what_is_remembered_is_bounded() -> None:
    """AN-2: whoever asks many questions makes the others be forgotten, and nothing grow."""
    cache = AnswerCache(10 * (OVERHEAD + 100))
    for number in range(100):
        cache.keep(number, Packed(bytes(100), "tag"))
        assert cache.held <= 10 * (OVERHEAD + 100)
    assert cache.get(0) is None
    assert cache.get(99) == Packed(bytes(100), "tag")
    assert cache.get(90) is not None
    cache.keep("large", Packed(bytes(100_000), "tag"))
    assert cache.get("large") is None
    assert cache.get(90) is not None


def test_what_was_asked_for_last_stays() -> None:
    """AN-2: an answer that a fleet asks for is not forgotten for those that one stranger asks for."""
    cache = AnswerCache(3 * OVERHEAD)
    for number in range(50):
        cache.keep(number, Packed(b"", "tag"))
        assert cache.get(0) is not None
    cache.keep(0, Packed(b"other", "tag"))
    assert cache.get(0) == Packed(b"", "tag")
