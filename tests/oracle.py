"""The oracle of stores: everything that a store's folder says, verified again from the root with code of its own.

Nothing of the product's catalogue, chain or store code is used here: the standard library, PyNaCl for the one
primitive, and securesystemslib's canonical JSON for TUF. It is slow and plain on purpose.
"""

import base64
import json
import sqlite3
import tomllib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey
from psycopg import sql
from securesystemslib.formats import encode_canonical

PAYLOAD_TYPE = b"application/vnd.sealring.assertion+json"


@dataclass(frozen=True)
class Checked:
    """What a store was found to hold, all of it consistent."""

    entry: int
    heads: dict[tuple[str, str], int]
    """Sequence of each (type, subject)."""
    blobs: frozenset[str]


@dataclass(frozen=True)
class _Statement:
    body: dict[str, Any]
    sequence: int
    id: str
    envelope: str
    pae: bytes
    signatures: dict[str, bytes]


def check_store(folder: Path, *, lapsed: bool = False, images: Path | None = None) -> Checked:
    """Raise AssertionError unless every row and file of the store tells one true story.

    Args:
        lapsed: whether heads may lack signatures by today's keys, as after a rotation that cut them off.
        images: a folder with the images by their digest, for a store that keeps them elsewhere than in its own.
    """
    with closing(_rows(folder)) as db:
        db.row_factory = sqlite3.Row
        db.execute("BEGIN")
        assert [tuple(row) for row in db.execute("PRAGMA integrity_check")] == [("ok",)]
        assert not list(db.execute("PRAGMA foreign_key_check"))
        (root_id,) = (row["root_id"] for row in db.execute("SELECT root_id FROM store"))
        heads = {(r["type"], r["subject"]): _statement(db, r) for r in db.execute("SELECT * FROM heads")}
        newest = _check_entries(db, root_id)
        _check_leaves(db, root_id, heads)
        _check_signatures(heads, lapsed)
        _check_views(db, root_id, heads)
        blobs = _check_blobs(db, folder, images, heads)
        _check_tuf(db, folder, newest)
        return Checked(newest["sequence"], {about: head.sequence for about, head in heads.items()}, blobs)


def _rows(folder: Path) -> sqlite3.Connection:
    """The store's database; of one in PostgreSQL every row, read in one state and copied into memory."""
    settings = folder / "store.toml"
    url = tomllib.loads(settings.read_text()).get("database", {}).get("url", "") if settings.exists() else ""
    if not url:
        return sqlite3.connect(f"file:{folder / 'store.db'}?mode=ro", uri=True, isolation_level=None)
    copy = sqlite3.connect(":memory:", isolation_level=None)
    with psycopg.connect(url) as rows:
        rows.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        columns: dict[str, list[str]] = {}
        asked = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        asked += " AND table_name NOT LIKE 'procrastinate%'"  # a queue of its own: it says nothing about the store
        for table, column in rows.execute(f"{asked} ORDER BY table_name, ordinal_position").fetchall():
            columns.setdefault(table, []).append(column)
        for table, names in columns.items():
            copy.execute(f'CREATE TABLE "{table}" ({", ".join(names)})')
            found = rows.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
            copy.executemany(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(names))})', found)
    return copy


def _statement(db: sqlite3.Connection, head: sqlite3.Row) -> _Statement:
    row = db.execute("SELECT * FROM statements WHERE envelope = ?", (head["envelope"],)).fetchone()
    envelope = json.loads(row["raw"])
    payload = base64.b64decode(envelope["payload"], validate=True)
    body = json.loads(payload)
    pae = b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE, len(payload), payload)
    assert sha256(row["raw"]).hexdigest() == head["envelope"] == row["envelope"]
    assert sha256(pae).hexdigest() == head["id"] == row["id"]
    assert body["type"] == head["type"] == row["type"]
    assert body["sequence"] == head["sequence"] == row["sequence"]
    assert _subject(body) == head["subject"] == row["subject"]
    signatures = {s["keyid"]: base64.b64decode(s["sig"]) for s in envelope["signatures"]}
    return _Statement(body, head["sequence"], head["id"], head["envelope"], pae, signatures)


