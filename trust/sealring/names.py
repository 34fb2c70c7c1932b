"""Small values with types of their own: names, numbers, digests and instants (SPEC "Words and numbers").

Everything here is a constraint that the strict decoder applies while it reads, so that code behind the
parser never asks again whether a name is well formed (SPEC ST-3).
"""

from datetime import UTC, datetime
from typing import Annotated, NewType

from msgspec import Meta

KeyId = NewType("KeyId", str)
"""64 lower-case hex digits: SHA-256 of a key's type and material (SPEC KY-1)."""

MAX_INTEGER = 2**53 - 1  # the largest integer that every JSON reader holds exactly

_NAME = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_PATTERN = rf"{_NAME}/(?:{_NAME}|\*)"

Sha256Hex = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Name = Annotated[str, Meta(pattern=rf"\A{_NAME}\Z", max_length=40)]
FullName = Annotated[str, Meta(pattern=rf"\A{_NAME}/{_NAME}\Z", max_length=81)]
"""`brand/name`: of a package, a model, a store or a stack."""
NamePattern = Annotated[str, Meta(pattern=rf"\A{_PATTERN}\Z", max_length=81)]
"""`brand/name`, or `brand/*` for every name of that brand."""
Channel = Annotated[str, Meta(pattern=r"\A[a-z0-9]+(?:[.-][a-z0-9]+)*/(?:stable|candidate|beta|edge)\Z", max_length=60)]
Text = Annotated[str, Meta(pattern=r"\A[ !#-\[\]-~]*\Z", max_length=200)]
"""Printable ASCII without the two characters that JSON would have to escape."""
Url = Annotated[str, Meta(pattern=r"\Ahttps?://[A-Za-z0-9.\-\[\]:]+(?:/[A-Za-z0-9._~\-]+)*\Z", max_length=200)]

Instant = Annotated[datetime, Meta(tz=True)]
"""UTC in whole seconds; the parser refuses an instant without a zone, `check` every other spelling (`plain`)."""
Sequence = Annotated[int, Meta(ge=1, le=MAX_INTEGER)]
Count = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
Revision = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Bytes = Annotated[int, Meta(ge=1, le=2**40)]

NO_ROOT = "0" * 64
"""What version 1 of a root writes where every other statement names its root (SPEC RT-3)."""
ROOT = "root"
"""The authority of the root's own statements; no brand may take this name (SPEC AU-1)."""


def instant(text: str) -> datetime:
    """An instant from its one spelling, such as `2026-03-01T12:00:00Z`.

    Raises:
        ValueError: on any other spelling.
    """
    at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if spell(at) != text:
        raise ValueError(f"{text!a} is not spelt as 2026-03-01T12:00:00Z")
    return at


def spell(at: datetime) -> str:
    """The one spelling of an instant."""
    return at.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def plain(at: datetime) -> bool:
    """Whether an instant that was read from JSON stood there in its one spelling; decides no trust.

    The decoder keeps another offset and parts of a second, and would write them again as they came.
    """
    return at.tzinfo is UTC and not at.microsecond


def covers(pattern: str, name: str) -> bool:
    """Whether `brand/*` or `brand/name` covers this full name; compares text, decides no trust."""
    return pattern == name or (pattern.endswith("/*") and name.startswith(pattern[:-1]))
