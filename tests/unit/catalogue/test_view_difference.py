"""What leads from one view to the next (SPEC BN-5, VW-1)."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring.catalogue.leaf import Head
from sealring.catalogue.view import BadRow, Subjects, make_view, parse_view
from sealring.catalogue.view_difference import (
    BadDifference,
    OtherResult,
    ViewDifference,
    apply_difference,
    difference_between,
    difference_bytes,
    parse_view_difference,
)

ROOT, MODEL = sha256(b"root").digest(), "acme/door-1"
ZERO = "0" * 64
ABOUTS: tuple[Subjects, ...] = tuple(
    (kind, number, f"acme/{name}/stable")
    for kind in ("model", "release", "revision")
    for number in (1, 2, 10)
    for name in ("app", "base")
)


def head(number: int) -> Head:
    """Any head."""
    digest = sha256(b"%d" % number).digest()
    return Head(number, digest, digest)


def row(about: Subjects, number: int = 1) -> str:
    """A row as a document spells it."""
    kind, form, subject = about
    return f'["{kind}",{form},"{subject}",{number},"{head(number).id.hex()}","{head(number).envelope.hex()}"]'


def gone(about: Subjects) -> str:
    """A row of `removed`."""
    kind, form, subject = about
    return f'["{kind}",{form},"{subject}"]'


def document(removed: str = "", changed: str = "", format: str = "1") -> bytes:
    """A document with these rows."""
    return f'{{"format":{format},"removed":[{removed}],"changed":[{changed}]}}'.encode()


heads = st.dictionaries(st.sampled_from(ABOUTS), st.integers(1, 4).map(head))


@given(heads, heads)
def test_a_difference_leads_from_any_view_to_any_other(old: dict[Subjects, Head], new: dict[Subjects, Head]) -> None:
    """BN-5: through its bytes, to the very document that the catalogue commits to."""
    before, after = make_view(ROOT, MODEL, old), make_view(ROOT, MODEL, new)
    difference = difference_between(before, after)
    raw = difference_bytes(difference)
    assert parse_view_difference(raw) == difference
    assert apply_difference(before, parse_view_difference(raw), after.digest) == after
    assert not set(difference.removed) & set(difference.changed)
    if old == new:
        assert raw == document()


@given(heads, heads, heads)
def test_a_difference_leads_from_no_other_view_to_another_result(
    old: dict[Subjects, Head], new: dict[Subjects, Head], held: dict[Subjects, Head]
) -> None:
    """BN-5: applied to another view it gives the view that was named, or a refusal."""
    after = make_view(ROOT, MODEL, new)
    difference = difference_between(make_view(ROOT, MODEL, old), after)
    try:
        found = apply_difference(make_view(ROOT, MODEL, held), difference, after.digest)
    except OtherResult:
        return
    assert found == after


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        pytest.param(document(format="2"), "Invalid enum", id="a newer format"),
        pytest.param(document() + b" ", "spelling|Invalid|trailing", id="a blank behind it"),
        pytest.param(document().replace(b'"format":1,', b'"format":1,"format":1,'), "spelling", id="member twice"),
        pytest.param(document(f"{gone(ABOUTS[1])},{gone(ABOUTS[0])}"), "ascending", id="removed in another order"),
        pytest.param(document(f"{gone(ABOUTS[0])},{gone(ABOUTS[0])}"), "ascending", id="removed twice"),
        pytest.param(document("", f"{row(ABOUTS[1])},{row(ABOUTS[0])}"), "ascending", id="changed in another order"),
        pytest.param(document("", f"{row(ABOUTS[0])},{row(ABOUTS[0], 2)}"), "ascending", id="changed twice"),
        pytest.param(
            document("", f"{row(('model', 10, 'acme/a'))},{row(('model', 2, 'acme/a'))}"),
            "ascending",
            id="formats in the order of their text",
        ),
        pytest.param(document(gone(ABOUTS[0]), row(ABOUTS[0])), "removed and changed", id="removed and changed"),
        pytest.param(document("", row(ABOUTS[0]).replace(head(1).id.hex(), ZERO)), "removal", id="a tombstone"),
        pytest.param(document("", row(ABOUTS[0]).replace(head(1).id.hex(), ZERO, 1)), "removal", id="half of one"),
        pytest.param(document(row(ABOUTS[0])), "length", id="a whole row removed"),
        pytest.param(document("", gone(ABOUTS[0])), "length", id="half a row changed"),
        pytest.param(document(",".join(gone(("model", n, "a")) for n in range(1, 4098))), "length", id="4097 removed"),
        pytest.param(b" " * (2**20 + 1), "1048577 bytes", id="too many bytes"),
        pytest.param(b"[" * 100_000, "Expected|nested", id="nested"),
        pytest.param(b"", "Input data", id="nothing"),
    ],
)
def test_what_is_no_difference_is_refused(raw: bytes, says: str) -> None:
    """BN-5: one spelling, one order, and no subject in both."""
    with pytest.raises(BadDifference, match=says) as refused:
        parse_view_difference(raw)
    assert (refused.value.rule, refused.value.exit_code) == ("BN-5", 20)
    assert refused.value.hint()


def test_what_removes_something_that_is_not_there_is_refused() -> None:
    """BN-5: also where the result would be the right one."""
    base = make_view(ROOT, MODEL, {ABOUTS[0]: head(1)})
    with pytest.raises(OtherResult, match="was not there"):
        apply_difference(base, ViewDifference((ABOUTS[1],), {}), base.digest)


def test_a_difference_to_another_digest_is_refused() -> None:
    """BN-5: the catalogue's word for what a view is, and nobody else's."""
    base = make_view(ROOT, MODEL, {ABOUTS[0]: head(1)})
    with pytest.raises(OtherResult, match="makes a view with digest") as refused:
        apply_difference(base, ViewDifference((), {}), bytes(32))
    assert (refused.value.rule, refused.value.exit_code) == ("BN-5", 25)
    assert refused.value.hint()


def test_a_difference_makes_no_view_that_is_too_large() -> None:
    """BN-5, VW-1: a store could commit to a document with 4,097 rows, and lead there step by step."""
    base = make_view(ROOT, MODEL, {("model", n, "a"): head(1) for n in range(1, 4097)})
    rows = ",".join(row(("model", n, "a")) for n in range(1, 4098))
    raw = base.raw[: base.raw.index(b"[[") + 1] + rows.encode() + b"]}"
    with pytest.raises(OtherResult, match="length"):
        apply_difference(base, ViewDifference((), {("model", 4097, "a"): head(1)}), sha256(raw).digest())


def test_views_of_two_models_have_no_difference() -> None:
    """BN-5: a difference keeps root and model."""
    view = make_view(ROOT, MODEL, {})
    for other in (make_view(ROOT, "acme/door-2", {}), make_view(bytes(32), MODEL, {})):
        with pytest.raises(BadDifference):
            difference_between(view, other)


def test_a_difference_that_no_device_would_take_is_not_written() -> None:
    """BN-5: refused where it is made; the store then sends the view."""
    with pytest.raises(BadDifference):
        difference_bytes(ViewDifference(tuple(("model", n, "a") for n in range(1, 4098)), {}))


@pytest.mark.parametrize("which", [0, 1])
def test_a_view_lists_no_half_of_a_removal(which: int) -> None:
    """VW-1: nor any zero id or digest; two readers may not differ in what they call it."""
    parts = make_view(ROOT, MODEL, {ABOUTS[0]: head(1)}).raw.split(head(1).id.hex().encode())
    raw = parts[0] + (ZERO if which == 0 else head(1).id.hex()).encode() + parts[1]
    raw += (ZERO if which == 1 else head(1).id.hex()).encode() + parts[2]
    with pytest.raises(BadRow):
        parse_view(raw)


def test_a_difference_may_be_as_long_as_a_view() -> None:
    """SPEC BN-5: a mebibyte, to the byte; and no longer."""
    rows: list[str] = []
    for number in range(2000):
        rows.append(row(("release", 1, f"acme/{number:04}-{'x' * 400}")))
    start, end = '{"format":1,"removed":[],"changed":[', "]}"
    limit = 1024 * 1024
    while len(start) + len(",".join(rows)) + len(end) > limit:
        rows.pop()
    last = rows.pop()
    missing = limit - len(start) - len(",".join([*rows, last])) - len(end)
    last = last.replace("x" * 400, "x" * (400 + min(missing, 100)))
    raw = f"{start}{','.join([*rows, last])}{end}".encode()
    assert 1023 * 1024 < len(raw) <= limit
    assert len(parse_view_difference(raw).changed) == len(rows) + 1
    with pytest.raises(BadDifference):
        parse_view_difference(raw + b" " * (limit + 1 - len(raw)))


def test_a_refusal_names_type_subject_and_format() -> None:
    """SPEC BN-5: in words that a person finds again in the view."""
    twice = f'{{"format":1,"removed":[],"changed":[{row(ABOUTS[3])},{row(ABOUTS[3])}]}}'.encode()
    with pytest.raises(BadDifference, match=r"model acme/base/stable \(format 2\)"):
        parse_view_difference(twice)
