"""What evidence about a leaf or a view proves (SPEC VW-2, VW-3, MP-1, MP-2).

The view's leaf, the view, the statements that lead to what is missing, and a proof of each under one map.
"""

from hashlib import sha256

from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.proof import verify_proof
from sealring.catalogue.view import View, parse_view, view_key
from sealring.tuf_set import Vouched
from sealring_server.audit.errors import ProvesNothing
from sealring_server.audit.evidence import Evidence
from sealring_server.audit.judgement import Judgement
from sealring_server.audit.views_again import Gathered, is_halt, is_view, read_leaf, view_again, wanted_of


def judge_leaf(evidence: Evidence, entry: CatalogueEntry, b: Vouched) -> Judgement:
    """One leaf, and the bytes that it names."""
    present, _ = _proved(evidence, entry)
    view = evidence.view()
    raws = {sha256(raw).digest(): raw for raw in [*evidence.statements(), *([] if view is None else [view])]}
    for key, head in present.items():
        raw = raws.get(head.envelope)
        if raw is None:
            continue
        wrong = read_leaf(entry.root, key, head, raw)[1]
        if not wrong and is_view(head) and head.sequence > entry.sequence:
            kind = "halt came" if is_halt(raw) else "view changed"
            wrong = f"says that its {kind} at entry {head.sequence}"
        if wrong:
            rule = ("HL-1" if is_halt(raw) else "VW-3") if is_view(head) else "MP-2"
            return Judgement(rule, f"entry {entry.sequence}: the leaf {key.hex()} {wrong}", b.roots[-1])
    raise ProvesNothing("the leaves are what they should be")


def judge_view(evidence: Evidence, entry: CatalogueEntry, b: Vouched) -> Judgement:
    """A view that is not what the statements under the same root give."""
    present, absent = _proved(evidence, entry)
    model = evidence.file("model").decode("ascii", "replace")
    key, name = view_key(entry.root, model), f"entry {entry.sequence}: the view of {model}"
    current = Gathered(entry.root, present, evidence.statements())
    wanted = wanted_of(model, current)
    if not wanted:
        raise ProvesNothing(f"no model {model} is shown to be there")
    raw = evidence.view()
    view = parse_view(raw) if raw is not None else None
    # Only the newest root is listed, and who made this file may have left that one out.
    wanted = {about for about in wanted if about[0] != "root"} | {_newest_root(current, view)}
    if key in absent:
        return Judgement("VW-3", f"{name} is not there, the model is", b.roots[-1])
    again = view_again(entry.root, model, wanted, current)
    if key not in present or view is None or view.digest != present[key].envelope:
        raise ProvesNothing("the view is not the one that the map has")
    what, signed = _difference(view, again, present, absent)
    if not what:
        raise ProvesNothing("the view is what the statements give")
    return Judgement("VW-2", f"{name} {what}", b.roots[-1], signed)


def _newest_root(current: Gathered, view: View | None) -> tuple[str, str]:
    listed = [subject for kind, _, subject in (view.heads if view is not None else ()) if kind == "root"]
    return "root", max([current.newest_root(), *(one for one in listed if one.isdecimal())], key=int)


def _difference(view: View, again: View, present: dict[bytes, Head], absent: set[bytes]) -> tuple[str, bool]:
    """What is wrong with the view, and whether the map alone proves it."""
    for about, head in again.heads.items():
        title = f"{about[0]} {about[2]}"
        if about not in view.heads:
            return f"omits {title}, sequence {head.sequence}", True
        if view.heads[about] != head:
            return f"lists {title} with sequence {view.heads[about].sequence}, the map has {head.sequence}", True
    for about, head in view.heads.items():
        key, title = map_key(view.root, *about), f"{about[0]} {about[2]}"
        if key in absent or (key in present and present[key] != head):
            return f"lists {title}, which the map has not", True
        if about not in again.heads:
            # Who made this file may have left out the statement that leads to it.
            return f"lists {title}, to which none of these statements leads", False
    return "", False


def _proved(evidence: Evidence, entry: CatalogueEntry) -> tuple[dict[bytes, Head], set[bytes]]:
    """What the map of this entry has, and has not."""
    present: dict[bytes, Head] = {}
    absent: set[bytes] = set()
    for proof in evidence.proofs():
        found = verify_proof(proof.proof, entry.map, proof.keys)
        present |= found.present
        absent |= set(found.absent)
    return present, absent
