"""The calendar file is what RFC 5545 says, by another's reader."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from sealring.doctor.calendar import MAX_LINE, calendar, escape, fold, uid
from sealring.doctor.deadlines import Deadline
from sealring.doctor.signers import Signers
from tests.unit.doctor.worlds import WHOLE, WORLD, look
from tests.world import DAY, NOW, Key, key_set, sign

ROOT = WORLD.root_id
FOUND = look(*WHOLE).deadlines


def deadline(**more: object) -> Deadline:
    base: dict[str, object] = {
        "type": "release",
        "subject": "acme/tool/latest/stable",
        "event": "expires",
        "sequence": 1,
        "ends": NOW + 90 * DAY,
        "judged": NOW,
        "state": "later",
        "signers": (Signers("brand acme", key_set(1, Key("alice"))),),
        "stops": (),
        "next": "sealring create",
    }
    return Deadline(**{**base, **more})  # type: ignore[arg-type]


def test_every_deadline_is_an_event_with_two_alarms() -> None:
    read = Calendar.from_ical(calendar(FOUND, ROOT, NOW))
    events = read.walk("VEVENT")
    assert [event.errors for event in (read, *events)] == [[]] * (len(events) + 1)
    assert {str(event["SUMMARY"]) for event in events} == {f"{one.title} {one.event}" for one in FOUND}
    assert len(events) == len(FOUND) == len({str(event["UID"]) for event in events})
    for event, one in zip(events, FOUND, strict=True):
        assert event.decoded("DTSTART") == one.ends
        assert event.decoded("DTSTAMP") == NOW
        assert [alarm.decoded("TRIGGER") for alarm in event.walk("VALARM")] == [-timedelta(days=30), -timedelta(days=7)]
        assert all(words in str(event["DESCRIPTION"]) for words in one.stops)


def test_lines_end_as_they_should_and_none_is_long() -> None:
    raw = calendar(FOUND, ROOT, NOW)
    lines = raw.split(b"\r\n")
    assert lines[-1] == b""
    assert b"\n" not in b"".join(lines)
    assert max(len(line) for line in lines) <= MAX_LINE


def test_an_event_keeps_its_name_and_moves() -> None:
    """Who imports the file each week must not find every deadline twice, nor a renewed one at its old date."""
    before = deadline()
    after = deadline(sequence=2, ends=NOW + 180 * DAY)
    assert uid(before, ROOT) == uid(after, ROOT)
    assert uid(before, ROOT) != uid(before, "0" * 64)
    assert uid(before, ROOT) != uid(deadline(event="end of support"), ROOT)
    (event,) = Calendar.from_ical(calendar([after], ROOT, NOW)).walk("VEVENT")
    assert event["SEQUENCE"] == 2
    root_2 = sign(WORLD.root_statement(sequence=2), *WORLD.root_keys[:2])
    names = [{uid(d, ROOT) for d in look(*world).deadlines if d.type == "root"} for world in (WHOLE, [*WHOLE, root_2])]
    assert names[0] == names[1]


def test_what_nobody_renews_by_hand_is_left_out() -> None:
    """A store's own timestamp ends every week; what a final release lifts needs nobody."""
    online = deadline(type="TUF timestamp", subject="of acme/main")
    kept = deadline(type="TUF root", subject="of acme/main")
    found = Calendar.from_ical(calendar([online, deadline(lifted=True), kept], ROOT, NOW)).walk("VEVENT")
    assert [str(event["SUMMARY"]) for event in found] == ["TUF root of acme/main expires"]


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(blacklist_categories=["Cc", "Cs"]), max_size=300))
def test_any_words_survive(text: str) -> None:
    """Folding cuts no character in two, and a comma or a line's end in a name starts no property of its own."""
    folded = fold("DESCRIPTION:" + escape(text))
    assert all(len(line) <= MAX_LINE for line in folded.split(b"\r\n"))
    assert [line.decode() for line in folded.split(b"\r\n")]
    assert folded.replace(b"\r\n ", b"") == ("DESCRIPTION:" + escape(text)).encode() + b"\r\n"
    (event,) = Calendar.from_ical(calendar([deadline(subject=text or "x")], ROOT, NOW)).walk("VEVENT")
    assert str(event["SUMMARY"]) == f"release {text or 'x'} expires"


def test_a_new_line_in_a_name_starts_no_property() -> None:
    (event,) = Calendar.from_ical(calendar([deadline(subject="a\r\nATTACH:http://evil.example")], ROOT, NOW)).walk(
        "VEVENT"
    )
    assert "ATTACH" not in event
