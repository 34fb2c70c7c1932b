"""What ends when, who must sign, and what stops: as devices will see it (SPEC TM-1, AU-6, SR-2, EL-2)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealring.doctor.deadlines import Deadline
from sealring.doctor.examine import Examined
from sealring.doctor.tuf_files import StoreTuf, TufDeadline, TufRole
from sealring.envelope import Envelope
from sealring.moment import Expired, FromTheFuture, Moment
from sealring.statement.fleet import Wanted
from sealring.statement.software import Final, Target
from tests.unit.doctor.worlds import BRAND, MODEL, RELEASE, REVISION, STORE, WHOLE, WORLD, look, of, without, world_of
from tests.world import DAY, NOW, Key, sign

TOOL = Wanted("acme/tool", "latest/stable", "app", "required")
TWO_PACKAGES = [Wanted("acme/extra", "latest/stable", "app", "optional"), TOOL]
ALL_STOPS = ("devices of acme/door-1 install nothing new",)
CHAIN = ["root", "brand acme", "model acme/door-1", "store acme/main", "revision acme/tool/1/amd64"]
EXTRA = [
    WORLD.signed(WORLD.revision(1, b"extra", package="extra", expires=NOW + 200 * DAY)),
    WORLD.signed(WORLD.release(1, package="extra", expires=NOW + 20 * DAY)),
]
PARTNER = WORLD.signed(WORLD.delegation())
BY_PARTNER = sign(WORLD.revision(), WORLD.delegate_keys()[0])


def deadline(found: Examined, title: str, event: str = "expires") -> Deadline:
    (one,) = [d for d in found.deadlines if d.title == title and d.event == event]
    return one


def stops(found: Examined, title: str) -> tuple[str, ...]:
    return deadline(found, title).stops


@pytest.mark.parametrize("title", CHAIN)
def test_what_every_package_rests_on_stops_all(title: str) -> None:
    """SPEC DV-10: a device installs nothing new once one link of its only chain has ended."""
    assert stops(look(*WHOLE), title) == ALL_STOPS


def test_what_one_package_rests_on_stops_that_one() -> None:
    """A model's other packages go on being updated, and the words must not frighten beyond that."""
    found = look(*without(MODEL), WORLD.signed(WORLD.model(packages=TWO_PACKAGES)), *EXTRA)
    assert stops(found, "release acme/extra/latest/stable") == (
        "devices of acme/door-1 install nothing new of acme/extra",
    )
    assert found.deadlines[0].title == "release acme/extra/latest/stable", "the earliest comes first"


def test_a_second_store_keeps_devices_going() -> None:
    """SPEC SR-2: with another store for the package, one store's end costs no update."""
    other = WORLD.signed(WORLD.store("http://127.0.0.1:2", store="other"))
    model = WORLD.signed(WORLD.model(stores=["acme/main", "acme/other"]))
    found = look(*without(MODEL), model, other)
    assert stops(found, "store acme/main") == ("devices of acme/door-1 do without the store acme/main",)
    agreeing = WORLD.signed(WORLD.model(stores=["acme/main", "acme/other"], agree=2))
    assert stops(look(*without(MODEL), agreeing, other), "store acme/main") == ALL_STOPS


def test_a_stack_takes_the_place_of_the_release() -> None:
    """SPEC SK-1: where a stack chooses the revision, the release's end stops nothing."""
    model = WORLD.signed(WORLD.model(stack="acme/line"))
    found = look(*without(MODEL), model, WORLD.signed(WORLD.stack(("tool", 1))))
    assert stops(found, "stack acme/line") == ALL_STOPS
    assert stops(found, "release acme/tool/latest/stable") == ()


def test_what_only_a_delegation_vouches_for_ends_with_it() -> None:
    """SPEC AU-6: the partner's build lives no longer than his delegation, whatever its own date."""
    partner = WORLD.signed(WORLD.delegation(expires=NOW + 40 * DAY))
    found = look(*without(REVISION), BY_PARTNER, partner)
    assert stops(found, "delegation acme/partner") == ALL_STOPS
    assert deadline(found, "revision acme/tool/1/amd64").ends == NOW + 40 * DAY
    both = look(*WHOLE, partner)
    assert stops(both, "delegation acme/partner") == ()
    late = look(*without(REVISION), BY_PARTNER, partner, at=NOW + 40 * DAY)
    assert {one.about for one in of(late, "expired")} == {"delegation acme/partner", "revision acme/tool/1/amd64"}


def test_a_serial_ends_for_one_device() -> None:
    """SPEC SN-1."""
    serial = WORLD.signed(WORLD.serial(Key("device").public, expires=NOW + DAY))
    asked = look(*without(MODEL), WORLD.signed(WORLD.model(serial="required")), serial)
    assert stops(asked, "serial acme/door-1/SN-1") == ("the device acme/door-1/SN-1 installs nothing new",)
    assert stops(look(*WHOLE, serial), "serial acme/door-1/SN-1") == ()


