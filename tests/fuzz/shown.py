"""Judges for what makes an answer short: statements in parts, views' differences, questions (SPEC BN, AN)."""

import json
from collections.abc import Iterator
from hashlib import sha256
from random import Random

from sealring.bundle import envelope_of_parts, parts_of_envelope
from sealring.catalogue.leaf import Head
from sealring.catalogue.view import MAX_ROWS, View, make_view, parse_view
from sealring.catalogue.view_difference import (
    OtherResult,
    ViewDifference,
    apply_difference,
    difference_between,
    difference_bytes,
    parse_view_difference,
)
from sealring.envelope import parse_envelope
from sealring.errors import TrustError
from sealring_server.answer_question import Question, parse_question
from tests.fuzz.harness import check_plain_json
from tests.fuzz.json_mutator import change_json
from tests.fuzz.mutate import change_bytes

_MEMBERS = (b"root=2", b"brands=acme.1,globex.2", b"tuf=1.2.3.4", b"entry=7", b"view=" + b"ab" * 32)
_NUMBERS = (b"0", b"1", b"01", b"-1", b"9007199254740991", b"9007199254740992", b"\xd9\xa1", b"1.1", b"")


def parts(raw: bytes) -> bool:
    """BN-4: the one envelope that they make has these parts, and no others."""
    made = envelope_of_parts(raw)
    found = parse_envelope(made)
    assert found.signatures
    assert len(raw) < len(made) <= 256 * 1024
    assert parts_of_envelope(made) == raw
    return True


def change_parts(data: bytes, seed: int) -> bytes:
    """Parts with one signature changed, moved, repeated or gone, or another count."""
    rng = Random(seed)
    end = 4 + int.from_bytes(data[:4], "big")
    signatures, rest = _signatures(data[end + 1 :])
    payload, count = data[4:end], data[end : end + 1]
    if not signatures or rng.random() < 0.2:
        return change_bytes(data, rng)
    at, what = rng.randrange(len(signatures)), rng.randrange(5)
    if what == 0:
        signatures.insert(rng.randrange(len(signatures) + 1), signatures[at])
    elif what == 1:
        key, sig = signatures[at]
        signatures[at] = (change_bytes(key, rng)[:32].ljust(32, b"\0"), sig)
    elif what == 2:
        key, sig = signatures[at]
        signatures[at] = (key, rng.choice((b"", sig * 2, sig[:-1], b"s" * 4096, b"s" * 4097)))
    elif what == 3:
        del signatures[at]
    else:
        payload = change_json(payload, rng) or change_bytes(payload, rng)
    if rng.random() < 0.7:
        signatures.sort()
    if rng.random() < 0.9:
        count = bytes((len(signatures) % 256,))
    body = b"".join(key + (len(sig) % 65_536).to_bytes(2, "big") + sig for key, sig in signatures)
    return len(payload).to_bytes(4, "big") + payload + count + body + rest


