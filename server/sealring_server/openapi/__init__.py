"""What the store answers, described beside each view and told to programs as OpenAPI 3.1 (SPEC section 13)."""

from sealring_server.openapi.describe import (
    Body,
    Description,
    Part,
    Reply,
    described,
    description_of,
    immutable_of,
    mutable_of,
    unstored_of,
)

__all__ = [
    "Body",
    "Description",
    "Part",
    "Reply",
    "described",
    "description_of",
    "immutable_of",
    "mutable_of",
    "unstored_of",
]
