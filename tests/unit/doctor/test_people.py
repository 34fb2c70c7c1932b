"""Which keys are one person's, and which sets share a key (SPEC KY-1, TH-1)."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from securesystemslib.signer import SSlibKey

from sealring.doctor.signers import Holders
from sealring.doctor.tuf_files import StoreTuf, TufRole
from sealring.keys import PublicKey, key_id
from sealring.tuf_keys import public_of
from tests.unit.doctor.worlds import WHOLE, WORLD, look, of
from tests.world import Key, hybrid_set, key_set


def keys(*names: str) -> list[PublicKey]:
    return [Key(name).public for name in names]


@pytest.mark.parametrize(
    ("names", "people"),
    [
        pytest.param(["alice", "bob"], ["alice", "bob"], id="two"),
        pytest.param(["alice", "alice-backup"], ["alice", "alice"], id="a backup"),
        pytest.param(["alice-spare", "alice-backup-2"], ["alice", "alice"], id="only spares"),
        pytest.param(["alice", "alice-2"], ["alice", "alice"], id="a second one"),
        pytest.param(["root-1", "root-2"], ["root-1", "root-2"], id="numbered posts are several people"),
        pytest.param(["alice", "alice-laptop"], ["alice", "alice-laptop"], id="no other suffix means anything"),
    ],
)
def test_names_of_keys_tell_their_holders(names: list[str], people: list[str]) -> None:
    holders = Holders.of(keys(*names), {})
    assert [holders.person(key) for key in keys(*names)] == people


def test_what_the_team_says_goes_before() -> None:
    one, two = keys("alice", "alice-2")
    holders = Holders.of([one, two], {"alice-2": "bob", one.id: "carol"})
    assert [holders.person(key) for key in (one, two)] == ["carol", "bob"]


def test_one_person_needs_every_family() -> None:
    """A hybrid set of one person's classical key and another's ML-DSA key is two people's."""
    pq, own = Key("pq", "ml-dsa-65"), Key("alice")
    both = hybrid_set(1, 1, own, pq)
    assert Holders.of(both.keys, {}).alone(both) == ()
    assert Holders.of(both.keys, {"pq": "alice"}).alone(both) == ("alice",)


def test_one_person_must_reach_the_threshold() -> None:
    two_of_three = key_set(2, Key("alice"), Key("bob"), Key("carol"))
    assert Holders.of(two_of_three.keys, {}).alone(two_of_three) == ()
    assert Holders.of(two_of_three.keys, {"bob": "alice"}).alone(two_of_three) == ("alice",)


def store(root: Key, online: Key) -> StoreTuf:
    roles = [TufRole("root", 1, (root.public,))]
    roles += [TufRole(name, 1, (online.public,)) for name in ("timestamp", "snapshot", "targets")]
    return StoreTuf("acme/main", "url", tuple(roles), (), pinned=True)


def test_a_stores_online_roles_share_one_key_and_nothing_else() -> None:
    """SPEC section 16: three online roles with one key are this edition's way; the offline root key is none of them."""
    assert of(look(*WHOLE, stores=[store(Key("tuf-root"), Key("online"))]), "shared-key") == []
    (own,) = of(look(*WHOLE, stores=[store(Key("online"), Key("online"))]), "shared-key")
    assert "TUF role root" in own.words
    (brands,) = of(look(*WHOLE, stores=[store(WORLD.brand_keys("acme")[0], Key("online"))]), "shared-key")
    assert brands.level == "warning"
    assert "brand acme, store acme/main, TUF role root" in brands.words


def test_a_tuf_key_is_known_by_its_material() -> None:
    """SPEC KY-1: TUF names keys in its own way; the same P-256 key must be seen to be the same."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    secret = derive_private_key(123456789, SECP256R1()).public_key()
    found = public_of(SSlibKey.from_crypto(secret))
    point = secret.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert found is not None
    assert found.id == key_id("ecdsa-p256", point)
