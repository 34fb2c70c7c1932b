"""What a store shows: proofs of its map, views, entries and their log (SPEC MP, VW, CT, LG)."""

from datetime import timedelta
from hashlib import sha256

from sealring.catalogue.entry import CatalogueEntry, first_entry, next_entry
from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.log import inclusion_path, root_of
from sealring.catalogue.sparse import map_of
from sealring.catalogue.view import make_view, view_key
from tests.vectors.cases.common import ACCEPTED, WORLD, Case, Cases, case
from tests.world import NOW

ROOT = bytes.fromhex(WORLD.root_id)
MODEL = "acme/door-1"


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _head(sequence: int, name: str = "") -> Head:
    return Head(sequence, _digest(f"id {sequence}{name}"), _digest(f"envelope {sequence}{name}"))


SUBJECTS = [f"acme/tool-{n}/latest/stable" for n in range(40)]
KEYS = [map_key(ROOT, "release", 1, subject) for subject in SUBJECTS]
HEADS = {key: _head(n + 1) for n, key in enumerate(KEYS)}
MAP = map_of(HEADS.items())
ABSENT = map_key(ROOT, "release", 1, "acme/none/latest/stable")
REMOVED = KEYS[7]
WITH_REMOVED = MAP.with_updates({REMOVED: Head.tombstone(8)})


def _proof(
    name: str, rule: str, comment: str, proof: bytes, keys: list[bytes], *, root: bytes = MAP.root, found: str = ""
) -> Case:
    parts = [("root", root), *(("key", key) for key in keys), ("proof", proof)]
    facts = {} if rule else {"found": found}
    return case(f"map/{name}", rule, comment, "map-proof", *parts, **facts)


def _proofs() -> Cases:
    one, some = KEYS[:1], sorted([*KEYS[:5], ABSENT])
    words = " ".join("absent" if key == ABSENT else "present" for key in some)
    good = MAP.prove(one)
    yield _proof("present", ACCEPTED, "one key that is there", good, one, found="present")
    yield _proof("absent", ACCEPTED, "one that is not", MAP.prove([ABSENT]), [ABSENT], found="absent")
    yield _proof("joint", ACCEPTED, "five that are there and one that is not", MAP.prove(some), some, found=words)
    yield _proof(
        "removed",
        ACCEPTED,
        "a tombstone: absent, with the sequence that was removed",
        WITH_REMOVED.prove([REMOVED]),
        [REMOVED],
        root=WITH_REMOVED.root,
        found="removed",
    )
    yield _proof(
        "empty-map", ACCEPTED, "nothing is in an empty map", b"\1\0", one, root=sha256(b"\2").digest(), found="absent"
    )
    yield _proof("another-root", "MP-3", "a genuine proof of yesterday's map", good, one, root=WITH_REMOVED.root)
    yield _proof("another-key", "MP-4", "the proof of one key offered for another", MAP.prove(KEYS[:1]), KEYS[1:2])
    value = HEADS[KEYS[0]].to_bytes()
    changed = good.replace(value, value[:-1] + bytes([value[-1] ^ 1]))
    yield _proof("changed-value", "MP-3", "one bit of the value", changed, one)
    lower = good.replace(value, _head(1, "old").to_bytes())
    yield _proof("old-value", "MP-3", "an old statement in the place of the current one", lower, one)
    yield _proof("bytes-after", "MP-4", "a byte behind the proof: a second spelling", good + b"\0", one)
    yield _proof("truncated", "MP-4", "a byte is missing", good[:-1], one)
    yield _proof("empty", "MP-4", "no bytes", b"", one)
    yield _proof("unknown-version", "MP-4", "version 2", b"\2" + good[1:], one)
    yield _proof("too-large", "MP-4", "262,145 bytes, refused before they are read", bytes(262_145), one)
    yield _proof(
        "denied",
        "MP-4",
        "an absent leaf in the place of a present one: the key itself is spelt out",
        b"\1\2" + KEYS[0] + value,
        one,
        root=sha256(b"\0" + KEYS[0] + value).digest(),
    )
    yield _proof(
        "empty-inside",
        "MP-4",
        "an empty side, which no map has",
        b"\1" + bytes([0x80 if KEYS[0][0] & 128 else 0xC0]) + bytes(32) + b"\0",
        one,
    )
    yield _proof("bad-value", "MP-2", "a sequence of 2^53", b"\1\1" + (2**53).to_bytes(8, "big") + value[8:], one)
    deep = b"\1" + b"\x80" * 300
    yield _proof("endless-path", "MP-4", "a path that never ends", deep, one)
    yield _proof("no-keys", "MP-4", "a question without keys", good, [])
    yield _proof("65-keys", "MP-4", "a question of 65 keys", good, [_digest(str(n)) for n in range(65)])


