"""What leads from one view to the next (SPEC BN-5, VW-1)."""

from hashlib import sha256

from sealring.catalogue.leaf import Head
from sealring.catalogue.view import MAX_ROWS, Subjects, View, make_view
from sealring.catalogue.view_difference import difference_between, difference_bytes
from tests.vectors.cases.common import ACCEPTED, Case, Cases, case

ROOT = sha256(b"root").digest()
MODEL = "acme/door-1"
ZEROS = b"0" * 64
STAYS: Subjects = ("model", 1, MODEL)
CHANGES: Subjects = ("release", 1, "acme/tool/latest/stable")
ENDS: Subjects = ("revision", 1, "acme/tool/1/amd64")
COMES: Subjects = ("revision", 1, "acme/tool/2/amd64")


def _head(number: int) -> Head:
    digest = sha256(b"%d" % number).digest()
    return Head(number, digest, sha256(digest).digest())


BASE = make_view(ROOT, MODEL, {STAYS: _head(1), CHANGES: _head(2), ENDS: _head(3)})
NEXT = make_view(ROOT, MODEL, {STAYS: _head(1), CHANGES: _head(4), COMES: _head(5)})
GOOD = difference_bytes(difference_between(BASE, NEXT))


def _about(about: Subjects) -> bytes:
    kind, form, subject = about
    return f'["{kind}",{form},"{subject}"]'.encode()


def _row(about: Subjects, number: int) -> bytes:
    head = _head(number)
    return _about(about)[:-1] + f',{head.sequence},"{head.id.hex()}","{head.envelope.hex()}"]'.encode()


def _document(removed: list[bytes], changed: list[bytes]) -> bytes:
    return b'{"format":1,"removed":[%s],"changed":[%s]}' % (b",".join(removed), b",".join(changed))


def _case(name: str, rule: str, comment: str, raw: bytes, to: View | bytes = NEXT, base: View = BASE) -> Case:
    digest = to if isinstance(to, bytes) else to.digest
    facts = {"rows": str(len(to.heads))} if not rule and isinstance(to, View) else {}
    parts = (("view", base.raw), ("difference", raw), ("to", digest))
    return case(f"view-difference/{name}", rule, comment, "view-difference", *parts, **facts)


def cases() -> Cases:
    yield from _results()
    yield from _orders()
    yield from _spellings()


def _results() -> Cases:
    yield _case("good", ACCEPTED, "one removed, one changed, one new", GOOD)
    yield _case("nothing", ACCEPTED, "from a view to itself", _document([], []), BASE)
    empty = make_view(ROOT, MODEL, {})
    yield _case(
        "from-nothing",
        ACCEPTED,
        "from a view without rows",
        difference_bytes(difference_between(empty, NEXT)),
        NEXT,
        empty,
    )
    yield _case(
        "to-nothing", ACCEPTED, "to one without rows", difference_bytes(difference_between(NEXT, empty)), empty, NEXT
    )
    yield _case("another-result", "BN-5", "it leads to another digest than was named", GOOD, BASE)
    yield _case("another-base", "BN-5", "it begins with another view", GOOD, NEXT, NEXT)
    gone = _document([_about(ENDS), _about(COMES)], [_row(CHANGES, 4)])
    without = make_view(ROOT, MODEL, {STAYS: _head(1), CHANGES: _head(4)})
    yield _case("not-there", "BN-5", "it removes what is not there; the result would be right", gone, without)


def _orders() -> Cases:
    yield _case("removed-descending", "BN-5", "another order", _document([_about(ENDS), _about(CHANGES)], []))
    yield _case("removed-twice", "BN-5", "a subject removed twice", _document([_about(ENDS), _about(ENDS)], []))
    changed = [_row(CHANGES, 4), _row(COMES, 5)]
    yield _case("changed-descending", "BN-5", "another order", _document([_about(ENDS)], changed[::-1]))
    twice = [_row(CHANGES, 4), _row(CHANGES, 5)]
    yield _case("changed-twice", "BN-5", "a subject changed twice: which one counts?", _document([], twice))
    ten = [_row(("model", 10, MODEL), 1), _row(("model", 2, MODEL), 1)]
    yield _case("formats-as-text", "BN-5", "format 10 before format 2", _document([], ten))
    both = _document([_about(CHANGES), _about(ENDS)], changed)
    yield _case("removed-and-changed", "BN-5", "a subject in both", both)


def _spellings() -> Cases:
    yield _case("blank", "BN-5", "a blank", GOOD.replace(b",", b", ", 1))
    yield _case("behind", "BN-5", "a byte behind it", GOOD + b"\n")
    yield _case("newer-format", "BN-5", "format 2", GOOD.replace(b'"format":1', b'"format":2', 1))
    yield _case("duplicate-member", "BN-5", "`removed` twice", GOOD.replace(b'"changed"', b'"removed":[],"changed"', 1))
    yield _case("members-in-another-order", "BN-5", "`changed` first", b'{"format":1,"changed":[],"removed":[]}', BASE)
    yield _case("unknown-member", "BN-5", "another model", GOOD[:-1] + b',"model":"acme/door-2"}')
    yield _case("removed-with-a-head", "BN-5", "a row of another length", _document([_row(ENDS, 3)], []))
    yield _case("changed-without-a-head", "BN-5", "a row of another length", _document([], [_about(ENDS)]))
    tombstone = (
        _row(CHANGES, 4).replace(_head(4).id.hex().encode(), ZEROS).replace(_head(4).envelope.hex().encode(), ZEROS)
    )
    yield _case("tombstone", "BN-5", "a removal is listed", _document([], [tombstone]))
    half = _row(CHANGES, 4).replace(_head(4).id.hex().encode(), ZEROS)
    yield _case("half-a-tombstone", "BN-5", "half of one", _document([], [half]))
    many = [_about(("model", number, "a")) for number in range(1, MAX_ROWS + 2)]
    yield _case("too-many-rows", "BN-5", "4,097 rows", _document(many, []))
    yield _case("too-large", "BN-5", "more than 1 MiB", b" " * (2**20 + 1))
