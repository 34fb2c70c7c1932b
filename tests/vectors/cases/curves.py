"""Points of P-256 and P-384 in plain Python, for signatures that no honest signer makes."""

from dataclasses import dataclass
from hashlib import sha256, sha384

from sealring.algorithm import P256_ORDER, P384_ORDER

Point = tuple[int, int]


@dataclass(frozen=True)
class Curve:
    """y^2 = x^3 - 3x + b over a prime field, and the group of prime order that `base` makes."""

    kind: str
    size: int
    prime: int
    b: int
    order: int
    base: Point

    def digest(self, message: bytes) -> int:
        """The message as ECDSA signs it."""
        return int.from_bytes((sha256 if self.size == 32 else sha384)(message).digest(), "big")

    def has(self, point: Point) -> bool:
        """Whether a point is on the curve."""
        x, y = point
        return (y * y - x**3 + 3 * x - self.b) % self.prime == 0

    def lift(self, x: int) -> Point | None:
        """A point with this x, if there is one: both primes are 3 modulo 4."""
        y = pow(x**3 - 3 * x + self.b, (self.prime + 1) // 4, self.prime)
        return (x, y) if self.has((x, y)) else None

    def add(self, a: Point, b: Point) -> Point:
        """The sum of two points that are not each other's negative."""
        p = self.prime
        rise, run = (3 * a[0] * a[0] - 3, 2 * a[1]) if a == b else (b[1] - a[1], b[0] - a[0])
        slope = rise * pow(run, -1, p)
        x = (slope * slope - a[0] - b[0]) % p
        return x, (slope * (a[0] - x) - a[1]) % p

    def times(self, number: int, point: Point) -> Point:
        """A multiple of a point that is not the point at infinity."""
        number %= self.order
        found = None
        for bit in f"{number:b}":
            found = found and self.add(found, found)
            if bit == "1":
                found = point if found is None else self.add(found, point)
        assert found is not None
        return found

    def key_for(self, message: bytes, commitment: Point, s: int) -> bytes:
        """The public key under which this commitment and this s are a signature of the message."""
        r = commitment[0] % self.order
        inverse = pow(r, -1, self.order)
        x, y = self.add(self.times(inverse * s, commitment), self.times(-inverse * self.digest(message), self.base))
        return self.written((x, y))

    def written(self, point: Point) -> bytes:
        """The uncompressed form of a point."""
        return b"\x04" + self.pair(*point)

    def pair(self, first: int, second: int) -> bytes:
        """Two numbers in fixed length: a point's coordinates, or a signature."""
        return first.to_bytes(self.size, "big") + second.to_bytes(self.size, "big")


P256 = Curve(
    "ecdsa-p256",
    32,
    2**256 - 2**224 + 2**192 + 2**96 - 1,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    P256_ORDER,
    (
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
)
P384 = Curve(
    "ecdsa-p384",
    48,
    2**384 - 2**128 - 2**96 + 2**32 - 1,
    0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    P384_ORDER,
    (
        0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
        0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
    ),
)
