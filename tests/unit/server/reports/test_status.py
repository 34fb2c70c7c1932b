"""What `sealring-store status` says of rollouts and halts (SPEC HL-1, RP-3)."""

import json

import pytest

from sealring.report import report_bytes
from sealring_server.command.given import Outside
from sealring_server.command.main import run
from tests.unit.server.reports.conftest import Factory


def test_status_says_how_a_release_goes_out_and_that_it_is_halted(
    factory: Factory, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line each, and an alarm that says what the brand can do; nothing of it once the brand has released again."""
    stranger = factory.stranger()
    factory.send(report_bytes(stranger.report()))
    devices = factory.many(3)
    for device in devices:
        device.says("begun", "good" if device is devices[0] else "failed")
    factory.judge()
    outside = Outside(clock=lambda: factory.shop.at, ask_secret=lambda _: "")
    assert run(["status", str(factory.shop.folder)], outside) == 0
    lines = capsys.readouterr().out.splitlines()
    name = "acme/tool/latest/stable"
    assert f"{name}: 3 devices have begun, 1 are good, 2 failed; 1 more are not counted" in lines
    at = "2026-03-01T12:00:00Z"
    assert f"{name}: halted {at}, 2 of 3 devices failed, 0 more fell silent" in lines
    (alarm,) = [line for line in lines if line.startswith("alarm: ")]
    assert "tell its brand" in alarm
    factory.shop.later(minutes=5)
    factory.release(3)
    assert run(["status", str(factory.shop.folder), "--json"], outside) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rollouts"], found["halts"], found["alarms"]) == ([], [], [])
