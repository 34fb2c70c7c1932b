"""What a request shows its holders, and which of its lies are found out (SPEC CE-3, CE-4, CE-6)."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from sealring.chain import Conflict, Rollback, WrongStatement
from sealring.command.ceremony import is_complete, missing
from sealring.errors import TrustError
from sealring.names import NO_ROOT
from sealring.request.context import BadContext, NoRoot
from sealring.request.form import Request, make_request
from sealring.request.judge import Judged, WouldFall, check_cut, judge
from sealring.request.standing import is_final
from sealring.request.warnings import warnings
from sealring.statement import Common, Revocations
from sealring.statement.fleet import Revoked
from sealring.statement.software import Final
from tests.samples import EVERY_TYPE
from tests.unit.request.ceremonies import (
    BRAND,
    NEW,
    OLD,
    RELEASE,
    ROOT,
    WORLD,
    claim,
    delegation,
    next_brand,
    next_root,
    request,
    signed,
    signed_by,
)
from tests.world import DAY, NOW, Key, World, key_set, sign

BERT, DAVE = WORLD.brand_role[0], NEW[2]


def judged(found: Request, *roots: bytes) -> Judged:
    """Judged from the holder's own root."""
    return judge(found, roots or [WORLD.root.raw])


def names(found: Judged, number: int = 0) -> list[list[str]]:
    """For each group of a draft, how its key sets are called."""
    return [[needed.by for needed in group] for group in found.items[number].requirements]


def test_a_root_needs_the_keys_before_and_its_own() -> None:
    """SPEC RT-1."""
    found = judged(request([next_root()]))
    assert names(found) == [["root 1, the keys before"], ["root 2, its own keys"]]
    assert found.items[0].replaced is not None


def test_a_brand_needs_the_role_brand_and_the_keys_before_or_the_role_root() -> None:
    """SPEC BR-1, BR-2."""
    found = judged(request([next_brand()], BRAND))
    assert names(found)[0] == ["root 1, role brand"]
    assert [by.partition(",")[0] for by in names(found)[1]] == ["brand acme", "root 1"]
    assert len(names(judged(request([next_brand(sequence=5)], BRAND)))[1]) == 1, "further than the next: the root alone"
    assert names(judged(request([WORLD.brand("new")]))) == [["root 1, role brand"]]


def test_the_role_root_stands_in_only_with_all_of_its_threshold() -> None:
    """SPEC TH-1: sets are never pooled."""
    found = request([next_brand()], BRAND)
    pooled = signed_by(found, BERT, OLD[0], WORLD.root_keys[0])
    assert not is_complete(judged(pooled).items[0])
    assert is_complete(judged(signed_by(found, BERT, *WORLD.root_keys[:2])).items[0])
    assert is_complete(judged(signed_by(found, BERT, *OLD[:2])).items[0])


@pytest.mark.parametrize("statement", EVERY_TYPE.values(), ids=EVERY_TYPE)
def test_every_type_can_be_asked_for(statement: Common) -> None:
    if statement.root == NO_ROOT:
        first = make_request([signed(statement)], [])
        assert judge(first, []).held.chain is None
        return
    context = [] if statement.type == "brand" else [BRAND]
    found = judged(request([statement], *context))
    keys = [BERT] if statement.type == "brand" else [*OLD[:2], *([BERT] if is_final(statement) else [])]
    assert missing(found.items[0])
    assert is_complete(judged(signed_by(request([statement], *context), *keys)).items[0])


def test_a_first_root_and_all_below_it_go_in_one_request() -> None:
    """Their ids are known before anyone has signed, so one evening is enough (SPEC EN-5, RT-3)."""
    drafts = [WORLD.root_statement(root=NO_ROOT), WORLD.brand(), WORLD.model(), WORLD.store()]
    found = make_request([signed(one) for one in drafts], [])
    assert [item.claim.statement.type for item in judge(found, []).items] == ["root", "brand", "model", "store"]
    both = signed_by(found, *WORLD.root_keys[:2], BERT, *OLD[:2])
    assert all(map(is_complete, judge(both, []).items))


def test_what_a_new_brand_says_is_asked_of_its_new_keys() -> None:
    found = judged(request([next_brand(), WORLD.release(2)], BRAND, RELEASE))
    assert missing(found.items[1]) == [key.name for key in NEW]


# --- what the context says, and whether it is so


