"""Repositories of any shape and a history of changes to them, honest and not, from one source of chance."""

import json
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256
from random import Random
from typing import Any

from tuf.api.metadata import MetaFile, Targets

from tests.tuf_repository import signer
from tests.tuf_tree import TufTree
from tests.unit.device_tuf.clients import NOW

NAMES = ("a", "b.txt", "f/a", "f/b.txt", "f/g/a", "g/a b", "z")
PATTERNS = ("*", "*.txt", "a", "f/*", "f/?", "f/*/*", "*/a", "[a-c]*", "g/a b", "")
ROLES = ("A", "B", "C", "D", "E/é")
TOP = ("root", "timestamp", "snapshot", "targets")
Change = Callable[[Random, TufTree], None]


def build(random: Random) -> TufTree:
    """A repository with some delegations and some targets, all in order."""
    tree = TufTree(NOW, consistent=random.random() < 0.7, named=random.random() < 0.4)
    for _ in range(random.randrange(6)):
        add_delegation(random, tree)
    if random.random() < 0.3:
        add_bins(random, tree)
    for _ in range(random.randrange(1, 6)):
        add_target(random, tree)
    tree.publish_all()
    return tree


def wanted(random: Random, tree: TufTree) -> list[str]:
    """One target that some role lists, and any name."""
    listed = sorted({name for role in tree.roles.values() for name in role.targets})
    return [*([random.choice(listed)] if listed else []), random.choice(NAMES)]


# --- what an honest repository does


def some_role(random: Random, tree: TufTree) -> str:
    return random.choice(sorted(tree.roles))


def publish_all(_: Random, tree: TufTree) -> None:
    tree.publish_all()


def publish_some(random: Random, tree: TufTree) -> None:
    tree.publish(*(role for role in tree.roles if random.random() < 0.5))


def publish_timestamp(_: Random, tree: TufTree) -> None:
    tree.publish(snapshot=False)


def add_target(random: Random, tree: TufTree) -> None:
    algorithms = random.choice([("sha256",), ("sha512",), ("sha256", "sha512")])
    tree.add(some_role(random, tree), random.choice(NAMES), random.randbytes(5), algorithms)


def remove_target(random: Random, tree: TufTree) -> None:
    targets = tree.roles[some_role(random, tree)].targets
    targets.pop(random.choice(NAMES), None)


def add_delegation(random: Random, tree: TufTree) -> None:
    above = some_role(random, tree)
    delegations = tree.roles[above].delegations
    if delegations is not None and delegations.roles is None:
        return
    prefixes = None
    if random.random() < 0.25:
        prefixes = [sha256(random.choice(NAMES).encode()).hexdigest()[: random.randrange(3)]]
    paths = random.sample(PATTERNS, random.randrange(1, 3))
    role, ends, keys = random.choice(ROLES), random.random() < 0.3, random.choice([1, 1, 2])
    tree.delegate(above, role, paths, prefixes=prefixes, terminating=ends, threshold=keys)


def add_bins(random: Random, tree: TufTree) -> None:
    above = some_role(random, tree)
    if tree.roles[above].delegations is None and not any(role.startswith("bin") for role in tree.roles):
        tree.delegate_bins(above, random.randrange(1, 4), "bin")


def reorder(random: Random, tree: TufTree) -> None:
    for role in tree.roles.values():
        if role.delegations is not None and role.delegations.roles:
            order = list(role.delegations.roles.items())
            random.shuffle(order)
            role.delegations.roles = dict(order)


def flip_terminating(random: Random, tree: TufTree) -> None:
    for role in tree.roles.values():
        for each in (role.delegations.roles or {}).values() if role.delegations is not None else ():
            each.terminating ^= random.random() < 0.5


def rotate_top(random: Random, tree: TufTree) -> None:
    role = random.choice(TOP)
    tree.rotate(role, *(f"{role} {random.randrange(10**6)}" for _ in range(random.randrange(1, 3))))


