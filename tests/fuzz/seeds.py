"""Inputs to begin with: the test vectors' parts, and what the product itself writes."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from io import BytesIO
from itertools import product
from pathlib import Path

from msgspec.structs import replace

from sealring.bundle import ImageEntry, write_bundle
from sealring.catalogue.leaf import Head
from sealring.catalogue.log import Frontier, inclusion_path, leaf_hash
from sealring.catalogue.sparse import map_of
from sealring.chain import read_claim
from sealring.envelope import parse_envelope, seal
from sealring.errors import TrustError
from sealring.halt import Halt, halt_bytes
from sealring.keyfile import public_file
from sealring.report import Report, report_bytes
from sealring.request.form import make_request
from sealring.strict import encode
from tests.fuzz.bundles import real_publication
from tests.samples import EVERY_TYPE
from tests.tuf_repository import TufRepository
from tests.vectors.form import Vector, files, read_vector
from tests.world import Key, World

INPUTS = Path(__file__).parent / "inputs"
_ENVELOPES = ("envelope", "anchor", "root", "held", "brand", "statement", "seen", "floor", "model", "store", "release")


@cache
def vectors() -> tuple[Vector, ...]:
    """Every test vector."""
    return tuple(read_vector(path.read_text()) for path in files())


def parts(check: str, *names: str) -> Iterator[bytes]:
    """The parts of these names of all vectors of one procedure; of every procedure for an empty `check`."""
    for vector in vectors():
        if check in ("", vector.headers["check"]):
            yield from (data for name, data in vector.parts if name in names)


def kept(name: str) -> Iterator[bytes]:
    """Inputs that once showed something, kept with the tests."""
    yield from (path.read_bytes() for path in sorted((INPUTS / name).glob("*.bin")))


def envelopes() -> Iterator[bytes]:
    yield from (raw for raw in parts("", *_ENVELOPES) if raw[:1] == b"{")
    yield from (World().signed(statement).raw for statement in EVERY_TYPE.values())


def statements() -> Iterator[bytes]:
    yield from parts("statement", "payload")
    yield from (encode(statement) for statement in EVERY_TYPE.values())
    for raw in envelopes():
        try:
            yield parse_envelope(raw).payload
        except TrustError:
            continue


def reports() -> Iterator[bytes]:
    """One of each event, signed and not, with every member and with none that may be left out."""
    device, events = Key("device-1"), ("begun", "good", "rolled-back", "failed")
    for number, event in enumerate(events, 1):
        base = Report(
            format=1,
            root="ab" * 32,
            store="acme/main",
            model="acme/door-1",
            device="cd" * 32,
            number=number,
            at=datetime(2026, 3, 1, tzinfo=UTC),
            package="acme/tool",
            ground="ef" * 32,
            revision=2,
            event=event,  # type: ignore[arg-type]
        )
        whole = replace(base, serial="SN-1", previous=1, reason="health: exit 3")
        yield from (report_bytes(base), report_bytes(whole), report_bytes(whole, device))


def halts() -> Iterator[bytes]:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    for release, reason in (("acme/tool/latest/stable", "3 of 10 devices failed"), ("a/b/1/edge", "")):
        yield halt_bytes(Halt(format=1, root="ab" * 32, release=release, id="cd" * 32, reason=reason, time=at))


def requests() -> Iterator[bytes]:
    """What a ceremony could be asked for: one statement of every type, alone and beside what it replaces."""
    world = World()
    held = [read_claim(world.signed(each).raw) for each in (world.brand(), world.model())]
    for statement in EVERY_TYPE.values():
        draft = read_claim(seal(encode(statement), {}).raw)
        yield make_request([draft], []).raw
        yield make_request([draft], held).raw
    drafts = [read_claim(seal(encode(world.revision(number)), {}).raw) for number in range(1, 4)]
    yield make_request(drafts, held).raw


_SECRETS = {
    "ed25519": 48,
    "ecdsa-p256": 48,
    "ecdsa-p384": 64,
    "ml-dsa-65": 48,
}  # bytes of each type's secret, in its box


def key_files() -> Iterator[bytes]:
    salt, nonce = b64encode(b"s" * 16), b64encode(b"n" * 24)
    for (kind, size), costs in product(_SECRETS.items(), ((1, 8192), (3, 2**28), (16, 2**30))):
        public, box = b64encode(Key("alice", kind).public.public), b64encode(b"c" * size)
        kdf = b'{"algorithm":"argon2id","operations":%d,"memory":%d}' % costs
        head = b'{"format":1,"name":"alice","type":"%s","public":"%s","kdf":%s' % (kind.encode(), public, kdf)
        yield head + b',"salt":"%s","nonce":"%s","ciphertext":"%s"}' % (salt, nonce, box)


def public_key_files() -> Iterator[bytes]:
    yield from (public_file(Key("alice", kind).public) for kind in _SECRETS)


def entries() -> Iterator[bytes]:
    yield from parts("entry", "entry", "held")


def views() -> Iterator[bytes]:
    yield from parts("view", "view")


def frontiers() -> Iterator[bytes]:
    log = Frontier()
    for at in range(20):
        yield log.to_bytes()
        log = log.append(leaf_hash(bytes((at,))))


def proofs() -> Iterator[bytes]:
    """Each with its question: those of the vectors, and some over maps of 0 to 300 keys."""
    for vector in vectors():
        if vector.headers["check"] == "map-proof" and 1 <= len(vector.all("key")) <= 64:
            yield from (question(vector.all("key"), proof) for proof in vector.all("proof"))
    near = [(1 << bit).to_bytes(32, "big") for bit in (0, 1, 100, 190, 191, 192, 193, 194, 195, 255)]
    for keys in (*([sha256(b"%d" % at).digest() for at in range(size)] for size in (0, 1, 2, 3, 8, 300)), near):
        heads = [Head(at + 1, key, key) if at % 5 else Head.tombstone(at + 1) for at, key in enumerate(keys)]
        held = map_of(zip(keys, heads, strict=True))
        for asked in (keys[:1], keys[:2], keys[:9], [b"\x00" * 32], [*keys[:3], b"\xff" * 32], keys[-64:]):
            if asked:
                yield question(asked, held.prove(asked))


def question(keys: list[bytes], proof: bytes) -> bytes:
    return bytes((len(keys) - 1,)) + b"".join(keys) + proof


def log_paths() -> Iterator[bytes]:
    for vector in vectors():
        if vector.headers["check"] == "log":
            place = b"".join(int(vector.headers[name]).to_bytes(8, "big") for name in ("index", "size"))
            yield vector.one("leaf") + place + vector.one("path")
    leaves = [leaf_hash(bytes((at,))) for at in range(13)]
    for size in (1, 2, 3, 7, 8, 13):
        for index in range(size):
            path = inclusion_path(leaves[:size], index)
            yield leaves[index] + index.to_bytes(8, "big") + size.to_bytes(8, "big") + path


def bundles() -> Iterator[bytes]:
    for raw in parts("bundle", "bundle"):
        yield b"\xff\x00" + raw
        yield b"\x02\xff" + raw
    yield from (b"\x09\xff" + raw for raw in real_publication())
    images = [ImageEntry(sha256(raw).digest(), len(raw), BytesIO(raw)) for raw in (b"", b"one", b"two" * 90)]
    yield b"\x01\xff" + write_bundle(images)


def publications() -> Iterator[bytes]:
    yield real_publication()[0]
    yield from parts("bundle", "bundle")


def receipts() -> Iterator[bytes]:
    yield real_publication()[1]


def tuf_files() -> Iterator[bytes]:
    repository = TufRepository(datetime(2026, 3, 1, tzinfo=UTC))
    repository.publish(b"{}")
    repository.next_root()
    yield from (raw for path, raw in sorted(repository.files.items()) if not path.startswith("targets/"))


def generations() -> Iterator[bytes]:
    from sealring_client.apply.generation_file import encode as spell
    from sealring_client.part import Part

    yield spell(1, [])
    tools = [Part(f"acme/{name}", 3, "amd64", "1.3", "ab" * 32, 4096, "cd" * 32, "ef" * 32) for name in ("a", "b")]
    yield spell(12, tools)


def failures() -> Iterator[bytes]:
    line = b'{"package":"acme/tool","release":"' + b"ab" * 32 + b'","count":2,"not_before":%s}'
    yield b'{"format":1,"failures":[]}'
    yield b'{"format":1,"failures":[' + line % b'"2026-03-01T12:00:00Z"' + b"," + line % b"null" + b"]}"


def device_files() -> Iterator[bytes]:
    yield from (b'{"format":1,"model":"acme/door-1","clock":"%s"}' % clock for clock in (b"poor", b"trusted"))


def poll_files() -> Iterator[bytes]:
    from sealring_client.poll import poll_bytes

    store = {"name": "acme/main", "urls": ["http://127.0.0.1:1"], "etag": None, "sha256": "ab" * 32}
    yield poll_bytes("2027-03-01T12:00:00Z", "2026-03-01T12:00:00Z", [store, {**store, "etag": '"a"', "urls": []}])
