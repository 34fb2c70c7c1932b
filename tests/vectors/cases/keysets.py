"""Key sets and thresholds (SPEC KY-1, KY-3, KY-4, TH): a brand with this set, and a revision signed by these keys."""

from typing import Any

from sealring.envelope import Envelope, seal
from sealring.keys import FAMILIES, FamilyThreshold, KeySet, PublicKey
from sealring.strict import encode
from tests.vectors.cases.common import ACCEPTED, AT, WORLD, Case, Cases, case
from tests.world import Key, key_set, sign

A, B, C = (Key(f"signer-{n}") for n in "abc")
STRANGER = Key("stranger")
REVISION = WORLD.revision()
DRAFT = sign(REVISION)
NEVER: Any = "never"
CLASSICAL = FamilyThreshold("classical", 1, "required")
LATTICE = PublicKey("lattice", "ml-dsa-65", b"\x07" * 1952)
NEVER_HEARD_OF = PublicKey("odd", "hash-tree-9", b"\x07" * 64)


def certified(keys: KeySet) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    """The first two parts of every chain: the anchor, and the brand acme with these keys."""
    brand = sign(WORLD.brand(keys=keys), *WORLD.brand_role)
    return ("anchor", WORLD.root.raw), ("held", brand.raw)


def signed_once(path: str, rule: str, comment: str, key: PublicKey, signature: bytes) -> Case:
    """A brand whose only key this is, and a revision under this signature of it."""
    family = FAMILIES.get(key.type, "classical")
    keys = KeySet([key], [FamilyThreshold(family, 1, "required")])
    envelope = seal(DRAFT.payload, {key.id: signature})
    parts = (*certified(keys), ("statement", envelope.raw))
    facts = {} if rule else {"subject": "acme/tool/1/amd64"}
    return case(path, rule, comment, "chain", *parts, type="revision", authority="acme", at=AT, **facts)


def _revision(name: str, rule: str, comment: str, keys: KeySet, envelope: Envelope) -> Case:
    parts = (*certified(keys), ("statement", envelope.raw))
    facts = {} if rule else {"subject": "acme/tool/1/amd64", "id": envelope.id}
    return case(f"threshold/{name}", rule, comment, "chain", *parts, type="revision", authority="acme", at=AT, **facts)


def _brand(name: str, rule: str, comment: str, keys: KeySet) -> Case:
    facts = {} if rule else {"type": "brand", "subject": "acme"}
    return case(f"keys/{name}", rule, comment, "statement", ("payload", encode(WORLD.brand(keys=keys))), **facts)


def _thresholds() -> Cases:
    two = key_set(2, A, B, C)
    good = sign(REVISION, A, B)
    yield _revision("two-of-three", ACCEPTED, "two of three keys", two, good)
    yield _revision("three-of-three", ACCEPTED, "all three, where two are enough", two, sign(REVISION, A, B, C))
    yield _revision("one-of-two-needed", "TH-1", "one stolen key, where two are needed", two, sign(REVISION, A))
    yield _revision("none", "TH-1", "a draft without signatures", two, sign(REVISION))
    yield _revision(
        "stranger-fills-up", "TH-1", "one good signature, and one by a key of nobody", two, sign(REVISION, A, STRANGER)
    )
    renamed = seal(good.payload, {A.id: good.signatures[A.id], STRANGER.id: good.signatures[A.id]})
    yield _revision("one-signature-two-ids", "TH-1", "one key's signature again under another key id", two, renamed)
    swapped = seal(good.payload, {A.id: good.signatures[A.id], B.id: good.signatures[A.id]})
    yield _revision("one-signature-as-anothers", "TH-1", "one key's signature in the place of another's", two, swapped)
    other = sign(WORLD.revision(2), A, B)
    yield _revision(
        "signatures-of-another-statement",
        "TH-1",
        "good signatures, over another statement",
        two,
        seal(good.payload, dict(other.signatures)),
    )
    bare = {key.id: key.sign(good.payload) for key in (A, B)}
    yield _revision(
        "payload-signed-without-its-type",
        "TH-1",
        "signatures over the payload alone, not over its PAE",
        two,
        seal(good.payload, bare),
    )
    long = {key.id: good.signatures[key.id] + b"\0" for key in (A, B)}
    yield _revision("signature-with-a-byte-more", "TH-1", "65 bytes", two, seal(good.payload, long))
    junk = seal(good.payload, {**good.signatures, C.id: bytes(64), STRANGER.id: b"\1" * 64})
    yield _revision("junk-beside-enough", ACCEPTED, "bad signatures beside enough good ones are only noise", two, junk)


