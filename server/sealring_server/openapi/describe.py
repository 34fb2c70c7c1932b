"""What a view takes and answers, said beside it: `described` (SPEC section 13).

    @bp.get("/v1/roots/<int:version>")
    @described(mutable_of(JSON), refuses=(404,))
    def root(version: int) -> Response:

Summary and text come from the view's docstring, path parameters from the table in `parts`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec

Schema = Mapping[str, Any]
View = TypeVar("View", bound=Callable[..., Any])

_KEPT: Final = "sealring_described"
BINARY: Final[Schema] = {}
"""Bytes that no schema describes; OpenAPI 3.1 says so by an empty one."""


@dataclass(frozen=True)
class Part:
    """A member of the path, the query or the headers."""

    name: str
    about: str
    schema: Schema
    required: bool = False


@dataclass(frozen=True)
class Body:
    """Bytes of one media type; `form` where they are JSON that this project made."""

    kind: str
    form: type[msgspec.Struct] | None = None


@dataclass(frozen=True)
class Reply:
    """One answer that is no refusal."""

    about: str
    bodies: tuple[Body, ...] = ()
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Description:
    """All that is said about a view.

    Args:
        replies: by status.
        refuses: statuses of its problem documents, beside those that any request may get.
        takes: the bodies that it may be sent; a request with a body of another type is refused (SPEC HT-4).
    """

    replies: Mapping[int, Reply]
    refuses: tuple[int, ...] = ()
    takes: tuple[Body, ...] = ()
    query: tuple[Part, ...] = ()
    headers: tuple[Part, ...] = ()
    path: Mapping[str, Part] = field(default_factory=dict)


def described(
    replies: Mapping[int, Reply],
    *,
    refuses: tuple[int, ...] = (),
    takes: tuple[Body, ...] = (),
    query: tuple[Part, ...] = (),
    headers: tuple[Part, ...] = (),
    path: tuple[Part, ...] = (),
) -> Callable[[View], View]:
    """Say what this view takes and answers; see `Description`.

    Args:
        path: what stands in the path, where it is not as in the table `parts.PATH`.
    """
    said = Description(replies, refuses, takes, query, headers, {part.name: part for part in path})

    def note(view: View) -> View:
        setattr(view, _KEPT, said)
        return view

    return note


def description_of(view: Callable[..., Any] | None) -> Description | None:
    """What was said about a view; None where nothing was."""
    found = getattr(view, _KEPT, None)
    return found if isinstance(found, Description) else None


def immutable_of(kind: str, about: str = "what its address names; it never changes") -> dict[int, Reply]:
    """The answers of a path that HT-1 speaks of."""
    return {200: Reply(about, (Body(kind),), ("Cache-Control",))}


def mutable_of(kind: str, about: str = "as of now") -> dict[int, Reply]:
    """The answers of a path that HT-2 speaks of."""
    whole = Reply(about, (Body(kind),), ("Cache-Control", "ETag"))
    return {200: whole, 304: Reply("the asker has these very bytes", (), ("ETag",))}


def unstored_of(about: str, *bodies: Body, status: int = 200) -> dict[int, Reply]:
    """An answer that no cache may keep."""
    return {status: Reply(about, bodies, ("Cache-Control",))}
