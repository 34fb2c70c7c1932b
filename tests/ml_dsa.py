"""ML-DSA-65 that signs the same bytes twice alike, in plain Python after FIPS 204 (SPEC KY-2).

The library that verifies for us signs with fresh randomness only, and a test vector must be the same in every run. This
signs in the standard's deterministic variant; it takes a tenth of a second, hides nothing from who measures it, and is
for keys that guard nothing.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import shake_128, shake_256
from itertools import count, pairwise

Poly = list[int]

Q, D, ROWS, COLUMNS = 8380417, 13, 6, 5
ETA, TAU, GAMMA1, GAMMA2, BETA, OMEGA = 4, 49, 1 << 19, (Q - 1) // 32, 196, 55
ZETAS = [pow(1753, int(f"{k:08b}"[::-1], 2), Q) for k in range(256)]
C_BYTES, Z_BYTES, HINT_BYTES = 48, COLUMNS * 640, OMEGA + ROWS
PURE = b"\0\0"


def public_of(seed: bytes) -> bytes:
    """The 1,952 bytes of the public key that this seed of 32 bytes makes (algorithm 6)."""
    return _keys(seed)[0]


@lru_cache(maxsize=1024)
def sign(seed: bytes, message: bytes, *, before: bytes = PURE, long_z: bool = False) -> bytes:
    """The deterministic signature over a message (algorithms 2 and 7), 3,309 bytes.

    Args:
        before: what tells the standard's variants apart; SPEC KY-2 has the pure one with an empty context.
        long_z: take an attempt that the standard throws away because z is too long. Its equation holds, so that only
            a verifier which measures z refuses it.
    """
    public, private, matrix, (s1, s2, t0) = _keys(seed)
    mu = shake_256(shake_256(public).digest(64) + before + message).digest(64)
    mask = shake_256(private + bytes(32) + mu).digest(64)
    for attempt in count(0, COLUMNS):
        y = [_mask(mask, attempt + row) for row in range(COLUMNS)]
        w = [_inverse(row) for row in _times(matrix, [_ntt(p) for p in y])]
        challenge = shake_256(mu + b"".join(_pack((_split(x)[0] for x in p), 4) for p in w)).digest(C_BYTES)
        c = _ntt(_ball(challenge))
        z = [_plus(p, _inverse(_pointwise(c, s))) for p, s in zip(y, s1, strict=True)]
        rest = [_plus(p, _inverse(_pointwise(c, s)), -1) for p, s in zip(w, s2, strict=True)]
        lows = max(abs(_split(x)[1]) for p in rest for x in p)
        longest = max(abs(_centred(x)) for p in z for x in p)
        # One that is longer than GAMMA1 can't be written down.
        z_fits = GAMMA1 - BETA <= longest < GAMMA1 if long_z else longest < GAMMA1 - BETA
        if not z_fits or lows >= GAMMA2 - BETA:
            continue
        ct0 = [_inverse(_pointwise(c, t)) for t in t0]
        sums = [_plus(p, t) for p, t in zip(rest, ct0, strict=True)]
        hint = [
            [int(_split(a)[0] != _split(b)[0]) for a, b in zip(p, s, strict=True)]
            for p, s in zip(rest, sums, strict=True)
        ]
        if max(abs(_centred(x)) for p in ct0 for x in p) < GAMMA2 and sum(map(sum, hint)) <= OMEGA:
            return challenge + b"".join(_pack((GAMMA1 - _centred(x) for x in p), 20) for p in z) + _hint(hint)
    raise AssertionError("count() does not end")


def equation_holds(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the challenge fits, and nothing else (algorithm 8 without its bounds): no verifier."""
    rho, packed = public[:32], public[32:]
    challenge, hint = signature[:C_BYTES], signature[C_BYTES + Z_BYTES :]
    z = [
        [GAMMA1 - x for x in _unpack(signature[C_BYTES + 640 * n : C_BYTES + 640 * (n + 1)], 20)]
        for n in range(COLUMNS)
    ]
    highs = [_ntt([x << D for x in _unpack(packed[320 * n : 320 * (n + 1)], 10)]) for n in range(ROWS)]
    c, ends = _ntt(_ball(challenge)), [0, *hint[OMEGA:]]
    rows = zip(_times(_matrix(rho), [_ntt(p) for p in z]), highs, strict=True)
    w = [_plus(_inverse(row), _inverse(_pointwise(c, high)), -1) for row, high in rows]
    said = [set(hint[begin:end]) for begin, end in pairwise(ends)]
    highs = [[_hinted(x, n in places) for n, x in enumerate(p)] for p, places in zip(w, said, strict=True)]
    mu = shake_256(shake_256(public).digest(64) + PURE + message).digest(64)
    return shake_256(mu + b"".join(_pack(p, 4) for p in highs)).digest(C_BYTES) == challenge


def _hinted(x: int, other: bool) -> int:
    """The high part of a number, or the one beside it (algorithm 40)."""
    high, low = _split(x)
    return (high + (1 if low > 0 else -1)) % 16 if other else high


