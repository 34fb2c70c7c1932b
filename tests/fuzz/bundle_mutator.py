"""Changes a bundle as one who knows its form: entries, names, lengths, and what is inside (SPEC BN-1)."""

from random import Random

from tests.fuzz.json_mutator import change_json
from tests.fuzz.mutate import change_bytes

MAGIC = b"sealring bundle 1\n"
_NAMES = (b"", b"a", b"../a", b"3.root.json", b"a/b", b"0" * 64, b"1/2", b"0" * 64 + b"/" + b"1" * 64, b"\xff", b"A")
_SIZES = (0, 1, 31, 32, 2048, 2049, 2**18, 2**18 + 1, 2**40, 2**63, 2**64 - 1)
Entry = tuple[int, bytes, bytes]


def change_bundle(raw: bytes, seed: int) -> bytes:
    """The bundle with one entry or two changed."""
    rng = Random(seed)
    entries, rest = _read(raw)
    for _ in range(rng.choice((1, 1, 2))):
        _change(entries, rng)
    if rng.random() < 0.7:
        entries.sort(key=lambda entry: (entry[0] == 0, entry[0], entry[1]))
    packed = b"".join(_pack(entry, rng) for entry in entries)
    return MAGIC + packed + (rest if rng.random() < 0.9 else rng.choice((b"", b"\x00", packed[:40])))


def change_bundle_after(head: int, raw: bytes, seed: int) -> bytes:
    """As `change_bundle`, where `head` bytes stand before it."""
    rng = Random(seed)
    start = raw[:head] if rng.random() < 0.8 else rng.randbytes(head)
    return start + change_bundle(raw[head:], seed)


def _read(raw: bytes) -> tuple[list[Entry], bytes]:
    """The entries as far as they can be told, and what is left."""
    entries: list[Entry] = []
    at = len(MAGIC)
    while at + 11 <= len(raw):
        name_end = at + 11 + int.from_bytes(raw[at + 1 : at + 3], "big")
        end = name_end + int.from_bytes(raw[at + 3 : at + 11], "big")
        if end > len(raw):
            break
        entries.append((raw[at], raw[at + 11 : name_end], raw[name_end:end]))
        at = end
    return entries, raw[at:]


def _change(entries: list[Entry], rng: Random) -> None:
    if not entries:
        entries.append((0, b"", b""))
    at = rng.randrange(len(entries))
    kind, name, data = entries[at]
    what = rng.randrange(8)
    if what < 3:
        changed = change_json(data, rng) if rng.random() < 0.8 else None
        entries[at] = (kind, name, changed if changed is not None else change_bytes(data, rng))
    elif what == 3:
        entries[at] = (rng.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 255)), name, data)
    elif what == 4:
        entries[at] = (kind, rng.choice((*_NAMES, change_bytes(name, rng), name + b"0")), data)
    elif what == 5:
        del entries[at]
    elif what == 6:
        entries.insert(at, entries[rng.randrange(len(entries))])
    else:
        other = rng.randrange(len(entries))
        entries[at], entries[other] = entries[other], entries[at]


def _pack(entry: Entry, rng: Random) -> bytes:
    kind, name, data = entry
    size = len(data) if rng.random() < 0.98 else rng.choice(_SIZES)
    length = len(name) if rng.random() < 0.99 else rng.choice((0, 1, 4352, 4353, 65_535))
    return bytes((kind,)) + (length % 65_536).to_bytes(2, "big") + size.to_bytes(8, "big") + name + data