def test_a_context_of_the_holders_root_verifies_and_anothers_does_not() -> None:
    """The attack: a whole world of the attacker's, in which everything fits (SPEC CE-3, ST-4)."""
    other = World(salt="other")
    theirs = make_request(
        [claim(sign(other.brand(sequence=2)))], [claim(other.root), claim(other.signed(other.brand()))]
    )
    assert judge(theirs, []).held.own_root, "and it is said loudly"
    with pytest.raises(TrustError) as refusal:
        judged(theirs)
    assert refusal.value.exit_code in (21, 24)


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(signed(WORLD.brand(issued=NOW - DAY), Key("thief")), id="brand that nobody certified"),
        pytest.param(signed(WORLD.release(2), OLD[0]), id="release below threshold"),
        pytest.param(signed(WORLD.release(2), Key("x"), Key("y")), id="release by strangers"),
        pytest.param(signed(delegation(Key("x")), OLD[0]), id="delegation below threshold"),
        pytest.param(signed(next_root(), *WORLD.root_keys[:1]), id="root that is no successor"),
        pytest.param(claim(World(salt="o").root), id="root of somebody else"),
    ],
)
def test_a_context_that_lies_is_named(lie: Any) -> None:
    """The attack: a made-up earlier statement, so that the difference looks small (SPEC CE-3)."""
    context = [lie] if lie.statement.type == "brand" else [BRAND, lie]
    with pytest.raises(BadContext) as refusal:
        judged(request([WORLD.release(3)], *context))
    assert lie.statement.title in str(refusal.value)
    assert refusal.value.exit_code in (21, 24)


def test_a_context_without_a_root_is_refused_unless_it_makes_one() -> None:
    with pytest.raises(NoRoot) as refusal:
        judge(make_request([signed(WORLD.brand())], []), [])
    assert refusal.value.rule == "CE-3"
    with pytest.raises(BadContext):
        judge(make_request([signed(WORLD.root_statement(root=NO_ROOT))], [BRAND]), [])


def test_a_context_walks_the_roots_as_a_device_does() -> None:
    """A holder whose root is years old needs no other file (SPEC CE-3, RT-2, BR-3)."""
    two = signed(next_root(), *WORLD.root_keys[:2])
    found = request([next_brand()], two, BRAND)
    assert judged(found).before.root == two.statement
    assert judged(found, WORLD.root.raw, two.envelope.raw).before.root == two.statement
    three = next_root(sequence=3)
    assert names(judged(request([three], two)))[0] == ["root 2, the keys before"]


def test_what_the_holder_has_is_judged_beside_what_the_request_shows() -> None:
    """The attack: an older brand is shown as the one in force, so that a second sequence 2 gets signed (SPEC FL-3)."""
    mine = signed(next_brand(), BERT, *OLD[:2])
    stale = request([next_brand(issued=NOW + timedelta(hours=1))], BRAND)
    judged(stale)
    with pytest.raises(Conflict):
        judged(stale.with_context([mine]))
    with pytest.raises(Rollback):
        judged(request([WORLD.release(1)], BRAND, signed(WORLD.release(5), *OLD[:2])))


@pytest.mark.parametrize(
    ("draft", "rule"),
    [
        pytest.param(next_root(root="1" * 64), "ST-4", id="for another root"),
        pytest.param(next_root(sequence=4), "RT-2", id="a root too far"),
        pytest.param(WORLD.release(brand="evil"), "BR-1", id="of a brand that nobody certified"),
        pytest.param(WORLD.root_statement(root=NO_ROOT, issued=NOW - DAY), "ST-4", id="a second first root"),
    ],
)
def test_a_draft_that_no_signature_could_make_good_is_refused(draft: Common, rule: str) -> None:
    with pytest.raises(WrongStatement) as refusal:
        judged(request([draft], BRAND))
    assert refusal.value.rule == rule


# --- what would fall


def test_what_the_new_keys_leave_below_threshold_is_named_and_refused_unless_meant() -> None:
    """SPEC CE-6: a rotation that quietly ends what is released stops devices."""
    found = judged(request([next_brand()], BRAND, RELEASE))
    assert [one.claim.statement.title for one in found.fallen] == ["release acme/tool/latest/stable"]
    with pytest.raises(WouldFall) as refusal:
        check_cut(found, cut=False)
    assert refusal.value.rule == "CE-6"
    check_cut(found, cut=True)


def test_counter_signatures_made_before_the_rotation_count() -> None:
    """SPEC CE-6: they carry the same id."""
    both = signed(RELEASE.statement, OLD[0], OLD[2], DAVE)
    assert not judged(request([next_brand()], BRAND, both)).fallen
    assert not judged(request([next_brand()], BRAND, RELEASE).with_context([both])).fallen