VIEW = make_view(ROOT, MODEL, {("release", 1, SUBJECTS[0]): _head(1), ("model", 1, MODEL): _head(2)})


def _view(name: str, rule: str, comment: str, raw: bytes, *, leaf: bytes | None = None, model: str = MODEL) -> Case:
    digest = sha256(raw).digest()
    known = leaf if leaf is not None else Head(5, digest, digest).to_bytes()
    facts = {} if rule else {"rows": str(len(VIEW.heads))}
    return case(
        f"view/{name}", rule, comment, "view", ("root", ROOT), ("leaf", known), ("view", raw), model=model, **facts
    )


def _views() -> Cases:
    raw, rows = VIEW.raw, VIEW.raw.index(b'"statements":[') + len(b'"statements":[')
    first, second = raw[rows:-2].split(b"],[")
    first, second = first + b"]", b"[" + second
    assert view_key(ROOT, MODEL) == map_key(ROOT, "view", 1, MODEL)
    yield _view("good", ACCEPTED, "the document that the leaf commits to", raw)
    yield _view("another-document", "VW-3", "a blank behind it", raw + b" ", leaf=VIEW.leaf(5).to_bytes())
    half = Head(5, VIEW.digest, _digest("other")).to_bytes()
    yield _view("half-a-leaf", "VW-3", "id and envelope digest of the leaf differ", raw, leaf=half)
    yield _view("another-model", "VW-3", "another model's view under this model's key", raw, model="acme/door-2")
    other = make_view(_digest("staging"), MODEL, dict(VIEW.heads))
    yield _view("another-root", "VW-3", "a rehearsal's view", other.raw)
    yield _view(
        "row-twice", "VW-1", "a subject listed twice: which one counts?", raw[:rows] + first + b"," + first + b"]}"
    )
    yield _view(
        "another-order",
        "VW-1",
        "rows in another order: a second digest for one view",
        raw[:rows] + second + b"," + first + b"]}",
    )
    yield _view("blank", "VW-1", "a blank", raw.replace(b",", b", ", 1))
    yield _view(
        "duplicate-member", "VW-1", "the model twice", raw.replace(b'"model"', b'"model":"acme/door-2","model"', 1)
    )
    yield _view("newer-format", "VW-1", "format 2", raw.replace(b'"format":1', b'"format":2', 1))
    for which in ("id", "envelope"):
        head = VIEW.heads["model", 1, MODEL]
        digest = (head.id if which == "id" else head.envelope).hex().encode()
        halved = raw.replace(digest, b"0" * 64, 1) if which == "id" else (b"0" * 64).join(raw.rsplit(digest, 1))
        yield _view(f"zero-{which}", "VW-1", "half of a removal is listed", halved)
    yield _view("too-large", "VW-1", "more than 1 MiB", b" " * (1024 * 1024 + 1))


def _history(count: int, name: str = "") -> list[CatalogueEntry]:
    entries = [first_entry(root=ROOT, map=_digest("map" + name), size=1, time=NOW)]
    while len(entries) < count:
        log = root_of([entry.leaf for entry in entries])
        at, n = NOW + timedelta(hours=len(entries)), len(entries)
        entries.append(next_entry(entries[-1], map=_digest(f"map {n}"), size=n, time=at, log=log))
    return entries


def _entry(name: str, rule: str, comment: str, raw: bytes, *more: tuple[str, bytes], sequence: int = 0) -> Case:
    facts = {} if rule else {"sequence": str(sequence)}
    return case(f"entry/{name}", rule, comment, "entry", ("root", ROOT), ("entry", raw), *more, **facts)


