"""What was taken back (SPEC RK, RC-1, FL-5)."""

from typing import Any

import pytest
from msgspec.structs import replace

from sealring.approve import RevocationsMissing, check_revocations
from sealring.authentic import Conflict
from sealring.chain import Chain, begin_with_root
from sealring.envelope import Envelope
from sealring.errors import TrustError
from sealring.floors import Floors
from sealring.furnished import furnished
from sealring.installed import reached
from sealring.moment import Moment
from sealring.revocation import Revoked
from sealring.statement import Common, Release, RevisionStatement, Revocations, parse_statement
from sealring.strict import encode
from tests.world import DAY, NOW, Key, World, key_set, sign

WORLD = World()
OWN, NEW = WORLD.brand_keys("acme")[:2], WORLD.brand_keys("acme", 2)[:2]
PARTNER = WORLD.delegate_keys()
BARE = Chain(begin_with_root(WORLD.root.raw)).with_brand([WORLD.signed(WORLD.brand()).raw])
REVISION = "revision acme/tool/1/amd64"
AT = Moment(NOW)


def rotated(number: int, *also: Key) -> Chain:
    """The chain after the brand has other keys; `number` is the list that its new statement names."""
    brand = WORLD.brand(sequence=2, keys=key_set(2, *WORLD.brand_keys("acme", 2)), revocations=number)
    return BARE.with_brand([sign(brand, *WORLD.brand_role, *OWN, *also).raw])


def listed(sequence: int, *lines: tuple[str, str], by: list[Key] = OWN, **more: Any) -> bytes:
    return sign(WORLD.revocations(sequence, *lines, **more), *by).raw


def held(chain: Chain, raws: list[bytes]) -> Chain:
    """The chain of a device that had verified all of these when they came."""
    return furnished(chain, raws, once_verified=True)


def action(chain: Chain, statement: Common, identity: str = "") -> str | None:
    found = chain.revocations.strongest(statement, identity)
    return None if found is None else found.action


def verify(chain: Chain, statement: Common, *by: Key) -> None:
    found = chain.authenticate(sign(statement, *(by or OWN)).raw, type(statement), "acme")
    chain.verify(found, AT, None)


@pytest.mark.parametrize("what", [REVISION, sign(WORLD.revision(), *OWN).id])
def test_what_a_list_names_is_no_reason_for_anything_new(what: str) -> None:
    """RK-1: by id or by subject; other statements are as before."""
    chain = furnished(BARE, [listed(1, (what, "keep"))])
    with pytest.raises(Revoked) as refused:
        verify(chain, WORLD.revision())
    assert (refused.value.named, refused.value.action, refused.value.issuer) == (what, "keep", "acme/acme")
    verify(chain, WORLD.revision(2))


def test_a_line_by_id_is_about_one_version() -> None:
    """RK-1: the same revision, issued again, has another id; a line by subject would have ended it too."""
    chain = furnished(BARE, [listed(1, (sign(WORLD.revision(), *OWN).id, "keep"))])
    verify(chain, WORLD.revision(sequence=2))


def test_a_stranger_revokes_nothing() -> None:
    """RK-1, TH-1: neither without the keys, nor a certified publisher another brand's software."""
    forged = listed(1, (REVISION, "stop"), by=[OWN[0]])
    assert not furnished(BARE, [forged]).revocations.lists
    with pytest.raises(TrustError):  # so it never comes into memory, where lists go on without their signatures
        BARE.authenticate(forged, Revocations, "acme")
    evil = BARE.with_brand([WORLD.signed(WORLD.brand("evil")).raw])
    theirs = sign(WORLD.revocations(1, ("0" * 64, "stop"), brand="evil"), *WORLD.brand_keys("evil")[:2]).raw
    assert action(furnished(evil, [theirs]), WORLD.revision(), "0" * 64) is None


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        pytest.param(WORLD.revocations(1, ("revision evil/tool/1/amd64", "keep")), "RK-4", id="another brand's"),
        pytest.param(WORLD.revocations(1, ("brand acme", "keep")), "RK-4", id="a brand its own certificate"),
        pytest.param(WORLD.revocations(1, (REVISION, "keep"), brand="root"), "RK-4", id="the root a revision"),
        pytest.param(WORLD.revocations(1, (REVISION, "stop"), issuer="partner"), "RK-4", id="a delegate stops"),
    ],
)
def test_lines_that_nobody_may_write(statement: Common, rule: str) -> None:
    """RK-4: refused while it is read."""
    with pytest.raises(TrustError) as refused:
        parse_statement(encode(statement))
    assert refused.value.rule == rule