def test_what_is_signed_again_in_the_same_request_does_not_fall() -> None:
    found = judged(request([next_brand(), RELEASE], BRAND, RELEASE))
    assert not found.fallen
    assert found.items[1].again
    assert missing(found.items[1]) == [NEW[1].name, NEW[2].name], "alice's signature stands"


def test_what_is_replaced_in_the_same_request_does_not_fall() -> None:
    assert not judged(request([next_brand(), WORLD.release(2)], BRAND, RELEASE)).fallen
    old = signed(WORLD.release(1), OLD[0], OLD[2])
    new = signed(WORLD.release(2), *OLD[:2])
    assert not judged(request([next_brand()], BRAND, old, new)).fallen, "only what is in force counts"


def test_a_new_role_brand_leaves_brands_without_their_certificate() -> None:
    """SPEC BR-1: with them falls all that they say."""
    roles = next_root().roles
    root = next_root(roles=type(roles)(roles.root, key_set(1, Key("bea"))))
    found = judged(request([root], BRAND, signed(WORLD.release(), *OLD[:2])))
    assert {one.claim.statement.type for one in found.fallen} == {"brand", "release"}
    again = judged(request([root, BRAND], BRAND, signed(WORLD.release(), *OLD[:2])))
    assert not again.fallen
    assert names(again, 1) == [["root 2, role brand"]]


def test_a_delegation_falls_with_all_that_rests_on_it() -> None:
    """SPEC AU-2: its holders' signatures count while the brand's keys vouch for it."""
    builder = Key("builder")
    given = signed(delegation(builder), OLD[0], OLD[2])
    release = signed(WORLD.release(), builder)
    found = judged(request([next_brand()], BRAND, given, release))
    assert {one.claim.statement.type for one in found.fallen} == {"delegation", "release"}
    kept = signed(delegation(builder), OLD[0], OLD[1])
    assert not judged(request([next_brand()], BRAND, kept, release)).fallen


def test_a_delegate_is_asked_for_what_is_delegated_alone() -> None:
    """SPEC CE-4, AU-2."""
    builder = Key("builder")
    given = signed(delegation(builder), *OLD[:2])
    assert len(names(judged(request([WORLD.release(2)], BRAND, given)))[0]) == 2
    assert len(names(judged(request([WORLD.model()], BRAND, given)))[0]) == 1


def test_the_last_release_of_a_product_needs_the_role_brand_too() -> None:
    """SPEC CE-4, EL-1: and falls where a new role brand has not signed it."""
    last = WORLD.release(2, final=Final("1" * 64, ["2" * 64], ["3" * 64]))
    found = judged(request([last], BRAND))
    assert names(found) == [["brand acme, sequence 1"], ["root 1, role brand"]]
    assert not is_complete(judged(signed_by(request([last], BRAND), *OLD[:2])).items[0])
    assert is_complete(judged(signed_by(request([last], BRAND), *OLD[:2], BERT)).items[0])
    with pytest.raises(BadContext):
        judged(request([WORLD.model()], BRAND, signed(last, *OLD[:2])))
    roles = next_root().roles
    root = next_root(roles=type(roles)(roles.root, key_set(1, Key("bea"))))
    inside = signed(last, *OLD[:2], BERT)
    fallen = judged(request([root, BRAND], BRAND, inside)).fallen
    assert [one.why for one in fallen] == ["not enough signatures by root 2, role brand"]
    assert not judged(request([root, BRAND], BRAND, signed(last, *OLD[:2], BERT, Key("bea")))).fallen


# --- what a holder should stop at


def said(found: Judged, number: int = 0) -> str:
    """All warnings about one draft."""
    return "\n".join(warnings(found, found.items[number], NOW))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"keys": key_set(1, *NEW)}, "threshold falls from 2 to 1", id="a lower threshold"),
        pytest.param({"keys": key_set(1, *NEW)}, "one classical key alone is enough", id="one person"),
        pytest.param({"keys": key_set(3, *NEW)}, "the loss of one is the loss of the role", id="no spare"),
        pytest.param({}, "acme-c1 vanishes", id="a key that goes"),
        pytest.param(
            {"keys": key_set(2, *OLD[:2], BERT)}, "brands signs in 2 roles: role brand, brand acme", id="shared"
        ),
        pytest.param({"expires": NOW + 100 * DAY}, "lives 100 days, what it replaces 365", id="a shorter life"),
        pytest.param({"expires": NOW + 732 * DAY}, "lives as long as a brand may", id="the longest life"),
        pytest.param({"expires": NOW + 10 * DAY}, "expires within 30 days", id="soon over"),
        pytest.param({"not_before": NOW + DAY}, "devices wait with it until", id="later"),
        pytest.param({"issued": NOW + DAY, "expires": NOW + 300 * DAY}, "dated ahead", id="from the future"),
        pytest.param({"sequence": 5}, "sequences 2 to 4 are not here", id="a gap"),
    ],
)
def test_a_warning_says_what_a_long_review_would_hide(changes: dict[str, Any], words: str) -> None:
    assert words in said(judged(request([next_brand(**changes)], BRAND)))


