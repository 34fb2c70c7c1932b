"""What a refresh may touch: a repository to ask, and a place to keep what was verified. Arguments, never globals."""

from typing import Protocol


class Source(Protocol):
    """Brings one file of the repository. Nothing it returns is trusted."""

    def fetch(self, path: str, *, limit: int) -> bytes:
        """At most `limit` bytes, or NotThere / Unreachable; it never returns a part."""


class Storage(Protocol):
    """Keeps the five files of one store between refreshes."""

    def load(self, name: str) -> bytes | None:
        """The file as it was kept last, if there is one."""

    def save(self, name: str, data: bytes) -> None:
        """Keep it, durably, before this returns."""
