"""Changes any input, from a seed alone, so that each run of one commit tries the same."""

from random import Random

from tests.fuzz.harness import Harness
from tests.fuzz.json_mutator import change_json

_WORDS = (b"\x00", b"\x01", b"\x7f", b"\x80", b"\xff", b"\x00" * 8, b"\xff" * 8, b"\x00\x1f\xff\xff\xff\xff\xff\xff")


def mutate(harness: Harness, data: bytes, seed: int) -> bytes:
    """Another input for this harness, no longer than it takes."""
    rng = Random(seed)
    changed: bytes | None = None
    if harness.mutate is not None and rng.random() < 0.8:
        changed = harness.mutate(data, seed)
    elif rng.random() < 0.85:
        changed = change_json(data, rng)
    if changed is None:
        changed = change_bytes(data, rng)
    changed = changed[: harness.largest]
    return harness.mend(changed) if harness.mend is not None and rng.random() < 0.9 else changed


def change_bytes(data: bytes, rng: Random) -> bytes:
    """One to four changes that know nothing of any form."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randint(0, len(changed))
        length = min(rng.choice((1, 1, 2, 8, 32, 33, 72)), max(1, len(changed) - place))
        kind = rng.randrange(7)
        if kind == 0 and place < len(changed):
            changed[place] ^= 1 << rng.randrange(8)
        elif kind == 1 and place < len(changed):
            changed[place] = rng.randrange(256)
        elif kind == 2:
            del changed[place : place + length]
        elif kind == 3:
            changed[place:place] = changed[place : place + length]
        elif kind == 4:
            changed[place : place + length] = rng.choice(_WORDS)
        elif kind == 5:
            changed[place:place] = rng.randbytes(length)
        else:
            other = rng.randint(0, len(changed))
            changed[place : place + length] = changed[other : other + length]
    return bytes(changed)
