"""The client workflow of TUF's specification (5.3), with the instant, limits and storage as arguments (SPEC TF)."""

from sealring_client.decide.tuf.errors import TufError, TufExpired
from sealring_client.decide.tuf.refresh import Refreshed, Source, Start, Storage, find_root, refresh_tuf
from sealring_client.decide.tuf.workflow import Limits, RootMark

__all__ = [
    "Limits",
    "Refreshed",
    "RootMark",
    "Source",
    "Start",
    "Storage",
    "TufError",
    "TufExpired",
    "find_root",
    "refresh_tuf",
]