def rotate_delegated(random: Random, tree: TufTree) -> None:
    """Its delegators name one new key; who signs next has it."""
    role = random.choice(ROLES)
    new = signer(f"{role} {random.randrange(10**6)}")
    for above in tree.roles.values():
        delegated = (above.delegations.roles or {}).get(role) if above.delegations is not None else None
        if delegated is not None:
            delegated.keyids, delegated.threshold = [], 1
            above.add_key(new.public_key, role)
            tree.signers[role] = [new]


def new_roots(random: Random, tree: TufTree) -> None:
    for _ in range(random.randrange(1, 4)):
        tree.put_root(bump=True)


def expired_root_between(_: Random, tree: TufTree) -> None:
    tree.root.expires = tree.in_days(-1)
    tree.put_root(bump=True)
    tree.root.expires = tree.in_days(9)
    tree.put_root(bump=True)


def other_naming(_: Random, tree: TufTree) -> None:
    """From versions and digests in file names to none, or back."""
    before = dict(tree.targets)
    tree.root.consistent_snapshot = not tree.root.consistent_snapshot
    tree.put_root(bump=True)
    tree.publish_all()
    by_digest = {sha256(data).hexdigest(): data for data in before.values()}
    for role in tree.roles.values():
        for name, target in role.targets.items():
            data = by_digest.get(target.hashes.get("sha256", ""))
            if data is not None:
                tree.serve(name, data, target.hashes.values())


def name_lengths(_: Random, tree: TufTree) -> None:
    tree.named = not tree.named


HONEST: tuple[Change, ...] = (
    publish_all,
    publish_some,
    publish_timestamp,
    add_target,
    remove_target,
    add_delegation,
    add_bins,
    reorder,
    flip_terminating,
    rotate_top,
    rotate_delegated,
    new_roots,
    expired_root_between,
    other_naming,
    name_lengths,
)


# --- what a hostile or broken one does


def signed_part(random: Random, tree: TufTree) -> Any:
    return random.choice([tree.timestamp, tree.snapshot, *tree.roles.values()])


def expire(random: Random, tree: TufTree) -> None:
    signed_part(random, tree).expires = tree.in_days(random.choice([-1, -0.0001]))


def expire_root(_: Random, tree: TufTree) -> None:
    tree.root.expires = tree.in_days(-1)
    tree.put_root(bump=True)


def version_off(random: Random, tree: TufTree) -> None:
    part = signed_part(random, tree)
    part.version = max(1, part.version + random.choice([-3, -2, -1, 1, 5]))


def named_version_off(random: Random, tree: TufTree) -> None:
    meta = random.choice([tree.timestamp.snapshot_meta, *tree.snapshot.meta.values()])
    meta.version = max(1, meta.version + random.choice([-2, -1, 1]))
    tree.publish(snapshot=random.random() < 0.5)


def named_bytes_off(random: Random, tree: TufTree) -> None:
    meta = random.choice([tree.timestamp.snapshot_meta, *tree.snapshot.meta.values()])
    if random.random() < 0.5:
        meta.length = random.choice([1, 50, 10**5])
    else:
        meta.hashes = {random.choice(["sha256", "sha512", "new-1"]): "0" * 64}
    tree.publish(snapshot=meta is not tree.timestamp.snapshot_meta)


def unlist(random: Random, tree: TufTree) -> None:
    if tree.snapshot.meta:
        del tree.snapshot.meta[random.choice(sorted(tree.snapshot.meta))]
    tree.publish()


def list_more(random: Random, tree: TufTree) -> None:
    tree.snapshot.meta[f"{random.choice(ROLES)}.json"] = MetaFile(random.randrange(1, 4))
    tree.publish()


def target_off(random: Random, tree: TufTree) -> None:
    for role in tree.roles.values():
        for target in role.targets.values():
            if random.random() < 0.3:
                target.length += random.choice([-1, 1])
            if random.random() < 0.3:
                target.hashes = {name: digest[::-1] for name, digest in target.hashes.items()}


