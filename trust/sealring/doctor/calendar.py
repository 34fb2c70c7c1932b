"""Deadlines as an iCalendar file (RFC 5545): an event each, with alarms 30 and 7 days before.

An event keeps its UID from run to run, and moves when its statement is renewed: import the file again and nothing
stands twice. A store's own files are left out: it renews them by itself.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from sealring.doctor.deadlines import Deadline

MAX_LINE: Final = 75  # octets, without the line's end (RFC 5545 section 3.1)
ALARM_DAYS: Final = (30, 7)


def calendar(found: Iterable[Deadline], root_id: str, stamp: datetime) -> bytes:
    """The file's bytes.

    Args:
        root_id: the id of version 1 of the root: calendars of two roots never share an event.
        stamp: when the file is made.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//sealring//doctor//EN", "CALSCALE:GREGORIAN"]
    for one in found:
        if one.signers and not one.lifted and one.next and not _is_online(one):
            lines += _event(one, root_id, stamp)
    return b"".join(fold(line) for line in [*lines, "END:VCALENDAR"])


def uid(one: Deadline, root_id: str) -> str:
    """The event's name for ever: of what ends, whatever its sequence."""
    digest = sha256("\n".join((root_id, one.type, one.subject, one.event)).encode()).hexdigest()
    return f"{digest[:32]}@sealring"


def fold(line: str) -> bytes:
    """A content line in lines of at most 75 octets, no character torn apart."""
    found, rest = list[bytes](), line.encode()
    while len(rest) > MAX_LINE - bool(found):
        cut = MAX_LINE - bool(found)
        while rest[cut] & 0xC0 == 0x80:  # within a character of several octets
            cut -= 1
        found.append(rest[:cut])
        rest = rest[cut:]
    return b"\r\n ".join([*found, rest]) + b"\r\n"


def escape(text: str) -> str:
    """Text as a value (RFC 5545 section 3.3.11)."""
    for plain, told in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r", ""), ("\n", "\\n")):
        text = text.replace(plain, told)
    return text


def _is_online(one: Deadline) -> bool:
    return one.type.startswith("TUF") and one.type != "TUF root"


def _event(one: Deadline, root_id: str, stamp: datetime) -> Iterator[str]:
    summary = escape(f"{one.title} {one.event}")
    told = [f"sequence {one.sequence}", *(f"stops: {words}" for words in one.stops or ("nothing here rests on it",))]
    told += [f"{'or ' if by.instead else ''}signed by {by.in_words()}" for by in one.signers]
    told.append(f"next: {one.next}")
    yield from ("BEGIN:VEVENT", f"UID:{uid(one, root_id)}", f"DTSTAMP:{_utc(stamp)}", f"DTSTART:{_utc(one.ends)}")
    # A calendar takes the higher SEQUENCE for the newer word on an event; a sealring sequence may not fit its 31 bits.
    yield f"SEQUENCE:{min(one.sequence, 2**31 - 1)}"
    yield from (f"SUMMARY:{summary}", "DESCRIPTION:" + escape("\n".join(told)))
    yield from ("CATEGORIES:SEALRING", "TRANSP:TRANSPARENT")
    for days in ALARM_DAYS:
        yield from ("BEGIN:VALARM", "ACTION:DISPLAY", f"TRIGGER:-P{days}D")
        yield from (f"DESCRIPTION:{summary} in {days} days", "END:VALARM")
    yield "END:VEVENT"


def _utc(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.year:04d}{at:%m%dT%H%M%S}Z"