def test_only_a_higher_sequence_lifts_a_revocation() -> None:
    """RK-2: expired or not, in whatever order the lists are remembered."""
    old, new = listed(1, (REVISION, "stop"), issued=NOW - 900 * DAY), listed(2)
    assert action(furnished(BARE, [old]), WORLD.revision()) == "stop"
    for order in ([old, new], [new, old]):
        assert action(furnished(BARE, order), WORLD.revision()) is None


def test_a_rotation_takes_back_no_revocation() -> None:
    """RK-3: without its signatures a list still lets nothing new in, and stops nothing any more."""
    chain = held(rotated(1), [listed(1, (REVISION, "stop"))])
    assert action(chain, WORLD.revision()) == "keep"
    assert chain.revocations.sequence("acme") == 0
    again = held(rotated(1), [listed(1, (REVISION, "stop"), by=[*OWN, *NEW])])
    assert action(again, WORLD.revision()) == "stop"


def test_an_older_list_of_the_new_keys_lifts_nothing_unless_the_brand_names_it() -> None:
    """RK-3: a store that hides the newest list behind a rotation."""
    newest, older = listed(4, (REVISION, "keep")), listed(3, by=[*OWN, *NEW])
    assert action(held(rotated(4), [newest, older]), WORLD.revision()) == "keep"
    assert action(held(rotated(0), [newest, older]), WORLD.revision()) == "keep"
    assert action(held(rotated(3), [newest, older]), WORLD.revision()) is None


def test_a_thiefs_last_list_ends_with_the_brands_next_word() -> None:
    """RK-3: the highest sequence there is, about everything, signed with stolen keys."""
    thief = listed(2**53 - 1, ("model acme/door-1", "stop"))
    assert action(furnished(BARE, [thief]), WORLD.model()) == "stop"
    assert action(held(rotated(1), [thief]), WORLD.model()) == "keep"
    assert action(held(rotated(1), [thief, listed(1, by=NEW)]), WORLD.model()) is None


def wide(**more: Any) -> bytes:
    more.setdefault("roles", ["release", "revision", "revocations"])
    return sign(WORLD.delegation(**more), *OWN).raw


def test_a_delegates_list_is_about_what_was_delegated() -> None:
    """RK-4: by subject it is refused whole, by id it reaches nothing else."""
    mine, other = sign(WORLD.revision(), *OWN), sign(WORLD.revision(package="toy"), *OWN)
    both = listed(1, (mine.id, "keep"), (other.id, "keep"), by=PARTNER[:1], issuer="partner")
    chain = furnished(BARE, [wide(), both])
    assert action(chain, WORLD.revision(), mine.id) == "keep"
    assert action(chain, WORLD.revision(package="toy"), other.id) is None
    outside = listed(1, ("revision acme/toy/1/amd64", "keep"), by=PARTNER[:1], issuer="partner")
    assert not furnished(BARE, [wide(), outside]).revocations.lists


def test_a_delegates_list_ends_with_his_successor_or_with_his_delegation() -> None:
    """RK-3: what a thief of a delegate's keys revoked does not outlive the brand's answer."""
    thief = listed(2**53 - 1, (REVISION, "keep"), by=PARTNER[:1], issuer="partner")
    other = WORLD.delegate_keys("partner", 2)
    anew = wide(sequence=2, keys=key_set(1, *other))
    assert action(held(BARE, [wide(), thief]), WORLD.revision()) == "keep"
    assert action(held(BARE, [wide(), anew, thief]), WORLD.revision()) == "keep"
    word = listed(1, by=other[:1], issuer="partner")
    assert action(held(BARE, [wide(), anew, thief, word]), WORLD.revision()) is None
    taken = listed(1, ("delegation acme/partner", "keep"))
    assert action(held(BARE, [wide(), thief, taken]), WORLD.revision()) is None


def test_a_delegates_list_without_a_known_delegation_is_nobodys() -> None:
    """RK-4."""
    assert not furnished(BARE, [listed(1, (REVISION, "keep"), by=PARTNER[:1], issuer="partner")]).revocations.lists


def test_a_list_is_lifted_by_no_list() -> None:
    """RK-5: or a brand's thief would revoke the list that speaks of him, by its id."""
    first = sign(WORLD.revocations(1, (REVISION, "keep")), *OWN)
    thief = listed(1, (first.id, "keep"), by=PARTNER[:1], issuer="partner")
    chain = furnished(BARE, [wide(), first.raw, thief])
    assert action(chain, WORLD.revision()) == "keep"
    assert chain.revocations.sequence("acme") == 1


