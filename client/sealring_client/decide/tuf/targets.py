"""The targets roles of TUF's client workflow (5.6), top and delegated, and the search (SPEC TF-4 to TF-6, TF-12)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tuf.api.metadata import MetaFile, Snapshot, TargetFile, Targets

from sealring_client.decide.tuf.delegations import next_roles
from sealring_client.decide.tuf.errors import NoSuchTarget, NotTheNamed, WrongBytes
from sealring_client.decide.tuf.metadata import Delegator, check_signed, parse_metadata
from sealring_client.decide.tuf.named_bytes import check_bytes, known_digests
from sealring_client.decide.tuf.names import role_file, shown
from sealring_client.decide.tuf.workflow import Limits, TrustedSnapshot, check_current

TOP = Targets.type


@dataclass(frozen=True)
class TrustedTargets:
    """The targets role that the current snapshot names, top-level or delegated, signed as the role above it says."""

    raw: bytes
    content: Targets
    role: str = TOP


@dataclass(frozen=True)
class Found:
    """A target, and the role that speaks for it."""

    role: str
    target: TargetFile


def named_targets(snapshot: TrustedSnapshot, role: str = TOP) -> MetaFile:
    """What the snapshot says of a targets role."""
    named = snapshot.content.meta.get(f"{role}.json")
    if named is None:
        raise NotTheNamed("snapshot.json", f"no {shown(role)}.json", "an entry for it")
    return named


def check_targets(
    above: Delegator, snapshot: TrustedSnapshot, raw: bytes, *, at: datetime, limits: Limits, role: str = TOP
) -> TrustedTargets:
    """The targets role that the snapshot names (TF-4 to TF-6; 5.6.2 to 5.6.6).

    Args:
        above: the root for the role `targets`, else the targets role that delegates to this one.
    """
    file, named = role_file(role, Snapshot.type), named_targets(snapshot, role)
    # 5.6.2 comes first: nothing is read that the snapshot's keys do not vouch for, where it names digests.
    check_bytes(raw, named, file)
    found = parse_metadata(raw, Targets, limit=limits.targets, file=file)
    # 5.6.3, TF-12: the keys and the threshold are those that the role above names for this one.
    check_signed(found, above, role, file)
    if found.content.version != named.version:
        raise NotTheNamed(file, f"version {found.content.version}", f"version {named.version}")
    check_current(found.content, at, file)
    return TrustedTargets(raw, found.content, role)


def find_target(top: TrustedTargets, name: str, load: Callable[[str, Targets], TrustedTargets], *, roles: int) -> Found:
    """The first role in pre-order that names the target and may speak for it (TF-12; 5.6.7).

    Args:
        load: brings a role by its name, verified as the given delegator says.
        roles: how many delegated roles are asked at most.

    Raises:
        NoSuchTarget: none names it.
        TrustError, Unreachable: of a role on the way: nobody may hide one that comes first by spoiling it.
    """
    # The last one is the next to be asked; each with the role that leads to it.
    to_visit: list[tuple[str, Targets]] = []
    visited, here = {TOP}, top
    while True:
        if name in here.content.targets:
            return Found(here.role, here.content.targets[name])
        names, terminating = next_roles(here.content.delegations, name)
        if terminating:
            to_visit.clear()
        to_visit += [(role, here.content) for role in reversed(names)]
        # Each role once: where two lead to one, or in a circle, the first way counts.
        while to_visit and to_visit[-1][0] in visited:
            to_visit.pop()
        if not to_visit or len(visited) > roles:
            raise NoSuchTarget(shown(name), roles, bool(to_visit))
        role, above = to_visit.pop()
        visited.add(role)
        here = load(role, above)


def named_target(targets: TrustedTargets, name: str, limits: Limits) -> TargetFile:
    """What the targets say of one file: it must have a SHA-256, and a length within the limit."""
    found = targets.content.targets.get(name)
    if found is None:
        raise NotTheNamed("targets.json", f"no {name}", "an entry for it")
    # TF-5: the digest is also the file's address, so it must be nothing but a digest.
    if "sha256" not in known_digests(found.hashes, name) or not 0 < found.length <= limits.target:
        raise WrongBytes(name, f"named with {found.length} bytes; a sha256 and at most {limits.target} bytes needed")
    return found


def check_target(raw: bytes, named: TargetFile) -> bytes:
    """The bytes of a target, once length and digests are the named ones (TF-5)."""
    check_bytes(raw, named, named.path)
    return raw