def test_what_nothing_rests_on_may_end() -> None:
    """An abandoned channel must not fail an operator's nightly run for ever; its end is a note."""
    old = WORLD.signed(WORLD.release(1, channel="1.0/edge", expires=NOW + DAY))
    found = look(*WHOLE, old, at=NOW + 2 * DAY)
    assert [(one.level, one.about) for one in of(found, "expired")] == [("note", "release acme/tool/1.0/edge")]
    assert found.exit_code(strict=True) == 0


def test_an_expired_revocation_list_is_still_in_force() -> None:
    """SPEC RK-2: it stops nothing, so it fails nothing; who renews it is reminded before."""
    listed = WORLD.signed(WORLD.revocations(1, expires=NOW + 20 * DAY))
    named = [
        WORLD.signed(s) for s in (WORLD.brand(revocations=1), WORLD.model(revocations=1), WORLD.store(revocations=1))
    ]
    world = [*named, WORLD.signed(WORLD.release(revocations=1)), REVISION, listed]
    assert [one.level for one in of(look(*world), "ends-soon")] == ["warning"]
    assert look(*world, at=NOW + 30 * DAY).exit_code(strict=False) == 0


def test_what_is_revoked_or_named_by_nothing_has_no_deadline() -> None:
    """Nobody renews what was taken back, nor a build that no release names any more."""
    line = WORLD.signed(WORLD.revocations(1, ("store acme/main", "keep")))
    titles = {one.title for one in look(*WHOLE, line, WORLD.signed(WORLD.revision(7))).deadlines}
    assert not titles & {"store acme/main", "revision acme/tool/7/amd64"}


def test_a_final_release_lets_dates_pass() -> None:
    """SPEC EL-2: the brand, model and revision that it names may end; root and store may not."""
    final = Final(BRAND.id, [MODEL.id], [REVISION.id])
    said = WORLD.release(final=final)
    release = sign(said, *WORLD.brand_keys("acme")[:2], *WORLD.brand_role)
    found = look(*without(RELEASE), release, at=NOW + 100 * DAY)
    assert deadline(found, "release acme/tool/latest/stable").lifted
    assert of(found, "expired")[0].level == "note"
    assert found.exit_code(strict=False) == 0
    unsigned = look(*without(RELEASE), sign(said, *WORLD.brand_keys("acme")[:2]), at=NOW + 100 * DAY)
    assert unsigned.exit_code(strict=False) == 22, "without the role brand it is an ordinary release (EL-1)"
    assert look(*without(RELEASE), release, at=NOW + 310 * DAY).exit_code(strict=False) == 22, "the store has ended"


def test_who_must_sign_what_follows() -> None:
    """SPEC BR-2, AU-2: the sets that the rules will ask, alternatives told as such."""
    found = look(*WHOLE, PARTNER)
    names = {d.title: [(by.by, by.instead) for by in d.signers] for d in found.deadlines}
    assert names["root"] == [("root 1, role root", False)]
    assert [instead for _, instead in names["brand acme"]] == [False, False, True]
    assert names["release acme/tool/latest/stable"] == [("brand acme", False), ("delegation acme/partner", True)]
    assert names["store acme/main"] == [("brand acme", False)]
    assert (
        deadline(found, "root").signers[0].in_words() == "root 1, role root (2 of 3 classical: root-a, root-b, root-c)"
    )
    assert deadline(found, "root").next == "sealring create root --replaces root-1.json -o root-2.json"


def tuf(**more: datetime) -> StoreTuf:
    online = TufRole("timestamp", 1, (Key("online").public,))
    dates = [TufDeadline("root", 1, more.get("root", NOW + 300 * DAY), online=False)]
    dates.append(TufDeadline("timestamp", 4, more.get("timestamp", NOW + 7 * DAY), online=True))
    return StoreTuf("acme/main", "url", (TufRole("root", 1, (Key("tuf").public,)), online), tuple(dates), pinned=True)


def test_what_a_store_renews_by_itself_is_judged_as_it_is_today() -> None:
    """In half a year this timestamp will long have been replaced; a stopped store is seen by what is past its half."""
    ahead = look(*WHOLE, stores=[tuf()], at=NOW + 80 * DAY)
    assert deadline(ahead, "TUF timestamp of acme/main").state == "later"
    assert deadline(look(*WHOLE, stores=[tuf(timestamp=NOW + DAY)]), "TUF timestamp of acme/main").state == "soon"
    assert deadline(look(*WHOLE, stores=[tuf(timestamp=NOW + 2 * DAY)]), "TUF timestamp of acme/main").state == "soon"
    ended = look(*WHOLE, stores=[tuf(timestamp=NOW)])
    assert stops(ended, "TUF timestamp of acme/main") == ALL_STOPS
    assert ended.exit_code(strict=False) == 22
    assert look(*WHOLE, stores=[tuf(root=NOW + 80 * DAY)], at=NOW + 80 * DAY).exit_code(strict=False) == 22


