"""A request changes before it is assembled, and says which signatures that costs."""

import pytest

from sealring.keys import BadKeySet
from sealring.names import NO_ROOT
from sealring.request.amend import drop_key, replace_drafts
from sealring.request.form import BadRequest, make_request
from sealring.request.judge import judge
from sealring.statement import Brand
from tests.unit.request.ceremonies import (
    BRAND,
    NEW,
    OLD,
    RELEASE,
    WORLD,
    delegation,
    next_brand,
    next_root,
    request,
    signed,
    signed_by,
)
from tests.world import Key, key_set

MALLORY = Key("mallory")
WRONG = request([next_brand(keys=key_set(2, *NEW, MALLORY)), WORLD.release(2)], BRAND, RELEASE)


def test_a_mis_added_key_is_taken_back_and_only_that_drafts_signatures_are_void() -> None:
    """SPEC EN-5: other bytes are another statement."""
    found = drop_key(signed_by(WRONG, OLD[0], OLD[1]), "mallory")
    brand, release = found.request.drafts
    assert isinstance(brand.statement, Brand)
    assert brand.statement == next_brand()
    assert brand.envelope.signatures == {}
    assert set(release.envelope.signatures) == {OLD[0].id, OLD[1].id}
    assert found.voided == (("brand acme", 2),)
    assert found.request.context == WRONG.context
    assert judge(found.request, [WORLD.root.raw]).items


def test_a_key_that_a_threshold_needs_is_not_taken_back_in_silence() -> None:
    with pytest.raises(BadKeySet):
        drop_key(request([next_brand(keys=key_set(3, *NEW))], BRAND), NEW[0].name)
    with pytest.raises(BadRequest):
        drop_key(request([delegation(MALLORY)], BRAND), "mallory")
    with pytest.raises(BadRequest):
        drop_key(WRONG, "nobody")


def test_a_key_goes_out_of_every_role_of_a_root() -> None:
    roles = next_root().roles
    both = type(roles)(key_set(2, *WORLD.root_keys, MALLORY), key_set(1, *WORLD.brand_role, MALLORY))
    found = drop_key(request([next_root(roles=both)]), "mallory").request.drafts[0].statement
    assert "mallory" not in str(found)


def test_a_better_draft_takes_the_place_of_its_subject_and_others_join() -> None:
    found = replace_drafts(signed_by(WRONG, OLD[0]), [signed(next_brand()), signed(WORLD.model())])
    assert [c.statement.type for c in found.request.drafts] == ["brand", "release", "model"]
    assert found.request.drafts[0].statement == next_brand()
    assert found.voided == (("brand acme", 1),)


def test_a_first_root_that_changes_renames_everything_below_it() -> None:
    """SPEC RT-3: its id is the root's name, and every draft carries it."""
    roles = WORLD.root_statement(root=NO_ROOT).roles
    wrong = WORLD.root_statement(root=NO_ROOT, roles=type(roles)(key_set(2, *WORLD.root_keys, MALLORY), roles.brand))
    first = make_request([signed(wrong)], []).drafts[0].envelope.id
    asked = make_request([signed(wrong), signed(WORLD.brand(root=first)), signed(WORLD.model(root=first))], [])
    found = drop_key(signed_by(asked, *WORLD.root_keys[:2]), "mallory")
    assert {c.statement.root for c in found.request.drafts} == {NO_ROOT, WORLD.root_id}
    assert [count for _, count in found.voided] == [2, 2, 2]
    assert judge(found.request, []).items
