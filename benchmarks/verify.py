"""Verification: one assertion of each algorithm beside its raw signature, parsing alone, a chain of 50 packages."""

from collections.abc import Callable, Iterator

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from nacl.bindings import crypto_sign_open

from benchmarks.figure import Figure, side_by_side
from sealring.algorithm import ALGORITHMS
from sealring.approve import approve
from sealring.authentic import Authentic, Verified
from sealring.chain import Chain, begin_with_root
from sealring.envelope import Envelope, parse_envelope
from sealring.keys import FamilyThreshold, KeySet, PublicKey
from sealring.moment import Moment
from sealring.statement import Brand, Model, Release, RevisionStatement, parse_statement
from sealring.statement.fleet import Wanted
from tests.world import NOW, Key, World, key_set, sign

PACKAGES = 50
ROUNDS = 400
MOMENT = Moment(NOW)


def run() -> Iterator[Figure]:
    """The figures of `verify`."""
    world = World()
    for kind in ALGORITHMS:
        yield _one_assertion(world, kind)
    yield _parse_alone(world)
    fleet = Fleet(world)
    chain, brand, model = fleet.begin()
    warm, cold, ratio = side_by_side(lambda: fleet.packages(chain, brand, model), fleet.cold, 5)
    yield Figure("verify", f"chain of {PACKAGES} packages, cold", 55, cold * 1e3, "ms", 10.0, cold * 100, "<= 10 ms")
    name = "the same, the brand's part already verified"
    yield Figure("verify", name, 55, warm * 1e3, "ms", cold * 1e3, ratio)


def _one_assertion(world: World, kind: str) -> Figure:
    """From bytes to `Verified`, beside the library's own check of the same signature with a key that is ready."""
    key = Key("bench", kind)
    keys = KeySet([key.public], [FamilyThreshold(ALGORITHMS[kind].family, 1, "required")])
    held = sign(world.brand(keys=keys), *world.brand_role)
    chain = Chain(begin_with_root(world.root.raw)).with_brand([held.raw])
    envelope = sign(world.revision(), key)
    raw, peer = envelope.raw, _raw_check(key.public, envelope)
    ours, limit, ratio = side_by_side(
        lambda: chain.verify(chain.authenticate(raw, RevisionStatement, "acme"), MOMENT, None), peer, ROUNDS
    )
    return Figure("verify", f"one assertion, {kind}", 11 * ROUNDS, ours * 1e6, "us", limit * 1e6, ratio, ">= 0.85")


def _raw_check(key: PublicKey, envelope: Envelope) -> Callable[[], object]:
    """The one call of the library that ours is made of."""
    (signature,), message = envelope.signatures.values(), envelope.pae
    if key.type == "ed25519":
        signed = signature + message
        return lambda: crypto_sign_open(signed, key.public)
    if key.type == "ml-dsa-65":
        lattice = MLDSA65PublicKey.from_public_bytes(key.public)
        return lambda: lattice.verify(signature, message)
    curve, digest = (ec.SECP256R1(), SHA256()) if key.type == "ecdsa-p256" else (ec.SECP384R1(), SHA384())
    point, scheme = ec.EllipticCurvePublicKey.from_encoded_point(curve, key.public), ec.ECDSA(digest)
    half = len(signature) // 2
    der = encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
    return lambda: point.verify(der, message, scheme)


class _BareSignature(msgspec.Struct):
    keyid: str
    sig: bytes


class _BareEnvelope(msgspec.Struct):
    payload: bytes
    payloadType: str  # noqa: N815 - DSSE's own spelling
    signatures: list[_BareSignature]


def _parse_alone(world: World) -> Figure:
    """Envelope and statement, strictly, beside msgspec reading the same two types and no rule asked."""
    raw = world.signed(world.release()).raw
    bare, statement = msgspec.json.Decoder(_BareEnvelope), msgspec.json.Decoder(Release)
    ours, limit, ratio = side_by_side(
        lambda: parse_statement(parse_envelope(raw).payload), lambda: statement.decode(bare.decode(raw).payload), 4000
    )
    return Figure("verify", "parse alone, without signatures", 44_000, ours * 1e6, "us", limit * 1e6, ratio)


class Fleet:
    """Root, brand, model, and a release and a revision for each package, each signed once, as bytes."""

    def __init__(self, world: World) -> None:
        names = [f"tool-{n:02}" for n in range(PACKAGES)]
        key = world.brand_keys("acme")[0]
        self.root = world.root.raw
        self.brand = sign(world.brand(keys=key_set(1, key)), *world.brand_role).raw
        wanted = [Wanted(f"acme/{name}", "latest/stable", "app", "required") for name in names]
        self.model = sign(world.model(packages=wanted), key).raw
        self.releases = [sign(world.release(package=name), key).raw for name in names]
        self.revisions = [sign(world.revision(package=name), key).raw for name in names]

    def begin(self) -> tuple[Chain, Verified[Brand], Verified[Model]]:
        """The brand's part: root, brand and model."""
        chain = Chain(begin_with_root(self.root)).with_brand([self.brand])
        model: Authentic[Model] = chain.authenticate(self.model, Model, "acme")
        return chain, chain.verify(chain.brands["acme"], MOMENT, None), chain.verify(model, MOMENT, None)

    def packages(self, chain: Chain, brand: Verified[Brand], model: Verified[Model]) -> None:
        """A release and a revision for each package, from bytes to `Approved`."""
        for wants, release, revision in zip(model.statement.packages, self.releases, self.revisions, strict=True):
            approve(
                chain,
                model,
                brand,
                wants,
                chain.verify(chain.authenticate(release, Release, "acme"), MOMENT, None),
                chain.verify(chain.authenticate(revision, RevisionStatement, "acme"), MOMENT, None),
                before=None,
            )

    def cold(self) -> None:
        """All of it."""
        self.packages(*self.begin())