def test_the_root_takes_back_a_brand() -> None:
    """RK-1, AU-2: by the role root; a brand's keys and the role brand can't lift it."""
    by_brands = sign(WORLD.revocations(1, ("brand acme", "stop"), brand="root"), *WORLD.brand_role).raw
    assert not furnished(BARE, [by_brands]).revocations.lists
    chain = furnished(BARE, [WORLD.signed(WORLD.revocations(1, ("brand acme", "stop"), brand="root")).raw])
    with pytest.raises(Revoked):
        chain.verify(chain.brands["acme"], AT, None)
    found = reached(chain, [], sign(WORLD.revision(), *OWN))
    assert found is not None
    assert found.action == "stop"


def test_nothing_happens_before_the_list_that_the_brand_names_is_held() -> None:
    """RC-1: whoever withholds it installs nothing; a later one will do, one by retired keys will not."""
    needs = WORLD.release(revocations=2)
    for chain, known in (
        (BARE, 0),
        (furnished(BARE, [listed(1)]), 1),
        (held(rotated(2), [listed(2)]), 0),
    ):
        with pytest.raises(RevocationsMissing) as refused:
            check_revocations(chain, needs)
        assert (refused.value.held, refused.value.needed) == (known, 2)
    check_revocations(furnished(BARE, [listed(3)]), needs)
    check_revocations(furnished(BARE, [listed(2, issued=NOW - 900 * DAY)]), needs)


def installed_by(*by: Key, **more: Any) -> Envelope:
    return sign(WORLD.revision(**more), *by)


@pytest.mark.parametrize("line", ["keep", "replace", "stop"])
def test_what_runs_is_reached_by_name(line: str) -> None:
    """RK-6."""
    found = reached(furnished(BARE, [listed(1, (REVISION, line))]), [], installed_by(*OWN))
    assert found is not None
    assert found.action == line


def test_what_runs_is_reached_by_the_delegation_that_it_stood_on() -> None:
    """RK-6: a publisher who turned out a thief, with one line; what the brand itself signed as well stays."""
    known = [wide(), listed(1, ("delegation acme/partner", "stop"))]
    chain = furnished(BARE, known)
    found = reached(chain, known, installed_by(*PARTNER[:1]))
    assert found is not None
    assert found.action == "stop"
    assert reached(chain, known, installed_by(*OWN, PARTNER[0])) is None
    assert reached(chain, known, installed_by(PARTNER[0], package="toy")) is None


@pytest.mark.parametrize("what", ["release acme/tool/latest/stable", "model acme/door-1", "store acme/main"])
def test_what_runs_is_reached_by_nothing_else(what: str) -> None:
    """RK-6: a release, model or store that was taken back brings nothing new, and stops nothing."""
    assert reached(furnished(BARE, [listed(1, (what, "stop"))]), [], installed_by(*OWN)) is None


def test_of_two_lines_the_stronger_counts() -> None:
    """RK-1: revocations are the union of all that is in force."""
    mine = listed(1, (REVISION, "keep"), by=PARTNER[:1], issuer="partner")
    chain = furnished(BARE, [wide(), mine, listed(1, (REVISION, "stop"))])
    assert action(chain, WORLD.revision()) == "stop"


def test_a_conflict_ends_when_one_side_is_taken_back() -> None:
    """FL-5: by its id; the other then stands, and only it."""
    first, second = sign(WORLD.release(), *OWN), sign(replace(WORLD.release(), revocations=1), *OWN)
    floors = Floors.of(BARE, [first.raw])
    with pytest.raises(Conflict):
        floors.learn(floors.chain.authenticate(second.raw, Release, "acme"))
    ended = Floors.of(BARE, [first.raw, listed(1, (first.id, "keep"))])
    learnt = ended.learn(ended.chain.authenticate(second.raw, Release, "acme"))
    held = learnt.get(Release, "acme/tool/latest/stable")
    assert held is not None
    assert held.envelope.id == second.id
    again = Floors.of(BARE, [second.raw, first.raw, listed(1, (first.id, "keep"))])
    with pytest.raises(Conflict):
        again.check(again.chain.authenticate(first.raw, Release, "acme"))


def test_a_second_image_is_no_conflict_that_a_sequence_ends() -> None:
    """FL-3, FL-5: one revision is one build; whoever needs other bytes takes another number."""
    floors = Floors.of(BARE, [sign(WORLD.revision(), *OWN).raw])
    other = sign(WORLD.revision(image=b"other", sequence=2), *OWN)
    with pytest.raises(TrustError) as refused:
        floors.learn(floors.chain.authenticate(other.raw, RevisionStatement, "acme"))
    assert refused.value.rule == "FL-3"
