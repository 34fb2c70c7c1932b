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

NAME = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_PATTERN = rf"{NAME}/(?:{NAME}|\*)"
_SHORT = r"(?=.{1,40}/.{1,40}\Z)"  # both halves; a name has no slash
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
_PORT = r"(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
_SEGMENT = r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*"  # never `.` or `..`

Sha256Hex = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Name = Annotated[str, Meta(pattern=rf"\A{NAME}\Z", max_length=40)]
FullName = Annotated[str, Meta(pattern=rf"\A{_SHORT}{NAME}/{NAME}\Z")]
"""`brand/name`: of a package, a model, a store or a stack."""
NamePattern = Annotated[str, Meta(pattern=rf"\A{_SHORT}{_PATTERN}\Z")]
"""`brand/name`, or `brand/*` for every name of that brand."""
Channel = Annotated[str, Meta(pattern=r"\A[a-z0-9]+(?:[.-][a-z0-9]+)*/(?:stable|candidate|beta|edge)\Z", max_length=60)]
Text = Annotated[str, Meta(pattern=r"\A[ !#-\[\]-~]*\Z", max_length=200)]
"""Printable ASCII without the two characters that JSON would have to escape."""
Url = Annotated[str, Meta(pattern=rf"\Ahttps?://{_HOST}{_PORT}(?:/{_SEGMENT})*\Z", max_length=200)]

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
