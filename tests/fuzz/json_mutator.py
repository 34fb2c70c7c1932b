"""Changes JSON as one who knows it: members, order, numbers, instants, base64, and other spellings of the same.

A byte-wise mutator breaks a statement's syntax nearly always. This one keeps it nearly always, and goes on inside
what is JSON in base64, so that an envelope's payload is reached too.
"""

import base64
import binascii
import json
from random import Random
from typing import Any

MAX_DEPTH = 12  # of a document that is changed by its structure


class Members(list[tuple[str, Any]]):
    """An object's members in their order, with repeats."""


class Raw(str):
    """A value in JSON's own spelling."""

    __slots__ = ()


_NUMBERS = (0, 1, 2, 3, 31, 32, 33, 64, 255, 256, 400, 10_000, 65_536, 2**31 - 1, 2**31, 2**40, 2**53 - 1, 2**53, 2**64)
_ODD_NUMBERS = tuple(map(Raw, ("1.0", "1e0", "-0", "0.5", "1E2", "01", "+1", "9" * 400, "NaN", "-1", "1e999")))
_STRINGS = (
    "", " ", "a", "0", "-", "a-b", "A", "a" * 40, "a" * 41, "a--b", "root", "acme", "acme/tool", "acme/*", "a/b/c",
    "ed25519", "ecdsa-p256", "ml-dsa-65", "classical", "required", "if_known", "latest/stable", "0" * 64, "f" * 64,
    "F" * 64, "0" * 63, "\n", "a\n", "\x00", "\x7f", "\u00e9", "\u202e", "\ud800", '"', "\\", "/", "~", "a" * 201,
    "http://a", "https://[::1]:1/a", "http://a:0", "http://a:65536", "http://a/..", "http://u@a", "a b", "../..",
)  # fmt: skip
_INSTANTS = (
    "2026-03-01T12:00:00Z", "2026-03-01T12:00:01Z", "2027-03-01T12:00:00Z", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "2026-03-01T12:00:60Z", "2026-03-01T24:00:00Z",
    "2026-03-01T12:00:00+00:00", "2026-03-01T12:00:00-00:00", "2026-03-01T12:00:00.000Z", "2026-03-01T12:00:00.5Z",
    "2026-03-01t12:00:00z", "2026-03-01 12:00:00Z", "2026-03-01T12:00Z", "2026-03-01T12:00:00", "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00", "2026-03-01T12:00:00+24:00",
)  # fmt: skip
_OTHERS = (None, True, False, Raw("{}"), Raw("[]"), Raw('{"a":1}'), Raw("[1]"), Raw('{"a":1,"a":1}'))


def change_json(raw: bytes, rng: Random) -> bytes | None:
    """The document with one to four changes, or None where it is none that can be read."""
    tree = _read(raw)
    if tree is None:
        return None
    holder = [tree]
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        _change(holder, rng)
    return _spell(holder[0], rng) if holder else b""


