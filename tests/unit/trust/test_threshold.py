"""How many signatures are enough (SPEC TH, KY)."""

import pytest

from sealring.envelope import seal
from sealring.errors import TrustError
from sealring.keys import BadKeySet, FamilyThreshold, KeySet, PublicKey
from sealring.threshold import TooFewSigners, UpdaterTooOld, check_threshold, signing_progress
from tests.world import Key, World, hybrid_set, key_set, sign

WORLD = World()
KEYS = {name: Key(name) for name in "abcd"}
LATER = PublicKey("later", "hash-tree-9", b"\1" * 64)
LATTICE = Key("lattice", "ml-dsa-65")
NAMED_A = PublicKey("a", "ed25519", b"\2" * 32)
CLASSICAL = FamilyThreshold("classical", 1, "required")


def keys(names: str) -> list[Key]:
    return [KEYS[name] for name in names]


@pytest.mark.parametrize(
    ("of", "threshold", "by", "refusal"),
    [
        pytest.param("abc", 2, "ab", None, id="two of three"),
        pytest.param("abc", 2, "abc", None, id="more than needed"),
        pytest.param("abc", 3, "abc", None, id="all"),
        pytest.param("a", 1, "a", None, id="one of one"),
        pytest.param("abc", 2, "", TooFewSigners, id="nobody"),
        pytest.param("abc", 2, "a", TooFewSigners, id="one of two needed"),
        pytest.param("abc", 2, "ad", TooFewSigners, id="a stranger does not count"),
        pytest.param("abc", 1, "d", TooFewSigners, id="only a stranger"),
        pytest.param("abc", 3, "ab", TooFewSigners, id="two of three needed"),
    ],
)
def test_threshold(of: str, threshold: int, by: str, refusal: type[TrustError] | None) -> None:
    """TH-1: distinct keys of one set."""
    envelope, wanted = sign(WORLD.revision(), *keys(by)), key_set(threshold, *keys(of))
    if refusal is None:
        assert check_threshold(envelope, wanted, "it") == {KEYS[name].id for name in by if name in of}
        return
    with pytest.raises(refusal):
        check_threshold(envelope, wanted, "it")


def test_a_refusal_counts_and_names_who_is_missing() -> None:
    """TH-1: facts for the person who has to find the second signer."""
    with pytest.raises(TooFewSigners) as refused:
        check_threshold(sign(WORLD.revision(), KEYS["a"]), key_set(2, *keys("abc")), "revision 1")
    assert (refused.value.family, refused.value.found, refused.value.needed) == ("classical", 1, 2)
    assert refused.value.missing == ("b", "c")


def test_signatures_of_two_sets_are_never_pooled() -> None:
    """TH-1: one key of each of two sets meets neither threshold of two."""
    envelope = sign(WORLD.revision(), KEYS["a"], KEYS["c"])
    for names in ("ab", "cd"):
        with pytest.raises(TooFewSigners):
            check_threshold(envelope, key_set(2, *keys(names)), "it")


@pytest.mark.parametrize(
    ("thresholds", "refusal"),
    [
        pytest.param([CLASSICAL, FamilyThreshold("hashes", 1, "if_known")], None, id="enters as if_known"),
        pytest.param([FamilyThreshold("hashes", 1, "if_known"), CLASSICAL], None, id="in either order"),
        pytest.param([CLASSICAL, FamilyThreshold("hashes", 1, "required")], UpdaterTooOld, id="required"),
        pytest.param([FamilyThreshold("hashes", 1, "if_known")], UpdaterTooOld, id="alone"),
        pytest.param([FamilyThreshold("hashes", 1, "required")], UpdaterTooOld, id="alone and required"),
        pytest.param([CLASSICAL, FamilyThreshold("lattice-9", 3, "if_known")], None, id="never heard of"),
        pytest.param([FamilyThreshold("classical", 1, "if_known")], None, id="a known one is enforced"),
        pytest.param([FamilyThreshold("classical", 2, "if_known")], TooFewSigners, id="and refuses"),
    ],
)
def test_families(thresholds: list[FamilyThreshold], refusal: type[TrustError] | None) -> None:
    """TH-2: a family that is not known never makes a device take less than the known ones ask."""
    wanted = KeySet([KEYS["a"].public, KEYS["b"].public, LATER], thresholds)
    wanted.check()
    envelope = sign(WORLD.revision(), KEYS["a"])
    if refusal is None:
        assert check_threshold(envelope, wanted, "it") == {KEYS["a"].id}
        return
    with pytest.raises(refusal):
        check_threshold(envelope, wanted, "it")