def _signatures(raw: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    found, at = [], 0
    while at + 34 <= len(raw):
        end = at + 34 + int.from_bytes(raw[at + 32 : at + 34], "big")
        if end > len(raw):
            break
        found.append((raw[at : at + 32], raw[at + 34 : end]))
        at = end
    return found, raw[at:]


def difference(data: bytes) -> bool:
    """BN-5: an input is a view, a line's end, and a difference; the result is what another reader makes of the two."""
    first, _, raw = data.partition(b"\n")
    found = parse_view_difference(raw)
    said = check_plain_json(raw)
    assert len(raw) <= 1024 * 1024
    assert difference_bytes(found) == raw
    assert not set(found.removed) & set(found.changed)
    _check_result(parse_view(first), found, said)
    return True


def _check_result(base: View, found: ViewDifference, said: dict[str, list[list[object]]]) -> None:
    rows = {tuple(row[:3]): row for row in json.loads(base.raw)["statements"]}
    there = all(tuple(row) in rows for row in said["removed"])
    for row in said["removed"]:
        rows.pop(tuple(row), None)
    rows.update({tuple(row[:3]): row for row in said["changed"]})
    if not there or len(rows) > MAX_ROWS:
        _refused(base, found, base.digest)
        return
    heads = {about: Head(row[3], bytes.fromhex(row[4]), bytes.fromhex(row[5])) for about, row in rows.items()}
    expected = make_view(base.root, base.model, heads)
    assert apply_difference(base, found, expected.digest) == expected
    assert parse_view_difference(difference_bytes(difference_between(base, expected))).removed == found.removed
    _refused(base, found, sha256(expected.raw + b" ").digest())


def _refused(base: View, found: ViewDifference, to: bytes) -> None:
    try:
        apply_difference(base, found, to)
    except OtherResult:
        return
    raise AssertionError("a difference led where it does not lead")


def change_difference(data: bytes, seed: int) -> bytes:
    """The view or the difference changed, as one who knows JSON."""
    rng = Random(seed)
    first, _, raw = data.partition(b"\n")
    if rng.random() < 0.8:
        return first + b"\n" + (change_json(raw, rng) or change_bytes(raw, rng))
    return (change_json(first, rng) or change_bytes(first, rng)) + b"\n" + raw


def differences() -> Iterator[bytes]:
    """Views and what leads from each to the others."""
    heads = [Head(n, sha256(b"%d" % n).digest(), sha256(b"e%d" % n).digest()) for n in range(1, 7)]
    abouts = [("model", 1, "acme/door-1"), ("release", 1, "acme/tool/stable"), ("release", 10, "acme/tool/stable")]
    abouts += [("revision", 1, f"acme/tool/{n}/amd64") for n in (1, 2)]
    views = [
        make_view(bytes(32), "acme/door-1", {about: heads[at + shift] for at, about in enumerate(abouts[skip:])})
        for shift, skip in ((0, 0), (1, 0), (0, 1), (1, 2), (0, 5))
    ]
    for base in views:
        for to in views:
            yield base.raw + b"\n" + difference_bytes(difference_between(base, to))


def question(raw: bytes) -> bool:
    """AN-1: what a device has, in one spelling."""
    found = parse_question(raw)
    assert _spelt(found).encode() == raw
    assert len(raw) <= 8192
    return True


def _spelt(found: Question) -> str:
    members = {
        "root": found.root,
        "brands": ",".join(f"{name}.{number}" for name, number in found.brands),
        "tuf": ".".join(map(str, found.tuf)) if any(found.tuf) else "",
        "entry": found.entry,
        "view": found.view,
    }
    return "&".join(f"{name}={value}" for name, value in members.items() if value)


def change_question(data: bytes, seed: int) -> bytes:
    """The question with a member more, less, elsewhere, or with another number."""
    rng = Random(seed)
    members, what = data.split(b"&"), rng.randrange(5)
    at = rng.randrange(len(members))
    if what == 0:
        members.insert(at, rng.choice(_MEMBERS))
    elif what == 1:
        del members[at]
    elif what == 2:
        members[at] = change_bytes(members[at], rng)
    elif what == 3:
        name, _, value = members[at].partition(b"=")
        numbers = value.split(b".")
        numbers[rng.randrange(len(numbers))] = rng.choice(_NUMBERS)
        members[at] = name + b"=" + b".".join(numbers)
    elif members:
        rng.shuffle(members)
    return b"&".join(members)


def questions() -> Iterator[bytes]:
    """Each member, and all of them."""
    yield from (b"", *_MEMBERS, b"&".join(_MEMBERS))
    yield b"brands=" + b",".join(b"b%02d.%d" % (at, 2**53 - 1) for at in range(64))


def parts_seeds(envelopes: Iterator[bytes]) -> Iterator[bytes]:
    """The parts of these envelopes."""
    for raw in envelopes:
        try:
            yield parts_of_envelope(raw)
        except TrustError:
            continue