@lru_cache(maxsize=16)
def _keys(seed: bytes) -> tuple[bytes, bytes, list[list[Poly]], tuple[list[Poly], list[Poly], list[Poly]]]:
    """Public key, the private key's K, the matrix, and s1, s2 and t0 as the signer wants them."""
    expanded = shake_256(seed + bytes([ROWS, COLUMNS])).digest(128)
    rho, secret, private = expanded[:32], expanded[32:96], expanded[96:]
    matrix = _matrix(rho)
    small = [_small(secret + n.to_bytes(2, "little")) for n in range(COLUMNS + ROWS)]
    s1, s2 = [_ntt(p) for p in small[:COLUMNS]], small[COLUMNS:]
    t = [_plus(_inverse(row), s) for row, s in zip(_times(matrix, s1), s2, strict=True)]
    highs = [[(x + (1 << D - 1) - 1) >> D for x in p] for p in t]
    lows = [[x - (h << D) for x, h in zip(p, high, strict=True)] for p, high in zip(t, highs, strict=True)]
    public = rho + b"".join(_pack(p, 10) for p in highs)
    return public, private, matrix, (s1, [_ntt(p) for p in s2], [_ntt(p) for p in lows])


def _matrix(rho: bytes) -> list[list[Poly]]:
    return [[_uniform(rho + bytes([c, r])) for c in range(COLUMNS)] for r in range(ROWS)]


def _uniform(seed: bytes) -> Poly:
    """256 numbers below Q (algorithm 30); one in a thousand is thrown away, so that 300 are enough."""
    stream = shake_128(seed).digest(900)
    found = [int.from_bytes(stream[n : n + 3], "little") & 0x7FFFFF for n in range(0, 900, 3)]
    return _first_256(x for x in found if x < Q)


def _small(seed: bytes) -> Poly:
    """256 numbers from -ETA to ETA (algorithm 31); seven halves of a byte in sixteen are thrown away."""
    halves = (half for byte in shake_256(seed).digest(512) for half in (byte & 15, byte >> 4))
    return _first_256(ETA - half for half in halves if half < 9)


def _first_256(values: Iterable[int]) -> Poly:
    found = [x for x, _ in zip(values, range(256), strict=False)]
    assert len(found) == 256
    return found


def _mask(seed: bytes, nonce: int) -> Poly:
    """256 numbers from 1 - GAMMA1 to GAMMA1 (algorithm 34)."""
    drawn = int.from_bytes(shake_256(seed + nonce.to_bytes(2, "little")).digest(640), "little")
    return [GAMMA1 - (drawn >> 20 * n & 0xFFFFF) for n in range(256)]


def _ball(seed: bytes) -> Poly:
    """TAU of 256 numbers are 1 or -1, the others 0 (algorithm 29)."""
    stream = shake_256(seed).digest(1024)
    signs, places, c = int.from_bytes(stream[:8], "little"), iter(stream[8:]), [0] * 256
    for n in range(256 - TAU, 256):
        place = next(p for p in places if p <= n)
        c[n], c[place] = c[place], 1 - 2 * (signs & 1)
        signs >>= 1
    return c


def _ntt(poly: Poly) -> Poly:
    w, m, length = list(poly), 0, 128
    while length:
        for start in range(0, 256, 2 * length):
            m += 1
            zeta = ZETAS[m]
            for n in range(start, start + length):
                turned = zeta * w[n + length] % Q
                w[n + length], w[n] = w[n] - turned, w[n] + turned
        length //= 2
    return [x % Q for x in w]


def _inverse(poly: Poly) -> Poly:
    w, m, length = list(poly), 256, 1
    while length < 256:
        for start in range(0, 256, 2 * length):
            m -= 1
            zeta = -ZETAS[m]
            for n in range(start, start + length):
                w[n], w[n + length] = w[n] + w[n + length], zeta * (w[n] - w[n + length]) % Q
        length *= 2
    return [x * 8347681 % Q for x in w]


def _times(matrix: list[list[Poly]], vector: list[Poly]) -> list[Poly]:
    return [
        [sum(terms) % Q for terms in zip(*(_pointwise(a, v) for a, v in zip(row, vector, strict=True)), strict=True)]
        for row in matrix
    ]


def _pointwise(a: Poly, b: Poly) -> Poly:
    return [x * y for x, y in zip(a, b, strict=True)]


def _plus(a: Poly, b: Poly, sign_of_b: int = 1) -> Poly:
    return [(x + sign_of_b * y) % Q for x, y in zip(a, b, strict=True)]


def _centred(x: int) -> int:
    x %= Q
    return x - Q if x > Q // 2 else x


def _split(x: int) -> tuple[int, int]:
    """The high part, 0 to 15, and the low part of a number (algorithm 36)."""
    x %= Q
    low = x % (2 * GAMMA2)
    low -= 2 * GAMMA2 if low > GAMMA2 else 0
    return (0, low - 1) if x - low == Q - 1 else ((x - low) // (2 * GAMMA2), low)


def _pack(values: Iterable[int], bits: int) -> bytes:
    packed = "".join(f"{x:0{bits}b}"[::-1] for x in values)
    return int(packed[::-1], 2).to_bytes(len(packed) // 8, "little")


def _unpack(packed: bytes, bits: int) -> Poly:
    number = int.from_bytes(packed, "little")
    return [number >> bits * n & (1 << bits) - 1 for n in range(8 * len(packed) // bits)]


def _hint(hint: Sequence[Poly]) -> bytes:
    """The places of the ones, then for each row how many there are up to it (algorithm 20)."""
    places: list[int] = []
    ends: list[int] = []
    for poly in hint:
        places += [n for n, one in enumerate(poly) if one]
        ends.append(len(places))
    return bytes([*places, *bytes(OMEGA - len(places)), *ends])
