"""Who may ask the operator's listener what (SPEC HT-6)."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError
from werkzeug.datastructures import Headers

from sealring_server.operator.app import create_operator_app
from sealring_server.operator.guard import is_own_name
from sealring_server.schema import tallies
from sealring_server.settings import Operator, Settings
from tests.unit.server.conftest import Shop

PATHS = (
    "/",
    "/fleet",
    "/rollouts",
    "/packages",
    "/statements/brand",
    "/publications",
    "/publications/1",
    "/expiry",
    "/faults",
    "/metrics",
    "/v1/health/live",
    "/v1/health/ready",
    "/static/operator.css",
    "/nothing",
)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MERGE"])
def test_nothing_but_a_question_is_taken(client: FlaskClient, method: str) -> None:
    """HT-6: it reads only, whatever is asked of whatever path, one that is not there too."""
    for path in PATHS:
        answer = client.open(path, method=method, data=b"x" * 10_000)
        assert (answer.status_code, sorted(answer.headers["Allow"].split(", "))) == (405, ["GET", "HEAD"]), path
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_every_answer_is_kept_to_itself(client: FlaskClient) -> None:
    """HT-6: no script, no frame, no cache, no other origin; errors and figures included."""
    for path in PATHS:
        with client.get(path) as answer:
            _check_headers(answer.headers)


def _check_headers(headers: Headers) -> None:
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'; img-src 'self';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Access-Control-Allow-Origin" not in headers
    assert "Set-Cookie" not in headers


HOSTS = (
    ("127.0.0.1:8081", True),
    ("127.0.0.1", True),
    ("[::1]:8081", True),
    ("[::1]", True),
    ("localhost:8081", True),
    ("LOCALHOST", True),
    ("192.0.2.7:80", True),
    ("evil.example:8081", False),
    ("127.0.0.1.evil.example", False),
    ("localhost.evil.example:8081", False),
    ("127.0.0.1:8081@evil.example", False),
    ("evil.example:127.0.0.1", False),
    ("0x7f000001", False),
)


def test_a_name_of_somebody_else_is_refused(client: FlaskClient) -> None:
    """HT-6: a page whose own name its owner lets point at 127.0.0.1 would be of one origin with this one."""
    for host, own in HOSTS:
        assert is_own_name(host) is own, host
        assert client.get("/v1/health/live", headers={"Host": host}).status_code == (204 if own else 403)


def test_without_the_proxys_header_nobody_sees_anything(shop: Shop) -> None:
    """HT-6: what did not come through the proxy gets 403, health and figures too."""
    here = replace(shop.here, settings=Settings(operator=Operator(header="X-Operator")))
    client = create_operator_app(here).test_client()
    for path in PATHS:
        assert client.get(path).status_code == 403
        assert client.get(path, headers={"X-Operator": ""}).status_code == 403
    assert client.get("/", headers={"X-Operator": "ann"}).status_code == 200


def test_the_database_itself_refuses_a_write_from_here(shop: Shop) -> None:
    """HT-6: even code that forgot could change nothing."""
    shop.here.database.close()
    create_operator_app(shop.here)
    with pytest.raises(OperationalError, match="readonly"), shop.here.database.writing() as connection:
        connection.execute(insert(tallies).values(authority="acme", subjects=1))


NOTHING = (
    "/statements/%3Cscript%3E",
    "/statements/halt",
    "/packages?after=%00",
    "/packages?after=" + "a" * 600,
    "/packages?after=a&format=-1",
    "/packages?after=a%22%3E",
    "/publications?before=0",
    "/publications?before=1e9",
    "/publications/999",
    "/publications/99999999999999999999999",
    "/publications/1?after=xyz",
    "/static/../app.py",
    "/static/%2e%2e/app.py",
    "/v1/publications",
)


def test_what_names_nothing_is_not_here(client: FlaskClient) -> None:
    """HT-4: a question has one form; others end before the database is asked, and are not repeated in the answer."""
    for path in NOTHING:
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert "script" not in answer.text.lower()
        assert "aaaa" not in answer.text
