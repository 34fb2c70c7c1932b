"""Verification: one assertion against the raw signature, and the whole chain of a model with 50 packages."""

from collections.abc import Callable, Iterator

from nacl.bindings import crypto_sign_open

from benchmarks.figure import Figure, cpu_seconds, side_by_side
from sealring.approve import approve
from sealring.chain import Chain, begin_with_root
from sealring.envelope import parse_envelope
from sealring.keys import KeySet
from sealring.moment import Moment
from sealring.statement import Model, Release, RevisionStatement
from sealring.statement.fleet import Wanted
from tests.world import NOW, World, key_set, sign

PACKAGES = 50


def run() -> Iterator[Figure]:
    """The figures of `verify`."""
    world = World()
    anchor = begin_with_root(world.root.raw)
    one = _one_key(world)
    chain = Chain(anchor).with_brand([sign(world.brand(keys=one), *world.brand_role).raw])
    raw = sign(world.revision(), world.brand_keys("acme")[0]).raw
    envelope = parse_envelope(raw)
    (signature,) = envelope.signatures.values()
    signed, key, moment = signature + envelope.pae, one.keys[0].public, Moment(NOW)

    ours, limit, ratio = side_by_side(
        lambda: chain.verify(chain.authenticate(raw, RevisionStatement, "acme"), moment, None),
        lambda: crypto_sign_open(signed, key),
        1000,
    )
    yield Figure("verify", "one assertion, one signature", 11_000, ours * 1e6, "us", limit * 1e6, ratio, ">= 0.85")
    whole = _whole_chain(world)
    spent = cpu_seconds(whole, 20) * 1e3
    yield Figure("verify", f"chain of {PACKAGES} packages", 20, spent, "ms", 10.0, spent / 10.0, "<= 10 ms")


def _one_key(world: World) -> KeySet:
    return key_set(1, world.brand_keys("acme")[0])


def _whole_chain(world: World) -> Callable[[], None]:
    """Root, brand, model, and a release and a revision for each package, from bytes to `Approved`."""
    names = [f"tool-{n:02}" for n in range(PACKAGES)]
    key = world.brand_keys("acme")[0]
    brand = sign(world.brand(keys=_one_key(world)), *world.brand_role).raw
    wanted = [Wanted(f"acme/{name}", "latest/stable", "app", "required") for name in names]
    model = sign(world.model(packages=wanted), key).raw
    releases = [sign(world.release(package=name), key).raw for name in names]
    revisions = [sign(world.revision(package=name), key).raw for name in names]
    moment = Moment(NOW)

    def whole() -> None:
        chain = Chain(begin_with_root(world.root.raw)).with_brand([brand])
        current = chain.verify(chain.brands["acme"], moment, None)
        said = chain.verify(chain.authenticate(model, Model, "acme"), moment, None)
        for wants, release, revision in zip(said.statement.packages, releases, revisions, strict=True):
            approve(
                chain,
                said,
                current,
                wants,
                chain.verify(chain.authenticate(release, Release, "acme"), moment, None),
                chain.verify(chain.authenticate(revision, RevisionStatement, "acme"), moment, None),
                before=None,
            )

    return whole
