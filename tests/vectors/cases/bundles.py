"""Bundles, byte by byte (SPEC BN)."""

from tests.vectors.cases.common import ACCEPTED, WORLD, Case, Cases, case

MAGIC = b"sealring bundle 1\n"
END = bytes(11)
STATEMENT = WORLD.root.raw


def _entry(kind: int, data: bytes, name: bytes = b"", size: int | None = None) -> bytes:
    length = len(data) if size is None else size
    return bytes([kind]) + len(name).to_bytes(2, "big") + length.to_bytes(8, "big") + name + data


def _case(name: str, rule: str, comment: str, raw: bytes, entries: int = 0, **headers: str) -> Case:
    facts = {} if rule else {"entries": str(entries)}
    return case(f"bundle/{name}", rule, comment, "bundle", ("bundle", raw), **headers, **facts)


def cases() -> Cases:
    key, digest = b"1" * 64, b"a" * 64
    proof = b"0" * 64 + b"/" + key
    whole = _entry(1, STATEMENT) + _entry(2, b"{}", b"1.root.json") + _entry(2, b"{}", b"timestamp.json")
    whole += _entry(3, b"{}") + _entry(4, b"\1\0", proof) + _entry(5, bytes(96), b"8/3")
    yield _case("empty", ACCEPTED, "no entries", MAGIC + END, 0)
    yield _case(
        "every-kind",
        ACCEPTED,
        "an entry of each kind, an image of four bytes last",
        MAGIC + whole + _entry(16, b"hsqs", digest) + END,
        7,
        image_limit="4",
    )
    yield _case("another-first-line", "BN-1", "version 2", MAGIC.replace(b"1", b"2") + END)
    yield _case("no-bytes", "BN-1", "no bytes", b"")
    yield _case("no-end", "BN-1", "the end is missing: cut off between two entries", MAGIC + whole)
    yield _case("cut-off", "BN-1", "cut off inside an entry", MAGIC + whole[:-1])
    yield _case("bytes-after-the-end", "BN-1", "a byte behind the end", MAGIC + END + b"\0")
    yield _case("unknown-kind", "BN-2", "kind 7", MAGIC + _entry(7, b"") + END)
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
