"""What a store answers to anybody (SPEC HT-1, HT-2, HT-3, HT-5): addresses, caches, ranges, refusals."""

import json
from hashlib import sha256

import pytest

from sealring.bundle import StatementEntry, read_bundle
from sealring.catalogue.entry import parse_entry
from sealring.catalogue.leaf import map_key
from sealring.catalogue.log import verify_inclusion
from sealring.catalogue.proof import verify_proof
from sealring.catalogue.view import verify_view, view_key
from tests.stores import RunningStore, ask

IMMUTABLE = "public, max-age=31536000, immutable"
IMAGE = b"image 1"
BLOB = f"/v1/blobs/{sha256(IMAGE).hexdigest()}"


def catalogue(store: RunningStore) -> bytes:
    """`catalogue.json`, by the way that TUF clients take."""
    snapshot = json.loads(store.get("/tuf/timestamp.json").body)["signed"]["meta"]["snapshot.json"]["version"]
    targets = json.loads(store.get(f"/tuf/{snapshot}.snapshot.json").body)["signed"]["meta"]["targets.json"]["version"]
    target = json.loads(store.get(f"/tuf/{targets}.targets.json").body)["signed"]["targets"]["catalogue.json"]
    answer = store.get(f"/tuf/targets/{target['hashes']['sha256']}.catalogue.json")
    assert (answer.status, answer.headers["cache-control"]) == (200, IMMUTABLE)
    assert sha256(answer.body).hexdigest() == target["hashes"]["sha256"]
    return answer.body


def test_a_model_view_is_proved_by_one_key(served: RunningStore) -> None:
    """VW-3, MP-4: catalogue, proof, view and each envelope, all at addresses that never change."""
    root = bytes.fromhex(served.world.root_id)
    entry, key = parse_entry(catalogue(served)), view_key(root, "acme/door-1")
    proof = served.get(f"/v1/proofs/{entry.map.hex()}/{key.hex()}")
    assert proof.headers["cache-control"] == IMMUTABLE
    leaf = verify_proof(proof.body, entry.map, [key]).present[key]
    raw = served.get(f"/v1/views/{leaf.envelope.hex()}")
    assert raw.headers["cache-control"] == IMMUTABLE
    view = verify_view(raw.body, leaf, root=root, model="acme/door-1")
    kinds = [kind for kind, _, _ in view.heads]
    assert [kind for kind in kinds if kind != "revocations"] == [
        "brand",
        "model",
        "release",
        "revision",
        "root",
        "store",
    ]
    for head in view.heads.values():
        answer = served.get(f"/v1/statements/{head.envelope.hex()}")
        assert (answer.headers["cache-control"], sha256(answer.body).digest()) == (IMMUTABLE, head.envelope)


def test_absence_is_proved_and_early_roots_stay_answerable(served: RunningStore) -> None:
    """MP-4: what was never published is shown to be absent, also under the map of entry 1."""
    root = bytes.fromhex(served.world.root_id)
    keys = sorted([map_key(root, "model", 1, "acme/none"), map_key(root, "root", 1, "1")])
    before = parse_entry(catalogue(served))
    served.publish([served.world.signed(served.world.model("early"))])
    first = parse_entry(served.get(f"/tuf/targets/{_first_catalogue(served)}.catalogue.json").body)
    for entry in (first, before, parse_entry(catalogue(served))):
        proof = served.get(f"/v1/proofs/{entry.map.hex()}/{','.join(k.hex() for k in keys)}").body
        assert list(verify_proof(proof, entry.map, keys).present) == [map_key(root, "root", 1, "1")]
    path = served.get(f"/v1/log/{parse_entry(catalogue(served)).sequence - 1}/0")
    assert path.headers["cache-control"] == IMMUTABLE
    newest = parse_entry(catalogue(served))
    verify_inclusion(first.leaf, 0, newest.sequence - 1, path.body, newest.log)


def _first_catalogue(store: RunningStore) -> str:
    """The digest of entry 1, from targets version 1, which stay where they were."""
    targets = json.loads(store.get("/tuf/1.targets.json").body)["signed"]["targets"]
    return str(targets["catalogue.json"]["hashes"]["sha256"])


def test_an_authority_answers_with_all_that_it_delegates_and_revokes(served: RunningStore) -> None:
    """HT-2: one bundle of exactly these heads, of a brand or of the root; nothing of others, and 404 for strangers."""
    world = served.world
    mine = [world.delegation("friend", "nord"), world.delegation(brand="nord"), world.revocations(1, brand="nord")]
    others = [world.revocations(1, brand="nord-2"), world.revocations(1, brand="root")]
    brands = [world.brand("nord"), world.brand("nord-2")]
    served.publish([world.signed(s) for s in (*brands, *mine, *others)])
    found = {name: read_bundle(served.get(f"/v1/authorities/{name}").body) for name in ("nord", "nord-2", "root")}
    assert found["nord"] == tuple(StatementEntry(world.signed(s).raw) for s in mine)
    assert found["nord-2"] == (StatementEntry(world.signed(others[0]).raw),)
    assert found["root"] == (StatementEntry(world.signed(others[1]).raw),)
    for name in ("nobody", "nor", "nord0", "%2e%2e"):
        assert served.get(f"/v1/authorities/{name}").status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/tuf/timestamp.json",
        "/v1/roots/1",
        "/v1/authorities/acme",
        "/v1/authorities/root",
        "/v1/brands/acme/1",
        "/v1/heads/release/1/acme/tool/latest/stable",
    ],
)
def test_what_changes_has_an_etag(served: RunningStore, path: str) -> None:
    """HT-2: the quoted digest of the bytes; the same bytes again cost 304 and no body."""
    answer = served.get(path)
    tag = f'"{sha256(answer.body).hexdigest()}"'
    assert (answer.status, answer.headers["etag"]) == (200, tag)
    assert answer.headers["cache-control"] == ("no-cache" if "timestamp" in path else "max-age=60")
    again = served.get(path, If_None_Match=tag)
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert served.get(path, If_None_Match='"other"').status == 200