def some_file(random: Random, tree: TufTree) -> str:
    return random.choice(sorted(tree.metadata))


def missing_file(random: Random, tree: TufTree) -> None:
    tree.metadata.pop(some_file(random, tree))


def swapped_files(random: Random, tree: TufTree) -> None:
    one, other = some_file(random, tree), some_file(random, tree)
    tree.metadata[one], tree.metadata[other] = tree.metadata[other], tree.metadata[one]


def spoilt_file(random: Random, tree: TufTree) -> None:
    path = some_file(random, tree)
    raw = tree.metadata[path]
    spot = random.randrange(max(1, len(raw)))
    spoilt = [raw[:spot], b"", b"{}", raw + b" ", raw[:spot] + b"0" + raw[spot + 1 :]]
    tree.metadata[path] = random.choice(spoilt)


def spoilt_target(random: Random, tree: TufTree) -> None:
    for path in tree.targets:
        if random.random() < 0.5:
            tree.targets[path] = random.choice([b"", b"other", tree.targets[path] + b"x"])


def other_signatures(random: Random, tree: TufTree) -> None:
    """Signatures dropped, doubled, exchanged, or by strangers."""
    path = some_file(random, tree)
    try:
        found = json.loads(tree.metadata[path])
        signatures = found["signatures"]
    except (ValueError, KeyError, TypeError):
        return
    stranger = {"keyid": signer("stranger").public_key.keyid, "sig": "00" * 64}
    match random.randrange(5):
        case 0:
            signatures[:1] = []
        case 1:
            signatures.append(stranger)
        case 2:
            signatures += signatures[:1]
        case 3:
            signatures[:] = [stranger]
        case _:
            for each in signatures:
                each["sig"] = each["sig"][::-1]
    tree.metadata[path] = json.dumps(found).encode()


def thief_signs(random: Random, tree: TufTree) -> None:
    """One role's key is used for another role."""
    role, other = some_role(random, tree), random.choice(sorted(tree.signers))
    tree.roles[role].version += 1
    raw = tree.sign(tree.roles[role], tree.signers[other])
    tree.put(role, raw, tree.roles[role].version)
    tree.snapshot.meta[f"{role}.json"] = MetaFile(tree.roles[role].version)
    tree.publish()


def threshold_up(random: Random, tree: TufTree) -> None:
    role = random.choice([tree.root.roles[name] for name in TOP[1:]] + _delegated(tree))
    role.threshold += 1
    tree.put_root(bump=True)


def root_by(random: Random, tree: TufTree) -> None:
    """A root that only the old keys, only the new ones, or strangers have signed."""
    before = list(tree.signers["root"])
    tree.rotate("root", f"root {random.randrange(10**6)}")
    by = random.choice([before, tree.signers["root"], [signer("stranger")]])
    tree.put("root", tree.sign(tree.root, by), tree.root.version)


def roots_with_a_gap(random: Random, tree: TufTree) -> None:
    for _ in range(3):
        tree.put_root(bump=True)
    tree.metadata.pop(f"{tree.root.version - random.randrange(3)}.root.json")


def old_state(random: Random, tree: TufTree) -> None:
    """All of an older state is signed anew, as a thief of every online key could."""
    kept: dict[str, Targets] = deepcopy(tree.roles)
    for _ in range(random.randrange(1, 3)):
        tree.publish_all()
    for role, before in kept.items():
        tree.roles[role].version = before.version
    tree.publish()


def _delegated(tree: TufTree) -> list[Any]:
    found = [role.delegations for role in tree.roles.values() if role.delegations is not None]
    return [each for one in found for each in (one.roles or {}).values()]


HOSTILE: tuple[Change, ...] = (
    expire,
    expire_root,
    version_off,
    named_version_off,
    named_bytes_off,
    unlist,
    list_more,
    target_off,
    missing_file,
    swapped_files,
    spoilt_file,
    spoilt_target,
    other_signatures,
    thief_signs,
    threshold_up,
    root_by,
    roots_with_a_gap,
    old_state,
)
