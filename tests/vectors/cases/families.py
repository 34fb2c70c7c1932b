"""Thresholds by family (SPEC TH-1, TH-2, TH-3): what stands when one family is stolen or broken."""

from sealring.envelope import seal
from sealring.keys import FamilyThreshold, KeySet
from sealring.statement.authorities import RootRoles
from tests.vectors.cases.common import ACCEPTED, AT, WORLD, Case, Cases, case
from tests.vectors.cases.keysets import REVISION, certified
from tests.world import Key, hybrid_set, key_set, sign

EDWARDS, P256, P384 = Key("alice"), Key("bob", "ecdsa-p256"), Key("carol", "ecdsa-p384")
LATTICE, SECOND = Key("dave", "ml-dsa-65"), Key("erin", "ml-dsa-65")
KEYS = (EDWARDS, P256, P384, LATTICE, SECOND)
HYBRID = hybrid_set(2, 1, *KEYS)


def _signed(name: str, rule: str, comment: str, keys: KeySet, *by: Key) -> Case:
    envelope = sign(REVISION, *by)
    facts = {} if rule else {"subject": "acme/tool/1/amd64", "id": envelope.id}
    parts = (*certified(keys), ("statement", envelope.raw))
    return case(f"family/{name}", rule, comment, "chain", *parts, type="revision", authority="acme", at=AT, **facts)


def _hybrid() -> Cases:
    yield _signed(
        "both", ACCEPTED, "two classical keys of two types, and one of ml-dsa", HYBRID, EDWARDS, P256, LATTICE
    )
    yield _signed("all", ACCEPTED, "all five keys", HYBRID, *KEYS)
    stolen = "every classical key is stolen, or its mathematics has fallen: nothing is signed without ml-dsa"
    yield _signed("classical-fell", "TH-1", stolen, HYBRID, EDWARDS, P256, P384)
    stolen = "every ml-dsa key is stolen, or its mathematics has fallen: nothing is signed without two classical keys"
    yield _signed("ml-dsa-fell", "TH-1", stolen, HYBRID, LATTICE, SECOND)
    yield _signed(
        "one-classical-short", "TH-1", "a surplus of one family helps no other", HYBRID, P384, LATTICE, SECOND
    )
    known = hybrid_set(2, 1, *KEYS, presence="if_known")
    yield _signed("if-known-missing", "TH-1", "if_known binds who knows the family", known, EDWARDS, P256)
    yield _signed("if-known-met", ACCEPTED, "if_known, and met", known, EDWARDS, P384, SECOND)
    lattice = KeySet([LATTICE.public, SECOND.public], [FamilyThreshold("ml-dsa", 2, "required")])
    yield _signed("ml-dsa-alone", ACCEPTED, "two of two keys of ml-dsa", lattice, LATTICE, SECOND)
    yield _signed("ml-dsa-alone-one", "TH-1", "one of two keys of ml-dsa", lattice, LATTICE)
    only = KeySet([key.public for key in KEYS], [FamilyThreshold("classical", 1, "required")])
    comment = "a family without a threshold counts for none"
    yield _signed("no-threshold-for-it", "TH-1", comment, only, LATTICE, SECOND)
    borrowed = sign(REVISION, EDWARDS, P256)
    copied = seal(borrowed.payload, {**borrowed.signatures, LATTICE.id: borrowed.signatures[EDWARDS.id]})
    parts = (*certified(HYBRID), ("statement", copied.raw))
    comment = "an Ed25519 signature in the place of one of ml-dsa"
    yield case("family/borrowed", "TH-1", comment, "chain", *parts, type="revision", authority="acme", at=AT)


def _roots() -> Cases:
    """A root that takes ml-dsa in, and what its classical keys alone can do from then on."""
    brands = key_set(1, *WORLD.brand_role)
    old, new = WORLD.root_keys, (LATTICE, SECOND)
    hybrid = RootRoles(hybrid_set(2, 1, *old, *new), brands)
    second = WORLD.root_statement(sequence=2, root=WORLD.root_id, roles=hybrid)
    third = WORLD.root_statement(sequence=3, root=WORLD.root_id)
    anchor = ("anchor", WORLD.root.raw)
    both = ("root", sign(second, *old[:2], LATTICE).raw)

    def walk(name: str, rule: str, comment: str, *parts: tuple[str, bytes]) -> Case:
        facts = {} if rule else {"version": str(len(parts) + 1)}
        return case(f"root/{name}", rule, comment, "root-walk", anchor, *parts, at=AT, **facts)

    yield walk("hybrid", ACCEPTED, "version 2 adds ml-dsa; signed by the keys of 1, and by both families of 2", both)
    comment = "version 2 adds ml-dsa, and no key of it has signed: the holders may not have it"
    yield walk("hybrid-unproven", "TH-1", comment, ("root", sign(second, *old[:2]).raw))
    comment = "all classical keys of a hybrid root, stolen, try to be rid of ml-dsa"
    yield walk("hybrid-classical-fell", "TH-1", comment, both, ("root", sign(third, *old).raw))
    comment = "all ml-dsa keys of a hybrid root, stolen, with one classical one"
    yield walk("hybrid-ml-dsa-fell", "TH-1", comment, both, ("root", sign(third, old[0], *new).raw))
    comment = "both families together may go back to one"
    yield walk("hybrid-given-up", ACCEPTED, comment, both, ("root", sign(third, *old[:2], SECOND).raw))


def cases() -> Cases:
    for part in (_hybrid, _roots):
        yield from part()