def _read(raw: bytes) -> Any:
    try:
        found = json.loads(raw, object_pairs_hook=Members, parse_float=Raw, parse_constant=Raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and _depth(found) <= MAX_DEPTH else None


def _depth(value: Any) -> int:
    if not isinstance(value, list):
        return 0
    return 1 + max((_depth(item[1] if isinstance(value, Members) else item) for item in value), default=0)


def _slots(container: list[Any], found: list[tuple[list[Any], int]]) -> list[tuple[list[Any], int]]:
    """Every place of a value below `container`."""
    for at, item in enumerate(container):
        value = item[1] if isinstance(container, Members) else item
        found.append((container, at))
        if isinstance(value, list):
            _slots(value, found)
    return found


def _get(container: list[Any], at: int) -> Any:
    return container[at][1] if isinstance(container, Members) else container[at]


def _put(container: list[Any], at: int, value: Any) -> None:
    container[at] = (container[at][0], value) if isinstance(container, Members) else value


def _change(holder: list[Any], rng: Random) -> None:
    slots = _slots(holder, [])
    if not slots:
        return
    container, at = rng.choice(slots)
    kind = rng.randrange(16)
    if kind < 8:
        _put(container, at, _other(_get(container, at), rng))
    elif kind < 10:
        source, place = rng.choice(slots)
        _put(container, at, _copy(_get(source, place)))
    elif kind == 10:
        del container[at]
    elif kind == 11:
        container.insert(rng.randint(0, len(container)), _copy(container[at]))
    elif kind == 12:
        other = rng.randrange(len(container))
        container[at], container[other] = container[other], container[at]
    elif kind == 13:
        _order(container, rng)
    elif isinstance(container, Members):
        name = rng.choice((container[rng.randrange(len(container))][0], "not_before", "x", "type", "a", ""))
        value = _get(container, at)
        container.insert(at, (name, value)) if kind == 14 else _rename(container, at, name)


def _rename(container: Members, at: int, name: str) -> None:
    container[at] = (name, container[at][1])


def _order(container: list[Any], rng: Random) -> None:
    if rng.random() < 0.5:
        container.reverse()
    elif rng.random() < 0.5:
        rng.shuffle(container)
    else:
        container.sort(key=repr)


def _copy(value: Any) -> Any:
    if isinstance(value, Members):
        return Members((name, _copy(member)) for name, member in value)
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return (value[0], _copy(value[1])) if isinstance(value, tuple) else value


def _other(value: Any, rng: Random) -> Any:
    """Another value, mostly of the same kind."""
    if rng.random() < 0.06:
        return rng.choice((*_OTHERS, *_ODD_NUMBERS, *_NUMBERS[:3], *_STRINGS[:6]))
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        near = value + rng.choice((-2, -1, 1, 2, 3600, -86_400))
        return rng.choice((near, near, rng.choice(_NUMBERS), rng.choice(_ODD_NUMBERS), rng.getrandbits(20)))
    if isinstance(value, str):
        return _other_text(value, rng)
    if isinstance(value, list):
        return _other_list(value, rng)
    return rng.choice(_OTHERS)


def _other_list(value: list[Any], rng: Random) -> Any:
    kind = rng.randrange(5)
    if kind == 0:
        return type(value)()
    if kind == 1:
        depth = rng.choice((1, 2, 15, 17, 1100))
        return Raw("[" * depth + "]" * depth)
    if kind == 2 and len(value) < 300:
        return type(value)(_copy(value) * rng.choice((2, 9, 33)))
    return type(value)(value[: rng.randint(0, len(value))])


def _other_text(text: str, rng: Random) -> str:
    if len(text) >= 19 and text[4:5] == "-" and rng.random() < 0.7:
        return rng.choice(_INSTANTS)
    kind = rng.randrange(8)
    if kind == 0:
        return rng.choice(_STRINGS)
    if kind < 4 and len(text) % 4 == 0:
        inner = _unpack(text)
        if inner is not None:
            return _repack(inner, text, rng)
    place = rng.randint(0, len(text))
    if kind == 4:
        return text[:place] + rng.choice(_STRINGS) + text[place:]
    if kind == 5:
        return text[:place] + text[place + 1 :]
    if kind == 6:
        return text * rng.choice((2, 3, 20)) if len(text) < 200 else text[:place]
    return text[:place] + chr(rng.choice((rng.randrange(32, 127), rng.randrange(256)))) + text[place + 1 :]


def _unpack(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _repack(inner: bytes, text: str, rng: Random) -> str:
    """Base64 of other bytes, or other base64 of the same bytes."""
    if rng.random() < 0.1:
        return rng.choice((text.rstrip("="), text + "=", text[:-2] + "B=", text[:-3] + "/==", text.replace("+", "-")))
    changed = change_json(inner, rng) if inner[:1] == b"{" else None
    if changed is None:
        place = rng.randint(0, len(inner))
        start, rest = inner[:place], inner[place + 1 :]
        changed = rng.choice((start, inner + start, start + rng.randbytes(1) + rest))
    return base64.b64encode(changed).decode()


def _spell(value: Any, rng: Random) -> bytes:
    """The compact spelling; now and then another one, of which nothing may be accepted."""
    escaped = rng.random() < 0.8
    text = _text(value, escaped)
    raw = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.93:
        return raw
    place = rng.randint(0, len(raw))
    kind = rng.randrange(4)
    if kind == 0:
        return raw[:place] + rng.choice((b" ", b"\n", b"\t", b"\x00", b",")) + raw[place:]
    if kind == 1:
        letter = raw[place : place + 1]
        return raw[:place] + b"\\u%04x" % letter[0] + raw[place + 1 :] if letter else raw + b"\n"
    return raw + rng.choice((b" ", b"\n", b"{}", b"\x00", b"}")) if kind == 2 else b"\xef\xbb\xbf" + raw


def _text(value: Any, escaped: bool) -> str:
    if isinstance(value, Members):
        pairs = (f"{json.dumps(name, ensure_ascii=escaped)}:{_text(member, escaped)}" for name, member in value)
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(_text(item, escaped) for item in value) + "]"
    return json.dumps(value, ensure_ascii=escaped)
