"""What a file of evidence proves, and about whom: judged without a network, a clock or a state (SPEC CT-5).

Whoever made the file may have lied. What counts is what the store's own keys signed, and what follows from that.
"""

from collections.abc import Callable, Mapping

from sealring.catalogue.entry import CatalogueEntry, parse_entry
from sealring.catalogue.log import Frontier, verify_inclusion
from sealring.tuf_set import Vouched
from sealring_server.audit.errors import OtherStore, ProvesNothing
from sealring_server.audit.evidence import Evidence, read_evidence
from sealring_server.audit.judgement import Judgement
from sealring_server.audit.log_steps import Steps
from sealring_server.audit.map_part import apply_changes, read_changes
from sealring_server.audit.observation import in_common
from sealring_server.audit.view_verdict import judge_leaf, judge_view


def judge(raw: bytes, pin: str | None = None) -> Judgement:
    """What this file proves.

    Args:
        raw: the file as it came.
        pin: SHA-256 of the store's TUF root, hex; without it, read in the judgement which one it is about.

    Raises:
        TrustError: ProvesNothing, or why its parts don't count; and nothing else, whatever the bytes.
    """
    evidence = read_evidence(raw)
    if evidence.kind not in _KINDS:
        raise ProvesNothing("it is of no kind that this edition knows")
    shown = evidence.observation("b").verify()
    if pin is not None and pin not in {mark.sha256 for mark in shown.roots}:
        raise ProvesNothing(f"it is about TUF root {shown.roots[-1].sha256}, not about {pin}")
    return _KINDS[evidence.kind](evidence, shown)


def _fork(evidence: Evidence, b: Vouched) -> Judgement:
    a = evidence.observation("a").verify()
    path = evidence.path(b.entry.sequence, a.entry.sequence)
    other = evidence.files.get("other.json")
    found = contradiction(a, b, path, parse_entry(other) if other is not None else None)
    if found is None:
        raise ProvesNothing("the two entries can both be true")
    return found


def contradiction(
    a: Vouched, b: Vouched, path: bytes | None = None, other: CatalogueEntry | None = None
) -> Judgement | None:
    """Why two observations can't both be of one history; None where they can (CT-2, CT-3, LG-2, CT-5).

    Args:
        a: the one with the lower sequence, or with either where they are the same.
        path, other: where b's log has another entry in the place of a's: that entry, and its path.

    Raises:
        OtherStore: they are of two stores.
    """
    root = in_common(a.roots, b.roots)
    if root is None:
        raise OtherStore(f"entries {a.entry.sequence} and {b.entry.sequence}")
    early, late = a.entry, b.entry
    both = f"entries {early.sequence} ({early.digest.hex()}) and {late.sequence} ({late.digest.hex()})"
    if early.sequence > late.sequence:
        raise ProvesNothing("its two entries stand in the wrong order")
    if early.root != late.root:
        return Judgement("CT-1", f"{both} are under two roots", root)
    if early.sequence == late.sequence:
        return Judgement("CT-3", f"{both} have one sequence", root) if early.raw != late.raw else None
    if early.sequence + 1 == late.sequence and late.previous != early.digest:
        return Judgement("CT-3", f"{both}: the second names {late.previous.hex()} before it", root)
    if a.roots[-1] == b.roots[-1] and a.timestamp > b.timestamp:
        return Judgement("CT-2", f"{both}: the first was signed after the second, which is newer", root)
    if path is not None and other is not None and other.raw != early.raw:
        verify_inclusion(other.leaf, early.sequence - 1, late.sequence - 1, path, late.log)
        what = f"{both}: the log of the second has {other.digest.hex()} in the place of the first"
        return Judgement("CT-3", what, root)
    return None


def _log(evidence: Evidence, b: Vouched) -> Judgement:
    """Entries up to b's, from the first one on or from that of an earlier observation."""
    entries = [parse_entry(raw) for name, raw in sorted(evidence.files.items()) if name.startswith("entries/")]
    steps = Steps()
    if "a/catalogue.json" in evidence.files:
        a = evidence.observation("a").verify()
        frontier = Frontier.from_bytes(evidence.file("frontier"))
        if in_common(a.roots, b.roots) is None or (frontier.root, frontier.size + 1) != (a.entry.log, a.entry.sequence):
            raise ProvesNothing("the earlier observation is not one of the same log")
        steps = Steps(frontier.append(a.entry.leaf), a.entry)
    begin = steps.last
    for entry in entries:
        steps.take(entry)
    # Either way each of these bytes is one that b's keys signed: by the log's root, or by the chain of `previous`.
    if steps.frontier.root != b.entry.log and not _is_chain(begin, [*entries, b.entry]):
        raise ProvesNothing("nobody has signed these entries")
    steps.take(b.entry)
    if steps.fault is None:
        raise ProvesNothing("these entries follow one another")
    return Judgement(steps.fault.rule, f"entry {steps.fault.sequence} {steps.fault.what}", b.roots[-1])


def _is_chain(begin: CatalogueEntry | None, entries: list[CatalogueEntry]) -> bool:
    before = [begin, *entries[:-1]]
    return all(one is None or one.digest == two.previous for one, two in zip(before, entries, strict=True))


def _map(evidence: Evidence, b: Vouched) -> Judgement:
    """The changes of an entry, and the part of the map before that they touch."""
    entry = committed(evidence, b, "entry.json")
    before = committed(evidence, b, "before.json") if entry.sequence > 1 else None
    if before is not None and before.sequence + 1 != entry.sequence:
        raise ProvesNothing("the two entries do not follow one another")
    changes, name = read_changes(evidence.file("changes")), f"entry {entry.sequence}"
    part = evidence.file("part") if before is not None else b"\0"
    found = apply_changes(part, changes, before.map if before is not None else None)
    if found.root != entry.map:
        what = f"{name} says map {entry.map.hex()}, the changes that were served for it give {found.root.hex()}"
        return Judgement("CT-4", what, b.roots[-1], signed=False)
    if found.fell is not None:
        what = f"{name} takes the sequence of map key {found.fell.hex()} back"
        return Judgement("MP-5", what, b.roots[-1])
    size = found.added + (before.size if before is not None else 0)
    if size != entry.size:
        return Judgement("CT-4", f"{name} says {entry.size} leaves, {size} are there", b.roots[-1])
    raise ProvesNothing("the changes lead from one map to the other")


def committed(evidence: Evidence, b: Vouched, name: str) -> CatalogueEntry:
    """An entry that is b's own, or stands in its log (LG-2).

    Raises:
        ProvesNothing, NotInLog.
    """
    entry = parse_entry(evidence.file(name))
    if entry.raw != b.entry.raw:
        path = evidence.path(b.entry.sequence, entry.sequence)
        if path is None:
            raise ProvesNothing(f"no path from entry {entry.sequence} to entry {b.entry.sequence}")
        verify_inclusion(entry.leaf, entry.sequence - 1, b.entry.sequence - 1, path, b.entry.log)
    return entry


def _leaf(evidence: Evidence, b: Vouched) -> Judgement:
    return judge_leaf(evidence, committed(evidence, b, "entry.json"), b)


def _view(evidence: Evidence, b: Vouched) -> Judgement:
    return judge_view(evidence, committed(evidence, b, "entry.json"), b)


_KINDS: Mapping[str, Callable[[Evidence, Vouched], Judgement]] = {
    "fork": _fork,
    "log": _log,
    "map": _map,
    "leaf": _leaf,
    "view": _view,
}