def _subject(body: dict[str, Any]) -> str:
    own = {"root": "", "brand": body.get("brand", "")}
    if body["type"] == "root":
        return str(body["sequence"])
    if body["type"] in own:
        return str(own[body["type"]])
    if body["type"] == "revision":
        return f"{body['authority']}/{body['package']}/{body['revision']}/{body['architecture']}"
    if body["type"] == "release":
        return f"{body['authority']}/{body['package']}/{body['channel']}"
    if body["type"] == "serial":
        return f"{body['authority']}/{body['model']}/{body['serial']}"
    return f"{body['authority']}/{body['issuer' if body['type'] == 'revocations' else body['type']]}"


# --- the catalogue


def _check_entries(db: sqlite3.Connection, root_id: str) -> dict[str, Any]:
    """Every entry follows the one before; each map root and log root is what a naive computation gives."""
    leaves: dict[bytes, bytes] = {}
    logged: list[bytes] = []
    found: dict[str, Any] = {}
    previous = "00" * 32
    for number, row in enumerate(db.execute("SELECT * FROM entries ORDER BY sequence"), 1):
        for leaf in db.execute("SELECT key, value FROM leaves WHERE entry = ?", (number,)):
            before = leaves.get(leaf["key"], bytes(72))
            assert leaf["value"][:8] >= before[:8], "a sequence fell"
            leaves[leaf["key"]] = leaf["value"]
        time = found.get("time", "")
        found = json.loads(row["raw"])
        assert found["sequence"] == row["sequence"] == number
        assert found["root"] == root_id
        assert found["previous"] == previous
        assert found["log"] == _log_root(logged).hex()
        assert found["map"] == _map_root(sorted(leaves.items())).hex() == row["map"].hex()
        assert found["size"] == len(leaves)
        assert found["time"] >= time
        previous = sha256(row["raw"]).hexdigest()
        assert row["digest"] == previous
        logged.append(row["raw"])
    return {**found, "digest": previous, "leaves": leaves}


def _map_root(items: list[tuple[bytes, bytes]]) -> bytes:
    if not items:
        return sha256(b"\x02").digest()
    if len(items) == 1:
        return sha256(b"\x00" + items[0][0] + items[0][1]).digest()
    numbers = [int.from_bytes(key, "big") for key, _ in items]
    index = 256 - (numbers[0] ^ numbers[-1]).bit_length()
    left = [item for item, number in zip(items, numbers, strict=True) if not number >> (255 - index) & 1]
    right = items[len(left) :]
    return sha256(bytes((1, index)) + _map_root(left) + _map_root(right)).digest()