def _entries() -> Cases:
    true, false = _history(9), _history(9, "another history")
    leaves = [entry.leaf for entry in true]
    held, path = ("held", true[2].raw), ("path", inclusion_path(leaves[:8], 2))
    raw = true[0].raw
    yield _entry("first", ACCEPTED, "the first entry of a store", raw, sequence=1)
    yield _entry("unknown-store", ACCEPTED, "a device that has seen none takes any", true[8].raw, sequence=9)
    yield _entry("same", ACCEPTED, "the one seen last", true[2].raw, held, sequence=3)
    yield _entry("next", ACCEPTED, "the next one names the one seen last", true[3].raw, held, sequence=4)
    yield _entry("later", ACCEPTED, "entry 9 with the path of entry 3", true[8].raw, held, path, sequence=9)
    yield _entry("rollback", "CT-2", "yesterday's catalogue again", true[1].raw, held)
    yield _entry("fork-same-sequence", "CT-3", "another entry 3: the store shows two histories", false[2].raw, held)
    yield _entry("fork-next", "CT-3", "an entry 4 that follows another entry 3", false[3].raw, held)
    yield _entry(
        "fork-later",
        "LG-2",
        "an entry 9 of another history, with the path of its own entry 3",
        false[8].raw,
        held,
        ("path", inclusion_path([entry.leaf for entry in false[:8]], 2)),
    )
    yield _entry("later-without-path", "LG-2", "entry 9 without a path", true[8].raw, held)
    yield _entry(
        "path-of-another-entry",
        "LG-2",
        "the path of entry 2",
        true[8].raw,
        held,
        ("path", inclusion_path(leaves[:8], 1)),
    )
    yield _entry("path-not-asked", "LG-2", "a path where none is needed", true[3].raw, held, path)
    yield _entry("another-root", "CT-1", "a rehearsal's catalogue", raw.replace(WORLD.root_id.encode(), b"1" * 64))
    yield _entry("blank", "CT-1", "a blank", raw.replace(b",", b", ", 1))
    yield _entry(
        "duplicate-member", "CT-1", "the map twice", raw.replace(b'"map"', b'"map":"%s","map"' % (b"0" * 64), 1)
    )
    yield _entry("newline-after", "CT-1", "a newline at the end", raw + b"\n")
    yield _entry("time-with-offset", "CT-1", "the time in another zone", raw.replace(b"12:00:00Z", b"12:00:00+00:00"))
    yield _entry("no-such-day", "CT-1", "the 31st of February", raw.replace(b"2026-03-01T", b"2026-02-31T"))
    yield _entry(
        "first-with-history",
        "CT-1",
        "a first entry that names one before it",
        raw.replace(b'"previous":"' + b"0" * 64, b'"previous":"' + b"1" * 64),
    )
    yield _entry(
        "later-without-history",
        "CT-1",
        "a second entry that names none: its history is cut off",
        raw.replace(b'"sequence":1', b'"sequence":2'),
    )
    yield _entry("too-large", "CT-1", "more than 1,024 bytes", b" " * 1025)


def _log(name: str, rule: str, comment: str, index: int, size: int, path: bytes, root: bytes, leaf: bytes) -> Case:
    return case(
        f"log/{name}",
        rule,
        comment,
        "log",
        ("leaf", leaf),
        ("path", path),
        ("root", root),
        index=str(index),
        size=str(size),
    )


def _logs() -> Cases:
    data = [b"", b"\0", b"\x10", b"\x20\x21", b"\x30\x31", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"]
    leaves = [sha256(b"\0" + one).digest() for one in data]
    root = bytes.fromhex("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")
    path = inclusion_path(leaves, 5)
    yield _log(
        "certificate-transparency",
        ACCEPTED,
        "the eight leaves and the root of Certificate Transparency's own tests",
        5,
        8,
        path,
        root,
        leaves[5],
    )
    yield _log("one-entry", ACCEPTED, "a log of one entry: its root is the leaf", 0, 1, b"", leaves[0], leaves[0])
    seven = root_of(leaves[:7])
    yield _log(
        "odd",
        ACCEPTED,
        "the last of seven goes up without a sibling",
        6,
        7,
        inclusion_path(leaves[:7], 6),
        seven,
        leaves[6],
    )
    yield _log("another-index", "LG-2", "the same path for another place", 4, 8, path, root, leaves[5])
    yield _log("another-leaf", "LG-2", "another leaf at this place", 5, 8, path, root, leaves[4])
    yield _log("another-size", "LG-2", "the same path in a longer log", 5, 16, path, root, leaves[5])
    yield _log(
        "path-too-short",
        "LG-2",
        "a level is missing: an inner node in the place of a leaf",
        5,
        8,
        path[32:],
        root,
        leaves[5],
    )
    yield _log("path-too-long", "LG-2", "a level more", 5, 8, path + bytes(32), root, leaves[5])
    yield _log("half-a-hash", "LG-2", "a path of 95 bytes", 5, 8, path[:-1], root, leaves[5])
    yield _log("beyond-the-end", "LG-2", "entry 8 of 8", 8, 8, path, root, leaves[5])
    yield _log("empty-log", "LG-2", "an entry of a log without entries", 0, 0, b"", sha256(b"").digest(), leaves[0])


def cases() -> Cases:
    for part in (_proofs, _views, _entries, _logs):
        yield from part()
