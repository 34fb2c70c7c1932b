"""The client workflow of TUF's specification (5), with the instant, limits and storage as arguments (SPEC TF)."""

from sealring_client.decide.tuf.errors import TufError, TufExpired
from sealring_client.decide.tuf.refresh import Refreshed, Repository, refresh_repository, refresh_tuf, search_target
from sealring_client.decide.tuf.roots import Start, find_root
from sealring_client.decide.tuf.targets import Found
from sealring_client.decide.tuf.workflow import ANY_REPOSITORY, Limits, RootMark
from sealring_client.decide.tuf.world import Source, Storage

__all__ = [
    "ANY_REPOSITORY",
    "Found",
    "Limits",
    "Refreshed",
    "Repository",
    "RootMark",
    "Source",
    "Start",
    "Storage",
    "TufError",
    "TufExpired",
    "find_root",
    "refresh_repository",
    "refresh_tuf",
    "search_target",
]
