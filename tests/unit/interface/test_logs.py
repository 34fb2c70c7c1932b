"""What the store says on stderr: fixed fields, and no secret whatever goes wrong (SPEC PB-2, HT-3)."""

import json
import logging
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from flask import Flask

from sealring_server import logs
from sealring_server.problems import answer_problems
from tests.stores import ask, begin, commit, first_software, make_folder, now, patch
from tests.unit.interface.program import exchange, program
from tests.world import World

IMAGE = b"an image that is not released"
SECRETS = ("hunter2", "s3cr3t-access", "AKIAEXAMPLE")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Logging is one in a process: other tests find it as it was."""
    loggers = [logging.getLogger(name) for name in ("sealring_server.events", "sealring_server.requests")]
    kept = [(logger, logger.handlers[:], logger.propagate, logger.level) for logger in loggers]
    hook = threading.excepthook
    yield
    threading.excepthook = hook
    for logger, handlers, propagate, level in kept:
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)


def _events(text: str) -> list[dict[str, object]]:
    found = [json.loads(line) for line in text.splitlines()]
    assert all(list(one) == [name for name in logs.FIELDS if name in one] for one in found)
    return found


def test_no_secret_is_ever_logged(tmp_path: Path) -> None:
    """A token completes its publication, and stands in addresses: none of it is said, nor of queries and headers."""
    world = World(at=now())
    made = make_folder(world, tmp_path / "shop")
    with program(made.folder, "--request-log", "--log-format", "json") as served:
        made.url = served.url
        opened = begin(served.url, first_software(world, made, IMAGE), terms=f"next=&x={SECRETS[0]}")
        digest, token = sha256(IMAGE).hexdigest(), opened.token
        assert patch(served.url, token, IMAGE[:5], digest=digest).status == 204
        assert patch(served.url, token, IMAGE[7:], 7, digest).status == 409
        assert patch(served.url, token, IMAGE[5:], 5, digest, Authorization=f"Bearer {SECRETS[1]}").status == 204
        for path in (f"/v1/publications/{token}", f"/v1/publications/{token}/commit/x?key={SECRETS[2]}", f"/{token}"):
            assert ask(served.url, path, "POST", b"", Cookie=SECRETS[1]).status in (404, 405)
        exchange(served.address, f"{SECRETS[0]} /{token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        commit(served.url, token)
        (made.folder / "blobs").rename(made.folder / "elsewhere")  # the disk of the images is gone
        assert ask(served.url, f"/v1/blobs/{digest}?{SECRETS[0]}").status in (404, 500, 503)
        assert served.stop() == 0
        said = served.said.read_text()
    found = _events(said)
    assert [one["event"] for one in found if one["level"] == "info" and one["event"] != "request"] == [
        "serving",
        "stopped",
    ]
    requests = [one for one in found if one["event"] == "request"]
    assert len(requests) >= 10
    assert {"/v1/publications/<token>/blobs/<digest>", "/v1/publications/<token>/commit", "-"} <= {
        one["route"] for one in requests
    }
    keys = [path.read_text() for path in (made.folder / "keys").rglob("*") if path.is_file() and path.suffix != ".pub"]
    for secret in (token, sha256(token.encode()).hexdigest(), digest, *SECRETS, *keys):
        assert secret not in said


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_mistake_in_the_program_is_told_by_a_trace_id_alone(
    form: logs.Form, capsys: pytest.CaptureFixture[str]
) -> None:
    """HT-3: what an unforeseen error says may repeat secrets; who asked gets a number, the operator where it was."""
    app = Flask("mistaken", static_folder=None)
    answer_problems(app)

    @app.get("/v1/publications/<token>/boom")
    def boom(token: str) -> str:
        raise KeyError(token + SECRETS[0])

    logs.begin_logging(logs.Logging(form))
    answer = app.test_client().get(f"/v1/publications/tok-{SECRETS[1]}/boom?q={SECRETS[2]}")
    said = capsys.readouterr().err
    assert answer.status_code == 500
    assert answer.content_type == "application/problem+json"
    told = answer.get_json()
    assert len(told["trace"]) == 16
    assert told["trace"] in said
    assert "KeyError" in said
    assert "test_logs.py" in said
    assert "/v1/publications/<token>/boom" in said
    assert said.count("\n") == 1
    for secret in SECRETS:
        assert secret not in said
        assert secret not in answer.get_data(as_text=True)
    assert "KeyError" not in answer.get_data(as_text=True)


def test_a_line_is_one_line_and_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever could end a line could write the next one."""
    logs.begin_logging(logs.Logging("text"))
    logs.log_event(logging.ERROR, "database away", what="a\nsealring-store: all is well\x1b[2J" + "x" * 9000)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "\x1b" not in said
    assert len(said) < 700


def test_people_get_words_and_programs_get_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a choice: JSON unless stderr is a terminal; requests only where they are asked for."""
    logs.begin_logging(logs.Logging())
    logs.log_event(logging.WARNING, "something")
    logs.log_request(200, 0.1)
    assert _events(capsys.readouterr().err)[0]["event"] == "something"
    logs.begin_logging(logs.Logging("text"))
    logs.log_event(logging.WARNING, "something", what="no space")
    assert capsys.readouterr().err == "sealring-store: something: what=no space\n"
