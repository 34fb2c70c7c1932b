"""What a device remembers of a subject, and where the map has it (SPEC FL-4, MP-1)."""

from itertools import combinations

from sealring.catalogue.leaf import map_key
from tests.vectors.cases.authority import ONE, ROLE
from tests.vectors.cases.chain import ANCHOR, HELD, Part
from tests.vectors.cases.common import ACCEPTED, WORLD, Cases, case
from tests.world import Key, key_set, sign

MANY = [Key(f"acme-{n}") for n in "abcdef"]
WIDE = (ANCHOR, ("held", sign(WORLD.brand(keys=key_set(2, *MANY)), *ROLE).raw))


def _floors(*signers: tuple[Key, ...]) -> tuple[Part, ...]:
    """Releases with ascending sequences, by these."""
    return tuple(("floor", sign(WORLD.release(n), *by).raw) for n, by in enumerate(signers, 1))


def _kept() -> Cases:
    a, b, c = ONE
    thief, honest = [tuple(pair) for pair in combinations(MANY[:5], 2)], (MANY[4], MANY[5])
    for name, kept, comment, before, floors in (
        ("same-signers", "3", "the highest alone, where all have its signers", HELD, _floors((a, b), (a, b), (a, b))),
        ("fewer-signers", "2", "or some of them", HELD, _floors((a, b), (a, b, c))),
        ("more-signers", "2 1", "an earlier one that has one more", HELD, _floors((a, b, c), (a, b))),
        ("between-two", "3 2 1", "one whose signers two higher ones share", HELD, _floors((b, c), (a, c), (a, b))),
        ("uncounted", "2", "one that does not count is not among them", HELD, _floors((a,), (a, b))),
        ("thief", "11 10 9 8 7 6 5 1", "who signs often pushes nobody out", WIDE, _floors(honest, *thief)),
        ("thief-in-turn", "11 10 9 8 7 6 5 4", "a thief's own go first", WIDE, _floors(*thief, honest)),
    ):
        headers = {"type": "release", "authority": "acme", "kept": kept}
        yield case(f"kept/{name}", ACCEPTED, comment, "kept", *before, *floors, **headers)


def _keys() -> Cases:
    root = bytes.fromhex(WORLD.root_id)
    for name, kind, number, subject, comment in (
        ("release", "release", 1, "acme/tool/latest/stable", "the key of a release"),
        ("view", "view", 1, "acme/door-1", "of a view"),
        ("newer-format", "release", 2, "acme/tool/latest/stable", "of another format"),
        ("unknown-type", "audit-2", 1, "acme/tool", "of a type that nobody knows yet"),
        ("longest", "a" * 32, 1, "!" * 512, "as long as they may be"),
    ):
        parts = (("root", root), ("subject", subject.encode()))
        key = map_key(root, kind, number, subject).hex()
        yield case(f"map-key/{name}", ACCEPTED, comment, "map-key", *parts, type=kind, format=str(number), key=key)
    for name, kind, about, comment in (
        ("no-subject", "release", b"", "no subject"),
        ("subject-too-long", "release", b"a" * 513, "a subject of 513 characters"),
        ("blank", "release", b"acme/tool now", "a blank"),
        ("quote", "release", b'acme/"tool"', "a quote"),
        ("backslash", "release", b"acme\\tool", "a backslash"),
        ("zero", "release", b"acme/tool\0", "a zero byte"),
        ("not-ascii", "release", "acme/t\u00f6l".encode(), "a letter beyond ASCII"),
        ("type-in-capitals", "Release", b"acme/tool", "a type in capitals"),
        ("type-too-long", "a" * 33, b"acme/tool", "a type of 33 characters"),
        ("type-begins-with-digit", "2release", b"acme/tool", "a type that begins with a digit"),
    ):
        parts = (("root", root), ("subject", about))
        yield case(f"map-key/{name}", "MP-1", comment, "map-key", *parts, type=kind, format="1")


def cases() -> Cases:
    for part in (_kept, _keys):
        yield from part()
