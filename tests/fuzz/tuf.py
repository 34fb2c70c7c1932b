"""A judge for delegators: whatever one says, a search ends, asks each role once, and names files that lead nowhere."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from tuf.api.metadata import Targets

from sealring_client.decide.tuf.errors import BadName, NoSuchTarget
from sealring_client.decide.tuf.metadata import parse_metadata
from sealring_client.decide.tuf.names import role_file, target_file, target_path
from sealring_client.decide.tuf.targets import TrustedTargets, find_target
from tests.tuf_tree import TufTree

LIMIT = 64 * 1024  # bytes of an input that is read
ROLES = 32
_FILE = re.compile(r"[A-Za-z0-9_.~%-]{1,235}\.json")
_PATH = re.compile(r"(?!.*(?:^|/)\.\.?(?:/|$))[A-Za-z0-9._~@:+,=%-]+(?:/[A-Za-z0-9._~@:+,=%-]+)*")


def delegator(raw: bytes) -> bool:
    """TF-12: the same metadata stands for every role that it leads to, so that each circle is there at once."""
    found = parse_metadata(raw, Targets, limit=LIMIT, file="targets.json").content
    without, empty = parse_metadata(raw, Targets, limit=LIMIT, file="a.json").content, Targets()
    without.targets.clear()
    names = [*list(found.targets)[:8], "a", "folder/file.txt"]
    for name in names:
        asked: list[str] = []

        def load(role: str, above: Targets, asked: list[str] = asked) -> TrustedTargets:
            assert above is not None
            assert role not in asked
            file = role_file(role, "targets.json")
            assert _FILE.fullmatch(file)
            assert file not in ("root.json", "timestamp.json", "snapshot.json", "targets.json")
            asked.append(role)
            return TrustedTargets(raw, empty, role) if len(asked) > ROLES // 2 else TrustedTargets(raw, without, role)

        top = TrustedTargets(raw, found if len(name) % 2 else without)
        with suppress(NoSuchTarget):
            hit = find_target(top, name, load, roles=ROLES)
            assert hit.target is found.targets[name]
        assert len(asked) <= ROLES
        with suppress(BadName):
            assert "/" not in target_file(name)
            assert _PATH.fullmatch(target_path(name, "ab" * 32))
    return True


def delegators() -> Iterator[bytes]:
    """Delegators of each kind, circles among them."""
    tree = TufTree(datetime(2026, 3, 1, tzinfo=UTC))
    for role, paths in (("A", ["*"]), ("B/é", ["folder/*", "a"]), ("C", ["*.txt", "[a-f]?"])):
        tree.delegate("targets", role, paths, terminating=role == "C", threshold=2)
    tree.delegate("A", "B/é", prefixes=["", "ab"])
    tree.delegate("B/é", "A")
    tree.delegate_bins("C", 3, "bin")
    tree.add("targets", "folder/file.txt", b"data")
    tree.add("C", "a", b"data", ("sha256", "sha512"))
    tree.publish_all()
    yield from (tree.raw(role) for role in ("targets", "A", "B/é", "C"))
