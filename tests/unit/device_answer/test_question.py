"""One question has one spelling, and tells nothing else about the device (SPEC AN-1)."""

from hypothesis import given
from hypothesis import strategies as st

from sealring_client.decide.answer.question import MAX_BRANDS, Question, Versions
from sealring_server.answer_question import parse_question

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NUMBERS = st.integers(1, 2**53 - 1)


def test_a_device_that_has_nothing_says_nothing() -> None:
    """AN-1: members that are left out stand for nothing."""
    assert Question("acme/door-1").path == "v1/answers/acme/door-1"


def test_the_members_stand_in_their_order() -> None:
    """AN-1: brands ascending, a TUF version that is not held as 0."""
    question = Question("acme/door-1", 3, {"b": 2, "a": 9}, Versions(1, 0, 2, 0), 7, "ab" * 32)
    assert question.path == f"v1/answers/acme/door-1?root=3&brands=a.9,b.2&tuf=1.0.2.0&entry=7&view={'ab' * 32}"


@given(
    st.integers(0, 9),
    st.dictionaries(NAMES, NUMBERS, max_size=70),
    st.tuples(*[st.integers(0, 99)] * 4),
    st.integers(0, 9),
    st.booleans(),
)
def test_a_store_reads_what_the_device_means(
    root: int, brands: dict[str, int], tuf: tuple[int, int, int, int], entry: int, has_view: bool
) -> None:
    """AN-1: whatever is held, the store's own parser takes it for just that; of more than 64 brands the first."""
    view = "0f" * 32 if has_view else ""
    path = Question("acme/door-1", root, brands, Versions(*tuf), entry, view).path
    found = parse_question(path.partition("?")[2].encode())
    named = tuple(sorted(brands.items())[:MAX_BRANDS])
    assert (found.root, found.brands, tuple(found.tuf), found.entry, found.view) == (root, named, tuf, entry, view)
