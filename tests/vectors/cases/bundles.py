"""Bundles, byte by byte (SPEC BN)."""

from hashlib import sha256

from sealring.bundle import parts_of_envelope
from tests.vectors.cases.common import ACCEPTED, WORLD, Case, Cases, case

MAGIC = b"sealring bundle 1\n"
END = bytes(11)
STATEMENT = WORLD.root.raw
PARTS = parts_of_envelope(STATEMENT)
LOW, HIGH = b"\1" * 32, b"\2" * 32


def _entry(kind: int, data: bytes, name: bytes = b"", size: int | None = None) -> bytes:
    length = len(data) if size is None else size
    return bytes([kind]) + len(name).to_bytes(2, "big") + length.to_bytes(8, "big") + name + data


def _case(name: str, rule: str, comment: str, raw: bytes, entries: int = 0, **headers: str) -> Case:
    facts = {} if rule else {"entries": str(entries)}
    return case(f"bundle/{name}", rule, comment, "bundle", ("bundle", raw), **headers, **facts)


def cases() -> Cases:
    yield from _entries()
    yield from _in_parts()
    yield from _differences()


def _entries() -> Cases:
    key, digest = b"1" * 64, b"a" * 64
    proof = b"0" * 64 + b"/" + key
    whole = _entry(1, STATEMENT) + _entry(2, b"{}", b"1.root.json") + _entry(2, b"{}", b"timestamp.json")
    whole += _entry(3, b"{}") + _entry(4, b"\1\0", proof) + _entry(5, bytes(96), b"8/3")
    whole += _entry(6, PARTS) + _entry(7, b"{}", digest + b"/" + key) + _entry(8, b"{}") + _entry(9, b"{}")
    yield _case("empty", ACCEPTED, "no entries", MAGIC + END, 0)
    yield _case(
        "every-kind",
        ACCEPTED,
        "an entry of each kind, an image of four bytes last",
        MAGIC + whole + _entry(16, b"hsqs", digest) + END,
        11,
        image_limit="4",
    )
    yield _case("another-first-line", "BN-1", "version 2", MAGIC.replace(b"1", b"2") + END)
    yield _case("no-bytes", "BN-1", "no bytes", b"")
    yield _case("no-end", "BN-1", "the end is missing: cut off between two entries", MAGIC + whole)
    yield _case("cut-off", "BN-1", "cut off inside an entry", MAGIC + whole[:-1])
    yield _case("bytes-after-the-end", "BN-1", "a byte behind the end", MAGIC + END + b"\0")
    yield _case("unknown-kind", "BN-2", "kind 10", MAGIC + _entry(10, b"") + END)
    yield _case("report-too-large", "BN-2", "a report of 8 KiB and a byte", MAGIC + _entry(8, b"", size=8193) + END)
    yield _case("halt-too-large", "BN-2", "a halt of 1 KiB and a byte", MAGIC + _entry(9, b"", size=1025) + END)
    yield _case("report-with-a-name", "BN-1", "a name where none belongs", MAGIC + _entry(8, b"{}", b"1") + END)
    yield _case("halt-before-a-report", "BN-1", "kinds descend", MAGIC + _entry(9, b"{}") + _entry(8, b"{}") + END)
    yield _case(
        "statement-too-large",
        "BN-2",
        "256 KiB and a byte: refused before they are read",
        MAGIC + _entry(1, b"", size=256 * 1024 + 1) + END,
    )
    yield _case(
        "endless-entry",
        "BN-2",
        "2^63 bytes: reserving them would end the device",
        MAGIC + _entry(2, b"", b"1.root.json", 2**63) + END,
    )
    yield _case(
        "image-too-large",
        "BN-2",
        "an image longer than its signed size",
        MAGIC + _entry(16, b"hsqs!", digest) + END,
        image_limit="4",
    )
    yield _case(
        "image-not-wanted", "BN-2", "an image in a bundle of metadata", MAGIC + _entry(16, b"hsqs", digest) + END
    )
    yield _case(
        "descending", "BN-1", "a statement behind a view", MAGIC + _entry(3, b"{}") + _entry(1, STATEMENT) + END
    )
    yield _case(
        "file-twice",
        "BN-1",
        "one file name twice: which one counts?",
        MAGIC + _entry(2, b"1", b"1.root.json") * 2 + END,
    )
    yield _case(
        "name-climbs",
        "BN-1",
        "a file name that climbs out of its folder",
        MAGIC + _entry(2, b"{}", b"../1.root.json") + END,
    )
    yield _case("name-absolute", "BN-1", "an absolute file name", MAGIC + _entry(2, b"{}", b"/etc/passwd") + END)
    yield _case(
        "name-not-ascii",
        "BN-1",
        "a file name of other letters",
        MAGIC + _entry(2, b"{}", "r\u043eot.json".encode()) + END,
    )
    yield _case(
        "statement-with-a-name", "BN-1", "a name where none belongs", MAGIC + _entry(1, STATEMENT, b"root") + END
    )
    yield _case(
        "proof-keys-descending",
        "BN-1",
        "a proof's keys in another order",
        MAGIC + _entry(4, b"\1\0", b"0" * 64 + b"/" + b"2" * 64 + b"," + key) + END,
    )
    yield _case(
        "image-name-in-capitals",
        "BN-1",
        "a digest in upper case",
        MAGIC + _entry(16, b"hsqs", b"A" * 64) + END,
        image_limit="4",
    )
    yield _case("end-with-data", "BN-2", "an end that is not empty", MAGIC + _entry(0, b"more"))


