"""Whatever a store answers, an audit ends, within its bounds, and goes on with the next run (SPEC HF-1, HF-3, CT-5)."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from sealring.catalogue.entry import MAX_ENTRY
from sealring.errors import SealringError, Unreachable
from sealring_server.audit.asking import Bounds
from sealring_server.audit.errors import NoAnswer, UsedUp
from tests.hostile import SILENCE, Reply, only
from tests.unit.server.audit.conftest import Scene
from tests.unit.server.audit.test_lies import a_leaf

BRIEF = Bounds(read_seconds=0.3, answer_seconds=0.6)
BAD: dict[str, Callable[[Reply], Reply]] = {
    "endless": lambda reply: replace(reply, endless=True),
    "a drip": lambda reply: replace(reply, pause=0.1),
    "cut": lambda reply: replace(reply, promised=len(reply.body) + 1, hang_up=True),
    "silence": lambda _: SILENCE,
    "an error": lambda _: Reply(500),
    "another place": lambda _: Reply(302, (("Location", "http://127.0.0.1:1/"),)),
}
PATHS = ["/tuf/timestamp.json", "/tuf/targets/", "/v1/entries/", "/v1/changes/", "/v1/statements/"]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("path", PATHS)
def test_an_answer_without_end_or_whole_is_cut(scene: Scene, path: str, bad: str) -> None:
    """HF-1, HF-2, HF-3: nothing of it is taken, and nothing is lost."""
    scene.line.change = only(path, BAD[bad])
    with pytest.raises(Unreachable) as refused:
        scene.audit(bounds=BRIEF)
    assert refused.value.exit_code == 10
    scene.line.reset()
    assert scene.audit().found.entry.sequence == 3


def test_a_log_that_is_said_to_be_of_any_length_ends_with_the_budget(scene: Scene) -> None:
    """HF-1: the newest entry says 2^52, and every page is full."""
    liar = scene.liar()
    liar.show({}, sequence=2**52)
    full = b"".join(len(one.raw).to_bytes(2, "big") + one.raw for one in liar.forger.log[:2]) * 500
    answer = liar.answer
    scene.line.change = lambda path, reply: (
        Reply(200, (), full) if path.startswith("/v1/entries/") else answer(path, reply)
    )
    with pytest.raises(UsedUp):
        scene.audit(bounds=Bounds(requests=40))


@pytest.mark.parametrize("length", [2**16 - 1, MAX_ENTRY + 1])
def test_an_entry_longer_than_any_is_refused(scene: Scene, length: int) -> None:
    """CT-1: at most 1,024 bytes, whatever the length before it says."""
    liar = scene.liar()
    liar.unsigned["/v1/entries/1"] = length.to_bytes(2, "big") + b"{" * length
    with pytest.raises(SealringError) as refused:
        scene.audit()
    assert refused.value.exit_code == 25


def test_too_many_bytes_in_changes_are_cut(scene: Scene) -> None:
    """HF-1: a whole answer that is larger than what a witness wants to take in all."""
    liar = scene.liar()
    liar.show(a_leaf())
    liar.unsigned["/v1/changes/1"] = bytes(2**20)
    with pytest.raises((UsedUp, NoAnswer)):
        scene.audit(bounds=Bounds(total_bytes=2**19))
