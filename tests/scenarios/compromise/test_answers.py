"""He does to the answers what he likes, and only to them: the plain paths decide (SPEC AN-3, AN-4, HF-1 to HF-3)."""

import gzip
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.hostile import NOT_THERE, SILENCE, Reply, flipped
from tests.scenarios.compromise.stage import Play, Stage, rules
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import line

PACKED = (("Content-Encoding", "gzip"),)
HOW: dict[str, Callable[[Reply], Reply]] = {
    "not there": lambda _: NOT_THERE,
    "a wrong question": lambda _: Reply(400, (("Content-Type", "application/problem+json"),), b"{}"),
    "busy": lambda _: Reply(503, (("Retry-After", "99999"),), b"{}"),
    "elsewhere": lambda _: Reply(302, (("Location", "http://127.0.0.1:1/"),)),
    "silence": lambda _: SILENCE,
    "without end": lambda reply: replace(reply, status=200, endless=True),
    "drip": lambda reply: replace(reply, pause=0.02),
    "a giant's length": lambda reply: replace(reply, promised=2**50),
    "half of it": lambda reply: replace(reply, body=reply.body[:-1], promised=len(reply.body), hang_up=True),
    "one bit": flipped,
    "a bomb": lambda _: Reply(200, PACKED, gzip.compress(bytes(20 * 1024 * 1024))),
    "packed twice": lambda reply: replace(reply, body=gzip.compress(reply.body)),
    "nothing": lambda _: Reply(200),
}


@cell("the network", "endless or slow data", "block another store")
@cell("a mirror", "endless or slow data", "block another store")
@pytest.mark.timeout(60)  # an answer without end must not be waited for
@pytest.mark.parametrize("how", HOW)
def test_whatever_befalls_the_answers_the_update_comes(stage: Stage, yesterday: Play, how: str) -> None:
    """AN-3: both stores' answers are his, and the device ends where the plain paths lead it."""
    yesterday.be_impatient()
    for shop in stage.shops.values():
        shop.line.answers = True
        shop.line.change = lambda path, reply: HOW[how](reply) if path.startswith("/v1/answers/") else reply
    report = yesterday.refresh()
    assert (report.outcome, rules(report)) == ("installed", set())
    assert [line(report, f"acme/{name}").word for name in ("main", "second")] == ["fresh", "fresh"]
    assert yesterday.runs() == ["app 2", "tool 2", "gadget 1"]


@cell("the network", "install an old revision")
@cell("a mirror", "install an old revision")
def test_an_answer_of_yesterday_holds_nothing_up(stage: Stage, yesterday: Play) -> None:
    """AN-3, TF-4: he replays what he recorded: the timestamp is asked for by itself, and leads on."""
    old = {shop.line.url: shop.was(shop.yesterday, stage.at) for shop in stage.shops.values()}
    for shop in stage.shops.values():
        was = old[shop.line.url]
        shop.line.answers = True
        shop.line.change = lambda path, reply, was=was: was(path, {}) if path.startswith("/v1/answers/") else reply
    report = yesterday.refresh()
    assert (report.outcome, rules(report)) == ("installed", set())
    assert yesterday.runs() == ["app 2", "tool 2", "gadget 1"]