def test_timestamp_changes_its_etag_with_each_publication(served: RunningStore) -> None:
    """HT-2: a device that asks with the old one gets the new bytes."""
    before = served.get("/tuf/timestamp.json")
    served.publish([served.world.signed(served.world.model("etag"))])
    answer = served.get("/tuf/timestamp.json", If_None_Match=before.headers["etag"])
    assert answer.status == 200
    assert len(answer.body) <= 400


@pytest.mark.parametrize(
    ("asked", "status", "part", "said"),
    [
        ("bytes=0-", 206, IMAGE, "bytes 0-6/7"),
        ("bytes=2-4", 206, b"age", "bytes 2-4/7"),
        ("bytes=2-400", 206, b"age 1", "bytes 2-6/7"),
        ("bytes=-3", 206, b"e 1", "bytes 4-6/7"),
        ("bytes=-300", 206, IMAGE, "bytes 0-6/7"),
        ("bytes=7-", 416, b"", "bytes */7"),
        ("bytes=-0", 416, b"", "bytes */7"),
        ("bytes=4-2", 200, IMAGE, None),
        ("bytes=0-1,3-4", 200, IMAGE, None),
        ("bytes=-", 200, IMAGE, None),
        ("lines=1-2", 200, IMAGE, None),
        ("bytes=9999999999999999999999-", 200, IMAGE, None),
    ],
)
def test_ranges_of_an_image(served: RunningStore, asked: str, status: int, part: bytes, said: str | None) -> None:
    """HT-5: a download goes on where it stopped; what is no single range is answered whole."""
    answer = served.get(BLOB, Range=asked)
    assert (answer.status, answer.body, answer.headers.get("content-range")) == (status, part, said)
    assert answer.headers["content-length"] == str(len(part))


def test_a_range_of_other_bytes_is_not_given(served: RunningStore) -> None:
    """HT-5: `If-Range` with another tag gets the whole image."""
    tag = served.get(BLOB).headers["etag"]
    assert served.get(BLOB, Range="bytes=1-", If_Range=tag).status == 206
    assert served.get(BLOB, Range="bytes=1-", If_Range='"other"').status == 200


def test_head_of_an_image_says_its_size_only(served: RunningStore) -> None:
    """HT-1: with the same headers as a GET."""
    answer = ask(served.url, BLOB, "HEAD")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "7")
    assert (answer.headers["accept-ranges"], answer.headers["cache-control"]) == ("bytes", IMMUTABLE)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/tuf/2.root.json",
        "/tuf/0.root.json",
        "/tuf/01.root.json",
        "/tuf/1.timestamp.json",
        "/tuf/root.json",
        "/tuf/99999999999999999999.targets.json",
        "/tuf/..%2f1.root.json",
        "/tuf/targets/catalogue.json",
        "/v1/roots/2",
        "/v1/roots/99999999999999999999999999",
        "/v1/brands/acme/2",
        "/v1/brands/none/1",
        "/v1/heads/release/2/acme/tool/latest/stable",
        "/v1/heads/release/1/acme/tool/latest/edge",
        "/v1/heads/view/1/acme/door-1",
        "/v1/statements/" + "00" * 32,
        "/v1/statements/..%2f..%2fkeys%2fkeys.json",
        "/v1/views/" + "00" * 32,
        "/v1/proofs/" + "00" * 32 + "/" + "00" * 32,
        "/v1/proofs/zz/" + "00" * 32,
        "/v1/log/99/0",
        "/v1/log/1/1",
        "/v1/blobs/" + "00" * 32,
        "/v1/blobs/..%2f..%2fstore.db",
        "/v1/blobs/%00",
        "/v1/roots/1/",
    ],
)
def test_what_is_not_there_is_a_problem_document(served: RunningStore, path: str) -> None:
    """HT-3: 404, never a file of the server's, never a trace of Python."""
    answer = served.get(path)
    assert answer.status == 404
    assert answer.problem()["detail"]
    assert answer.headers["cache-control"] == "no-store"


def test_keys_of_a_proof_have_one_order_and_one_bound(served: RunningStore) -> None:
    """MP-4, HT-1: one question has one URL, so that a cache can't be filled with one answer."""
    top = parse_entry(catalogue(served)).map.hex()
    a, b = "11" * 32, "22" * 32
    assert served.get(f"/v1/proofs/{top}/{a},{b}").status == 200
    for keys in (f"{b},{a}", f"{a},{a}", f"{a},", a.upper() + "AA", ",".join(f"{n:064x}" for n in range(65))):
        assert served.get(f"/v1/proofs/{top}/{keys}").status in (400, 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/tuf/timestamp.json"),
        ("PUT", BLOB),
        ("DELETE", "/v1/roots/1"),
        ("GET", "/v1/publications"),
        ("PATCH", "/v1/publications/" + "00" * 32 + "/commit"),
    ],
)
def test_other_methods_are_refused(served: RunningStore, method: str, path: str) -> None:
    """HT-3: 405 with what is allowed."""
    answer = ask(served.url, path, method, b"")
    assert answer.status == 405
    assert answer.problem()["title"] == "Method Not Allowed"
    assert answer.headers["allow"]
