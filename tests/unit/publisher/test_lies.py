"""A store that lies to its publisher: nothing counts as published without proof (SPEC PB-8, PB-11)."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.stores import Answer
from tests.unit.publisher.conftest import Scene
from tests.unit.publisher.lying import Change, Liar, lying


@pytest.fixture
def liar(scene: Scene) -> Iterator[Liar]:
    """A relay to the scene's store."""
    with lying(scene.store.url) as found:
        yield found


def older(scene: Scene, number: int) -> bytes:
    """A genuine receipt of something else, as the store gave it."""
    name = f"older-{number}"
    with lying(scene.store.url) as relay:
        given: list[bytes] = []

        def see(_: str, answer: Answer) -> Answer:
            given.append(answer.body)
            return answer

        relay.change = see
        assert scene.publish(*scene.written(1, name.encode(), name), url=relay.url)[0] == 0
    return given[-1]


@pytest.mark.parametrize("turn", ["first", "resumed", "repeated"])
def test_a_receipt_of_something_else_is_refused(scene: Scene, liar: Liar, turn: str) -> None:
    """SPEC PB-8: the attack: "thank you" with an older proof, the first time, after a break, and when asked again."""
    number = ["first", "resumed", "repeated"].index(turn)
    another, arguments = older(scene, number), scene.written(1, turn.encode() * 999, f"lied-{number}")

    def no_commit(asked: str, answer: Answer) -> Answer:
        return replace(answer, status=403, body=b"{}") if "/commit" in asked else answer

    def thanks(asked: str, answer: Answer) -> Answer:
        is_last = "/commit" in asked or ("commit=yes" in asked and answer.status == 200)
        return replace(answer, status=200, body=another) if is_last else answer

    if turn == "resumed":
        liar.change = no_commit
        assert scene.publish(*arguments, url=liar.url)[0] == 21
        # The publication was committed at the real store; the liar says that it is open as it was.
    if turn == "repeated":
        assert scene.publish(*arguments, url=liar.url)[0] == 0
    liar.change = thanks
    code, out, err = scene.publish(*arguments, url=liar.url)
    assert (code, out) == (25, "")
    assert json.loads(err)["rule"] == "PB-8"
    liar.change = None
    assert scene.publish(*arguments, url=liar.url)[0] == 0, "an honest one proves it"


def patched(**headers: str) -> Change:
    """Answers to PATCH and HEAD with other headers."""

    def change(asked: str, answer: Answer) -> Answer:
        if not asked.startswith(("PATCH", "HEAD")):
            return answer
        kept = {name: value for name, value in answer.headers.items() if not name.startswith("upload-")}
        return replace(answer, headers=kept | {name.replace("_", "-"): value for name, value in headers.items()})

    return change


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param({}, 25, id="no offset"),
        pytest.param({"upload_offset": "-1"}, 25, id="below nothing"),
        pytest.param({"upload_offset": "9" * 15}, 25, id="beyond the end"),
        pytest.param({"upload_offset": "1e3"}, 25, id="no number"),
        pytest.param({"upload_offset": "0", "upload_length": "3996"}, 10, id="never a byte further"),
        pytest.param({"upload_offset": "1", "upload_length": "77"}, 25, id="of another length"),
    ],
)
def test_offsets_that_can_not_be_end_the_sending(scene: Scene, liar: Liar, headers: dict[str, str], code: int) -> None:
    """SPEC PB-11: the attack: a publisher that is kept busy for ever, or sends what it should not."""
    arguments = scene.written(1, b"off!" * 999, "offsets")
    liar.change = patched(**headers)
    assert scene.publish(*arguments, url=liar.url)[0] == code
    assert len(liar.asked) < 40
    assert sum(scene.slept) < 60


def test_a_wish_to_wait_is_obeyed_while_images_are_sent(scene: Scene, liar: Liar) -> None:
    """SPEC PB-13: 429 with Retry-After; then it goes on, and the publication is proved."""
    arguments = scene.written(1, b"wait" * 999, "waiting")
    busy = iter([429, 503])

    def change(asked: str, answer: Answer) -> Answer:
        status = next(busy, 0) if asked.startswith("PATCH") or "commit=yes" in asked else 0
        return Answer(status, {"retry-after": "7"}, b"{}") if status else answer

    liar.change = change
    assert scene.publish(*arguments, url=liar.url)[0] == 0
    assert sum(scene.slept) >= 14