def test_the_end_of_a_store_s_root_is_told_sixty_days_before() -> None:
    """SPEC TF-10: the store can't renew it by itself; its holders must find each other first."""
    name = "TUF root of acme/main"
    assert deadline(look(*WHOLE, stores=[tuf(root=NOW + 61 * DAY)]), name).state == "later"
    soon = deadline(look(*WHOLE, stores=[tuf(root=NOW + 60 * DAY)]), name)
    assert (soon.state, soon.next.partition("  #")[0]) == ("soon", "sealring-store tuf request FOLDER")


def test_exit_codes_say_the_worst() -> None:
    """SPEC section 15: 22 for what has ended, a problem's own code, 1 for warnings where they are not wanted."""
    rival = WORLD.signed(WORLD.release(expires=NOW + 80 * DAY))
    assert look(*WHOLE).exit_code(strict=True) == 0
    assert look(*WHOLE, at=NOW + 85 * DAY).exit_code(strict=False) == 0
    assert look(*WHOLE, at=NOW + 85 * DAY).exit_code(strict=True) == 1
    assert look(*WHOLE, rival).exit_code(strict=False) == 23
    assert look(*WHOLE, rival, at=NOW + 95 * DAY).exit_code(strict=False) == 22
    behind = WORLD.signed(WORLD.model(revocations=3))
    assert look(*without(MODEL), behind).exit_code(strict=False) == 24


INSTANTS = st.integers(-400 * 86400, 1200 * 86400).map(lambda s: NOW + timedelta(seconds=s))
EVERYTHING: list[Envelope] = [*without(REVISION), BY_PARTNER, PARTNER, *EXTRA, WORLD.signed(WORLD.revocations(2))]
HELD = world_of(*EVERYTHING)
EDGES = sorted({one.statement.expires for one in HELD.held.values()})


@settings(max_examples=150, deadline=None)
@given(INSTANTS | st.sampled_from(EDGES).flatmap(lambda e: st.integers(-1, 1).map(lambda s: e + timedelta(seconds=s))))
def test_expired_is_said_exactly_where_the_rule_says_it(at: datetime) -> None:
    """SPEC TM-1: a doctor who is a second early or late is believed once."""
    said = {one.about for one in of(look(*EVERYTHING, at=at), "expired")}
    found = set()
    for subject, one in HELD.held.items():
        try:
            HELD.chain.verify(one, Moment(at), None)
        except Expired:
            found.add("root" if subject[0] == "root" else one.statement.title)
        except FromTheFuture:
            continue
    assert said == found


def test_a_lost_second_brand_stops_its_own_packages() -> None:
    """Another publisher's certificate that ends stops his packages on the maker's devices, and names them."""
    ham = WORLD.signed(WORLD.brand("ham", expires=NOW + 50 * DAY))
    wanted = [TOOL, Wanted("ham/tool", "latest/stable", "app", "required")]
    store = WORLD.signed(WORLD.store(packages=["acme/*", "ham/*"]))
    software = [WORLD.signed(WORLD.revision(brand="ham")), WORLD.signed(WORLD.release(brand="ham"))]
    found = look(*without(MODEL, STORE), WORLD.signed(WORLD.model(packages=wanted)), store, ham, *software)
    assert stops(found, "brand ham") == ("devices of acme/door-1 install nothing new of ham/tool",)


def test_a_deadline_says_the_same_of_every_version_of_the_root() -> None:
    """Its name in a calendar must not change with the version, or nobody's reminder would ever move."""
    root_2 = sign(WORLD.root_statement(sequence=2, expires=NOW + 900 * DAY), *WORLD.root_keys[:2])
    first, second = deadline(look(*WHOLE), "root"), deadline(look(*WHOLE, root_2), "root")
    assert (first.sequence, second.sequence) == (1, 2)
    assert replace(first, sequence=2, ends=second.ends, signers=second.signers, next=second.next) == second


def test_a_publisher_without_models_is_warned_too() -> None:
    """His readers' models lie in other folders: silence here would be a green run while their updates end."""
    found = look(*without(MODEL), at=NOW + 100 * DAY)
    assert stops(found, "release acme/tool/latest/stable") == (
        "devices that follow acme/tool install nothing new of it",
    )
    assert stops(found, "store acme/main") == ("devices that use the store acme/main install nothing new by it",)
    assert found.exit_code(strict=False) == 22


def test_what_is_not_here_is_taken_to_be_elsewhere() -> None:
    """A team that keeps no builds in its folder must still be told what its release's end stops."""
    found = look(*without(REVISION, STORE))
    assert stops(found, "release acme/tool/latest/stable") == ALL_STOPS
    assert len(of(found, "missing")) == 2


def test_a_release_for_another_architecture_stops_nothing_here() -> None:
    """SPEC RL-3: these devices never took it."""
    other = WORLD.signed(WORLD.release(targets=[Target("arm64", 1, 1)]))
    assert stops(look(*without(RELEASE), other), "release acme/tool/latest/stable") == ()