def _families() -> Cases:
    signed = sign(REVISION, A)
    new = FamilyThreshold("hashes", 1, "if_known")
    asked = FamilyThreshold("hashes", 1, "required")
    yield _revision(
        "unknown-family-if-known",
        ACCEPTED,
        "a family that the device does not know enters as if_known",
        KeySet([A.public, NEVER_HEARD_OF], [CLASSICAL, new]),
        signed,
    )
    yield _revision(
        "unknown-family-required",
        "TH-2",
        "required, and the device can't check it: updater too old",
        KeySet([A.public, NEVER_HEARD_OF], [CLASSICAL, asked]),
        signed,
    )
    yield _revision(
        "no-known-family",
        "TH-2",
        "if_known alone would leave a device that knows none with nothing to check",
        KeySet([NEVER_HEARD_OF], [new]),
        signed,
    )
    yield _revision(
        "classical-missing",
        "TH-1",
        "the known family's threshold holds, whatever else is signed",
        KeySet([A.public, NEVER_HEARD_OF], [CLASSICAL, new]),
        seal(signed.payload, {NEVER_HEARD_OF.id: b"\0" * 3309}),
    )
    odd = KeySet([A.public, NEVER_HEARD_OF], [CLASSICAL, FamilyThreshold("hashes", 1, "if_known")])
    yield _revision("unknown-key-type", ACCEPTED, "a key type from the future is passed over", odd, signed)
    yield _revision(
        "unknown-key-type-never-counts",
        "TH-1",
        "and counts for nothing, whatever its signature",
        odd,
        seal(signed.payload, {NEVER_HEARD_OF.id: bytes(64)}),
    )
    same = PublicKey("again", "ed25519-later", A.public.public)
    both = KeySet([A.public, same, B.public], [FamilyThreshold("classical", 2, "required")])
    yield _revision(
        "one-material-two-types",
        "TH-1",
        "one key's material under a second type, to count twice",
        both,
        seal(signed.payload, {A.id: signed.signatures[A.id], same.id: signed.signatures[A.id]}),
    )


def _sets() -> Cases:
    one = [CLASSICAL]
    again = PublicKey("again", "ed25519", A.public.public)
    yield _brand(
        "good",
        ACCEPTED,
        "keys of three types, two families",
        KeySet([A.public, LATTICE, NEVER_HEARD_OF], [CLASSICAL, FamilyThreshold("ml-dsa", 1, "if_known")]),
    )
    yield _brand(
        "one-key-two-names",
        "KY-3",
        "one key under two names, to count twice",
        KeySet([A.public, again], [FamilyThreshold("classical", 2, "required")]),
    )
    yield _brand(
        "two-keys-one-name",
        "KY-3",
        "two keys that a person can't tell apart",
        KeySet([A.public, PublicKey("signer-a", "ed25519", B.public.public)], one),
    )
    yield _brand(
        "ed25519-of-31-bytes",
        "KY-2",
        "a key that can never sign makes a threshold look reachable",
        KeySet([PublicKey("short", "ed25519", b"\1" * 31)], one),
    )
    yield _brand("threshold-out-of-reach", "TH-3", "three of two: the brand would lock itself out", key_set(3, A, B))
    yield _brand(
        "family-without-keys",
        "TH-3",
        "a threshold of a family that has no key",
        KeySet([A.public], [CLASSICAL, FamilyThreshold("ml-dsa", 1, "if_known")]),
    )
    yield _brand("family-twice", "TH-3", "two thresholds for one family", KeySet([A.public], [CLASSICAL, CLASSICAL]))
    yield _brand(
        "threshold-zero",
        "ST-3",
        "a threshold of nothing",
        KeySet([A.public], [FamilyThreshold("classical", 0, "required")]),
    )
    yield _brand("no-thresholds", "ST-3", "no threshold at all would accept anything", KeySet([A.public], []))
    yield _brand("no-keys", "ST-3", "no keys", KeySet([], one))
    yield _brand("too-many-keys", "ST-3", "33 keys", key_set(1, *(Key(f"many-{n}") for n in range(33))))
    yield _brand(
        "unknown-presence",
        "ST-3",
        "a third kind of presence",
        KeySet([A.public], [FamilyThreshold("classical", 1, NEVER)]),
    )


def cases() -> Cases:
    for part in (_thresholds, _families, _sets):
        yield from part()