def _spelt(payload: bytes, *signatures: tuple[bytes, bytes], count: int | None = None) -> bytes:
    """BN-4, with anything at all in it."""
    head = len(payload).to_bytes(4, "big") + payload + bytes((len(signatures) if count is None else count,))
    return head + b"".join(key + len(sig).to_bytes(2, "big") + sig for key, sig in signatures)


def _parts(name: str, rule: str, comment: str, *parts: bytes, of: tuple[bytes, ...] = ()) -> Case:
    raw = MAGIC + b"".join(_entry(6, part) for part in parts) + END
    facts = {} if rule else {"statements": " ".join(sha256(one).hexdigest() for one in of)}
    return _case(f"parts-{name}", rule, comment, raw, len(parts), **facts)


def _in_parts() -> Cases:
    """BN-4: parts that make an envelope, and what makes none."""
    model = WORLD.signed(WORLD.model()).raw
    payload = b"{}"
    many = [(bytes((number,)) * 32, b"s" * 4096) for number in range(32)]
    both = (PARTS, parts_of_envelope(model))
    yield _parts("good", ACCEPTED, "the envelopes that they make, byte for byte", *both, of=(STATEMENT, model))
    yield _parts("no-signature", "BN-4", "a draft", _spelt(payload))
    yield _parts(
        "33-signatures", "BN-4", "one too many", _spelt(payload, *many[:31], (b"\xfe" * 32, b"s"), (b"\xff" * 32, b"s"))
    )
    yield _parts("descending", "BN-4", "another order of the signatures", _spelt(payload, (HIGH, b"s"), (LOW, b"s")))
    yield _parts(
        "key-twice", "BN-4", "one key twice: which signature counts?", _spelt(payload, (LOW, b"s"), (LOW, b"t"))
    )
    zeros = _spelt(payload, (bytes(32), b"s"), (bytes(32), b"t"))
    yield _parts("lowest-key-twice", "BN-4", "and where it is the lowest that there is", zeros)
    yield _parts("empty-signature", "BN-4", "a signature without bytes", _spelt(payload, (LOW, b"")))
    yield _parts("signature-too-long", "BN-4", "a signature of 8,193 bytes", _spelt(payload, (LOW, b"s" * 8193)))
    yield _parts(
        "signature-of-no-envelope", "EN-4", "of 4,097: no envelope holds it", _spelt(payload, (LOW, b"s" * 4097))
    )
    yield _parts("payload-of-no-envelope", "EN-4", "a payload of 65,537 bytes", _spelt(b"p" * 65_537, (LOW, b"s")))
    yield _parts("envelope-too-large", "BN-4", "they make more than 256 KiB", _spelt(b"p" * 65_536, *many))
    yield _parts("payload-beyond", "BN-4", "a payload that goes on behind the end", b"\xff" * 4 + payload)
    yield _parts("signature-beyond", "BN-4", "so does the last signature", PARTS[:-1])
    yield _parts("count-beyond", "BN-4", "a signature is missing", _spelt(payload, (LOW, b"s"), count=2))
    yield _parts("no-length", "BN-4", "three bytes", bytes(3))
    yield _parts("byte-behind", "BN-4", "a byte behind the last signature", PARTS + b"\0")
    yield _case("parts-too-large", "BN-2", "refused before they are read", MAGIC + _entry(6, b"", size=2**18 + 1) + END)
    yield _case("parts-with-a-name", "BN-1", "a name where none belongs", MAGIC + _entry(6, PARTS, b"root") + END)
    yield _case("parts-before-a-view", "BN-1", "kinds descend", MAGIC + _entry(6, PARTS) + _entry(3, b"{}") + END)


def _differences() -> Cases:
    """BN-2 for a view's difference; what is in it has a procedure of its own."""
    low, high = b"1" * 64, b"a" * 64
    one, other = _entry(7, b"{}", low + b"/" + high), _entry(7, b"{}", high + b"/" + low)
    yield _case("differences", ACCEPTED, "two ways between two views", MAGIC + one + other + END, 2)
    yield _case("difference-twice", "BN-1", "one difference twice: which one counts?", MAGIC + one + one + END)
    yield _case("differences-descending", "BN-1", "names descend", MAGIC + other + one + END)
    yield _case("difference-of-one", "BN-1", "a name of one view", MAGIC + _entry(7, b"{}", low) + END)
    capitals = _entry(7, b"{}", low + b"/" + high.upper())
    yield _case("difference-in-capitals", "BN-1", "a digest in upper case", MAGIC + capitals + END)
    large = _entry(7, b"", low + b"/" + high, size=2**20 + 1)
    yield _case("difference-too-large", "BN-2", "refused before it is read", MAGIC + large + END)