def test_a_key_type_from_the_future_never_counts() -> None:
    """KY-4: neither counted nor an error, even under a family that is known."""
    good = sign(WORLD.revision(), KEYS["a"])
    for later in (LATER, PublicKey("q", "never-heard-of", b"\5")):
        envelope = seal(good.payload, {**good.signatures, later.id: b"\0" * 64})
        wanted = KeySet([KEYS["a"].public, later], [CLASSICAL])
        assert check_threshold(envelope, wanted, "it") == {KEYS["a"].id}


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        pytest.param(key_set(1, KEYS["a"], KEYS["a"]), "KY-3", id="one key twice"),
        pytest.param(KeySet([KEYS["a"].public, NAMED_A], [CLASSICAL]), "KY-3", id="one name"),
        pytest.param(KeySet([PublicKey("z", "ed25519", b"\2" * 33)], [CLASSICAL]), "KY-2", id="33 bytes"),
        pytest.param(key_set(2, KEYS["a"]), "TH-3", id="out of reach"),
        pytest.param(KeySet([KEYS["a"].public], [CLASSICAL, CLASSICAL]), "TH-3", id="a family twice"),
        pytest.param(KeySet([LATER], [CLASSICAL]), "TH-3", id="keys of another family"),
    ],
)
def test_a_key_set_that_can_not_do_what_it_says_is_refused(broken: KeySet, rule: str) -> None:
    """KY-2, KY-3, TH-3: before it is in force, not when somebody needs it."""
    with pytest.raises(BadKeySet) as refused:
        broken.check()
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    "public",
    [
        PublicKey("e", "ed25519", b"\4" * 31),
        PublicKey("p", "ecdsa-p256", b"\4" * 64),
        PublicKey("p", "ecdsa-p256", b"\2" * 65),
        PublicKey("p", "ecdsa-p256", b"\2" * 33),
        PublicKey("q", "ecdsa-p384", b"\4" * 65),
        PublicKey("q", "ecdsa-p384", b"\6" * 97),
        PublicKey("m", "ml-dsa-65", b"\4" * 1951),
        PublicKey("m", "ml-dsa-65", b"\4" * 1953),
    ],
)
def test_material_that_is_none_of_its_type_is_refused(public: PublicKey) -> None:
    """KY-2: alone and in a set; a key that can never sign would make a threshold look reachable."""
    with pytest.raises(BadKeySet) as refused:
        public.check()
    assert refused.value.rule == "KY-2"
    assert public.type in str(refused.value)
    with pytest.raises(BadKeySet):
        KeySet([KEYS["a"].public, public], [CLASSICAL]).check()


def test_material_of_an_unknown_type_is_nobodys_to_judge() -> None:
    """KY-4: its length is told by who knows it."""
    LATER.check()
    KeySet([KEYS["a"].public, LATER], [CLASSICAL]).check()


HOLDERS = {"e": Key("eve"), "p": Key("paul", "ecdsa-p256"), "q": Key("quinn", "ecdsa-p384"), "m": LATTICE}
HYBRID = hybrid_set(2, 1, *HOLDERS.values())


@pytest.mark.parametrize(
    ("by", "family", "found"),
    [
        pytest.param("epm", None, 0, id="two classical types and ml-dsa"),
        pytest.param("pqm", None, 0, id="two curves and ml-dsa"),
        pytest.param("epqm", None, 0, id="all"),
        pytest.param("epq", "ml-dsa", 0, id="every classical key stolen"),
        pytest.param("m", "classical", 0, id="every ml-dsa key stolen"),
        pytest.param("qm", "classical", 1, id="every ml-dsa key and one classical stolen"),
    ],
)
def test_a_hybrid_role_stands_when_one_family_falls(by: str, family: str | None, found: int) -> None:
    """TH-1, TH-2: "2 classical and 1 ml-dsa": all keys of one family, stolen or broken, sign nothing alone."""
    envelope = sign(WORLD.revision(), *(HOLDERS[name] for name in by))
    if family is None:
        assert check_threshold(envelope, HYBRID, "it") == {HOLDERS[name].id for name in by}
        return
    with pytest.raises(TooFewSigners) as refused:
        check_threshold(envelope, HYBRID, "it")
    assert (refused.value.family, refused.value.found) == (family, found)


def test_if_known_binds_who_knows() -> None:
    """TH-2: a family that enters as if_known is enforced by this edition as if it were required."""
    wanted = hybrid_set(1, 1, HOLDERS["e"], HOLDERS["m"], presence="if_known")
    with pytest.raises(TooFewSigners):
        check_threshold(sign(WORLD.revision(), HOLDERS["e"]), wanted, "it")
    with pytest.raises(TooFewSigners):
        check_threshold(sign(WORLD.revision(), HOLDERS["m"]), wanted, "it")
    assert len(check_threshold(sign(WORLD.revision(), HOLDERS["e"], HOLDERS["m"]), wanted, "it")) == 2


def test_one_familys_surplus_fills_no_other() -> None:
    """TH-1: a signature counts in the family of its key, wherever it is put."""
    good = sign(WORLD.revision(), HOLDERS["e"], HOLDERS["p"])
    borrowed = seal(good.payload, {**good.signatures, LATTICE.id: good.signatures[HOLDERS["e"].id]})
    with pytest.raises(TooFewSigners):
        check_threshold(borrowed, HYBRID, "it")


def test_the_id_of_a_key_is_of_its_type_and_material_only() -> None:
    """KY-1: the name is for people."""
    one = KEYS["a"].public
    assert PublicKey("other", one.type, one.public).id == one.id
    assert PublicKey(one.name, "ed25519-later", one.public).id != one.id
    assert PublicKey(one.name, one.type, bytes(32)).id != one.id


def test_progress_tells_what_is_there_and_what_is_missing() -> None:
    """For people: it decides nothing."""
    progress = signing_progress(sign(WORLD.revision(), KEYS["b"], KEYS["d"]), key_set(2, *keys("abc")))
    assert [key.name for key in progress.signed] == ["b"]
    assert [key.name for key in progress.missing] == ["a", "c"]
    assert progress.needed == (("classical", 1, 2),)