def test_another_key_under_a_known_name_is_told() -> None:
    """The attack: "carol" stays in the list, and is somebody else."""
    impostor = Key("impostor")
    keys = key_set(2, *OLD)
    keys = type(keys)(
        [*keys.keys[:2], type(keys.keys[0])("acme-c1", "ed25519", impostor.public.public)], keys.thresholds
    )
    assert "another key stands under the name acme-c1" in said(judged(request([next_brand(keys=keys)], BRAND)))


def test_a_missing_predecessor_is_told() -> None:
    """The attack: what is replaced is left out, so that there is no difference to see."""
    assert "nobody can see what changes" in said(judged(request([WORLD.release(7)], BRAND)))


def test_an_authority_that_has_expired_is_told() -> None:
    """SPEC TM-1: devices would do nothing new by what is signed here."""
    given = signed(delegation(Key("b"), expires=NOW + DAY), *OLD[:2])
    found = judged(request([WORLD.release(2)], BRAND, RELEASE, given))
    late = "\n".join(warnings(found, found.items[0], NOW + 400 * DAY))
    for title in ("root 1", "brand acme", "delegation acme/builders"):
        assert f"{title} expired" in late
    assert "expired" not in "\n".join(warnings(found, found.items[0], NOW))


def test_the_root_takes_back_brands_by_its_role_root() -> None:
    """SPEC AU-1: a list of the root's own is asked of the keys that change the root."""
    lines = [Revoked("brand evil", NOW, "sold", "keep")]
    said = Revocations(issuer="root", revoked=lines, **WORLD.common("root", 300))
    found = judged(request([said], BRAND))
    assert names(found) == [["root 1, role root"]]
    assert is_complete(judged(signed_by(request([said], BRAND), *WORLD.root_keys[:2])).items[0])


def test_what_a_list_in_force_has_taken_back_is_told() -> None:
    """SPEC RK-1: signed again it is still of no use; a list that is drafted beside it and lifts the line is heard."""
    lines = [Revoked(RELEASE.statement.title, NOW, "a mistake", "keep")]
    first = Revocations(issuer="acme", revoked=lines, **WORLD.common("acme", 300))
    held = signed(first, *OLD[:2])
    words = "the list of acme/acme revokes it since 2026"
    assert words in said(judged(request([WORLD.release(2)], BRAND, held)))
    by_id = msgspec.structs.replace(
        first, revoked=[Revoked(signed(WORLD.release(2)).envelope.id, NOW, "a mistake", "stop")]
    )
    assert "(stop): a mistake" in said(judged(request([WORLD.release(2)], BRAND, signed(by_id, *OLD[:2]))))
    assert "revokes" not in said(judged(request([WORLD.model()], BRAND, held)))
    lifted = msgspec.structs.replace(first, sequence=2, revoked=[])
    assert "revokes" not in said(judged(request([WORLD.release(2), lifted], BRAND, held)))


def test_an_ordinary_draft_warns_of_nothing() -> None:
    assert said(judged(request([WORLD.release(2)], BRAND, RELEASE))) == ""


def test_the_review_of_a_root_warns_of_keys_in_both_of_its_roles() -> None:
    roles = next_root().roles
    both = type(roles)(roles.root, key_set(1, WORLD.root_keys[0]))
    assert "root-a signs in 2 roles: role root, role brand" in said(judged(request([next_root(roles=both)])))


def test_a_list_that_forgets_is_told() -> None:
    lines = EVERY_TYPE["revocations"]
    fewer = msgspec.structs.replace(lines, sequence=2, revoked=[])
    found = judged(request([fewer], BRAND, signed(lines, *OLD[:2])))
    assert "lifts the revocation of store acme/main" in said(found)
    assert "stops what runs" in said(judged(request([lines], BRAND)))
    wider = delegation(Key("b"), sequence=2, roles=["release", "store"])
    given = signed(delegation(Key("b")), *OLD[:2])
    assert "delegates more roles: store" in said(judged(request([wider], BRAND, given)))


def test_the_root_of_the_world_is_the_one_of_its_requests() -> None:
    assert ROOT.envelope.id == WORLD.root_id