def _log_root(entries: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, as it is written there."""
    if len(entries) <= 1:
        return sha256(b"\x00" + entries[0] if entries else b"").digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return sha256(b"\x01" + _log_root(entries[:k]) + _log_root(entries[k:])).digest()


def _map_key(root_id: str, kind: str, subject: str) -> bytes:
    return sha256(b"sealring map key v1\0" + bytes.fromhex(root_id) + f"{kind}\0001\0{subject}".encode()).digest()


def _newest_leaves(db: sqlite3.Connection) -> dict[bytes, bytes]:
    return {row["key"]: row["value"] for row in db.execute("SELECT key, value FROM leaves ORDER BY entry")}


def _check_leaves(db: sqlite3.Connection, root_id: str, heads: dict[tuple[str, str], _Statement]) -> None:
    """The heads are exactly what the newest leaves say; the other leaves are views and halts."""
    leaves = _newest_leaves(db)
    for (kind, subject), head in heads.items():
        value = head.sequence.to_bytes(8, "big") + bytes.fromhex(head.id) + bytes.fromhex(head.envelope)
        assert leaves.pop(_map_key(root_id, kind, subject)) == value, (kind, subject)
    for halt in db.execute("SELECT * FROM halts ORDER BY entry DESC"):
        said, digest = json.loads(halt["raw"]), sha256(halt["raw"]).digest()
        assert (said["root"], said["release"], said["id"]) == (root_id, halt["release"], halt["id"])
        assert halt["digest"] == digest.hex()
        key, value = _map_key(root_id, "halt", halt["release"]), halt["entry"].to_bytes(8, "big") + digest + digest
        assert leaves.pop(key, value) == value, f"the halt of {halt['release']} is not its newest leaf's"
    models = [subject for kind, subject in heads if kind == "model"]
    assert set(leaves) == {_map_key(root_id, "view", model) for model in models}


def _check_views(db: sqlite3.Connection, root_id: str, heads: dict[tuple[str, str], _Statement]) -> None:
    leaves = _newest_leaves(db)
    for (kind, subject), model in heads.items():
        if kind != "model":
            continue
        wanted = [about for about in (*_needed(model.body, heads), *_said_of(model.body, heads)) if about in heads]
        rows = [[k, 1, s, heads[k, s].sequence, heads[k, s].id, heads[k, s].envelope] for k, s in sorted(set(wanted))]
        document = {"format": 1, "root": root_id, "model": subject, "statements": rows}
        raw = json.dumps(document, separators=(",", ":")).encode()
        digest = sha256(raw).digest()
        assert leaves[_map_key(root_id, "view", subject)][8:] == digest + digest, (
            f"the view of {subject} is not its own"
        )
        stored = db.execute("SELECT model, until FROM views WHERE digest = ?", (digest.hex(),)).fetchone()
        assert tuple(stored) == (subject, None)
        of_model = "SELECT type, format, subject, value FROM view_rows WHERE model = ? ORDER BY 1, 2, 3"
        assert [list(row)[:3] + _values(row["value"]) for row in db.execute(of_model, (subject,))] == rows


def _values(leaf: bytes) -> list[Any]:
    return [int.from_bytes(leaf[:8], "big"), leaf[8:40].hex(), leaf[40:].hex()]


def _needed(model: dict[str, Any], heads: dict[tuple[str, str], _Statement]) -> Iterator[tuple[str, str]]:
    yield "root", str(max(int(subject) for kind, subject in heads if kind == "root"))
    yield "brand", model["authority"]
    yield "model", f"{model['authority']}/{model['model']}"
    for store in model["stores"]:
        yield "store", store
    for wanted in model["packages"]:
        yield "brand", wanted["package"].split("/")[0]
        release = ("release", f"{wanted['package']}/{wanted['channel']}")
        yield release
        targets = heads[release].body["targets"] if release in heads else []
        for target in targets:
            if target["architecture"] == model["architecture"]:
                for number in {target["revision"], target.get("previous", target["revision"])}:
                    yield "revision", f"{wanted['package']}/{number}/{model['architecture']}"


def _said_of(model: dict[str, Any], heads: dict[tuple[str, str], _Statement]) -> Iterator[tuple[str, str]]:
    """What a view lists of revocations, delegations and the model's stack."""
    brands = {model["authority"], *(wanted["package"].split("/")[0] for wanted in model["packages"])}
    names = {wanted["package"] for wanted in model["packages"]}
    yield from (("revocations", f"{name}/{name}") for name in ("root", *brands))
    for (kind, subject), head in heads.items():
        if kind != "delegation" or head.body["authority"] not in brands:
            continue
        of_model = _covered({f"{model['authority']}/{model['model']}"}, head.body["models"])
        if of_model or any(_covered({name}, head.body["packages"]) for name in names):
            yield "delegation", subject
            yield "revocations", subject
    stack = ("stack", model.get("stack", ""))
    if stack in heads:
        yield stack
        for part in heads[stack].body["parts"]:
            if part["architecture"] == model["architecture"]:
                yield "revision", f"{part['package']}/{part['revision']}/{part['architecture']}"


def _covered(names: set[str], patterns: list[str]) -> bool:
    """Whether each of these full names is matched by a pattern."""
    return all(name in patterns or f"{name.split('/')[0]}/*" in patterns for name in names)


# --- signatures


def _check_signatures(heads: dict[tuple[str, str], _Statement], lapsed: bool) -> None:
    roots = sorted((head for (kind, _), head in heads.items() if kind == "root"), key=lambda head: head.sequence)
    for before, root in zip([roots[0], *roots], roots, strict=False):
        _check_threshold(root, before.body["roles"]["root"])
        _check_threshold(root, root.body["roles"]["root"])
    for (kind, subject), head in heads.items():
        if kind == "root" or lapsed:
            continue
        authority = head.body["authority"]
        assert authority == ("root" if kind == "brand" else subject.split("/")[0])
        if authority == "root":
            _check_threshold(head, roots[-1].body["roles"]["brand" if kind == "brand" else "root"])
            continue
        if "final" in head.body:
            _check_threshold(head, roots[-1].body["roles"]["brand"])
        if not _is_signed(head, heads["brand", authority].body["keys"]):
            said = [d.body for (k, _), d in heads.items() if k == "delegation" and d.body["authority"] == authority]
            assert any(_may_sign(one, head.body) and _is_signed(head, one["keys"]) for one in said), head.body


def _may_sign(delegation: dict[str, Any], body: dict[str, Any]) -> bool:
    """AU-3 to AU-5, once more: roles, all that is named, and names that must be the delegation's own."""
    kind, brand = body["type"], body["authority"]
    role = "release" if kind == "stack" else kind
    packages: set[str] = {one["package"] for key in ("requires", "parts", "packages") for one in _objects(body, key)}
    packages |= {one for one in body.get("packages", []) if isinstance(one, str)}
    if kind in ("revision", "release"):
        packages.add(f"{brand}/{body['package']}")
    models = {f"{brand}/{body['model']}"} if kind in ("model", "serial") else set()
    kinds = {body["kind"]} if kind == "revision" else {one["kind"] for one in _objects(body, "packages")}
    own = body[kind] if kind in ("store", "stack") else body.get("issuer", delegation["delegation"])
    is_own = own == delegation["delegation"] or (
        kind != "revocations" and own.startswith(delegation["delegation"] + "-")
    )
    return (
        role in delegation["roles"]
        and kind != "delegation"
        and "final" not in body
        and _covered(packages, delegation["packages"])
        and _covered(models, delegation["models"])
        and kinds <= set(delegation["kinds"])
        and is_own
    )


def _objects(body: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return [one for one in body.get(key, []) if isinstance(one, dict)]


def _is_signed(statement: _Statement, keys: dict[str, Any]) -> bool:
    try:
        _check_threshold(statement, keys)
    except AssertionError:
        return False
    return True


def _check_threshold(statement: _Statement, keys: dict[str, Any]) -> None:
    good = set()
    for key in keys["keys"]:
        public = base64.b64decode(key["public"])
        key_id = sha256(b"sealring key v1\0" + key["type"].encode() + b"\0" + public).hexdigest()
        if key_id in statement.signatures:
            VerifyKey(public).verify(statement.pae, statement.signatures[key_id])
            good.add(public)
    (wanted,) = keys["thresholds"]
    assert len(good) >= wanted["threshold"], statement.body


# --- images and TUF


def _check_blobs(
    db: sqlite3.Connection, folder: Path, images: Path | None, heads: dict[tuple[str, str], _Statement]
) -> frozenset[str]:
    sizes = {row["sha256"]: row["size"] for row in db.execute("SELECT * FROM blobs")}
    for digest, size in sizes.items():
        data = (images / digest if images else folder / "blobs" / digest[:2] / digest).read_bytes()
        assert (sha256(data).hexdigest(), len(data)) == (digest, size)
    for (kind, _), head in heads.items():
        if kind == "revision":
            assert sizes[head.body["image"]["sha256"]] == head.body["image"]["size"]
        if kind == "release":
            name = f"{head.body['authority']}/{head.body['package']}"
            for target in head.body["targets"]:
                assert ("revision", f"{name}/{target['revision']}/{target['architecture']}") in heads
        if kind == "stack":
            for part in head.body["parts"]:
                assert ("revision", f"{part['package']}/{part['revision']}/{part['architecture']}") in heads
    return frozenset(sizes)


def _check_tuf(db: sqlite3.Connection, folder: Path, newest: dict[str, Any]) -> None:
    root = _check_tuf_roots(db, folder)
    rows = {row["role"]: row for row in db.execute("SELECT role, max(version) AS version, raw FROM tuf GROUP BY role")}
    found = {role: json.loads(row["raw"]) for role, row in rows.items() if role != "root"}
    packages = found.pop("packages", None)
    for role, metadata in found.items():
        assert metadata["signed"]["_type"] == role
        assert metadata["signed"]["version"] == rows[role]["version"]
        _check_tuf_signature(metadata, root, role)
    for role in ("snapshot", "targets"):
        versions = [row["version"] for row in db.execute("SELECT version FROM tuf WHERE role = ? ORDER BY 1", (role,))]
        assert versions == list(range(1, len(versions) + 1)), f"versions of {role} have a gap"
    meta = found["timestamp"]["signed"]["meta"]["snapshot.json"]
    assert meta == {"version": rows["snapshot"]["version"]}
    named = {"targets.json": {"version": rows["targets"]["version"]}}
    delegations = found["targets"]["signed"].get("delegations")
    if packages is not None:
        named["packages.json"] = {"version": rows["packages"]["version"]}
    if delegations is not None:
        _check_tuf_packages(packages, delegations)
    assert found["snapshot"]["signed"]["meta"] == named
    (target,) = found["targets"]["signed"]["targets"].items()
    assert (target[0], target[1]["hashes"]["sha256"]) == ("catalogue.json", newest["digest"])


def _check_tuf_roots(db: sqlite3.Connection, folder: Path) -> dict[str, Any]:
    """The newest root, each version signed by the one before and by itself."""
    raws = [row["raw"] for row in db.execute("SELECT raw FROM tuf WHERE role = 'root' ORDER BY version")]
    assert raws[0] == (folder / "1.root.json").read_bytes()
    roots = [json.loads(raw) for raw in raws]
    for number, metadata in enumerate(roots):
        assert metadata["signed"]["version"] == number + 1
        for by in roots[max(0, number - 1) : number + 1]:
            _check_tuf_signature(metadata, by["signed"], "root")
    found = roots[-1]["signed"]
    assert isinstance(found, dict)
    return found


def _check_tuf_packages(metadata: dict[str, Any], delegations: dict[str, Any]) -> None:
    (role,) = delegations["roles"]
    assert (role["name"], role["paths"], role["terminating"]) == ("packages", ["*"], True)
    _check_tuf_signature(metadata, {"keys": delegations["keys"], "roles": {"packages": role}}, "packages")


def _check_tuf_signature(metadata: dict[str, Any], root: dict[str, Any], role: str) -> None:
    good = set()
    for signature in metadata["signatures"]:
        if signature["keyid"] not in root["roles"][role]["keyids"]:
            continue
        public = bytes.fromhex(root["keys"][signature["keyid"]]["keyval"]["public"])
        try:
            canonical = encode_canonical(metadata["signed"]) or ""
            VerifyKey(public).verify(canonical.encode(), bytes.fromhex(signature["sig"]))
        except BadSignatureError:
            continue
        good.add(public)
    assert len(good) >= root["roles"][role]["threshold"], f"{role} is not signed"
