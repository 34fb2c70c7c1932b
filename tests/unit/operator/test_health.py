"""Whether a store is ready, and what is missing where it is not (SPEC HT-6)."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from sealring_server.health import health_routes, look
from sealring_server.operator.app import create_operator_app
from sealring_server.tuf_packages import turn_on
from tests.unit.server.conftest import Shop
from tests.world import DAY


def database_gone(shop: Shop) -> None:
    shop.here.database.close()
    (shop.folder / "store.db").write_bytes(b"not a database" * 1000)


def images_gone(shop: Shop) -> None:
    (shop.folder / "blobs").rename(shop.folder / "elsewhere")


def key_gone(shop: Shop) -> None:
    next((shop.folder / "keys").glob("timestamp*.key")).unlink()


def list_damaged(shop: Shop) -> None:
    (shop.folder / "keys" / "keys.json").write_bytes(b"{}")


def list_emptied(shop: Shop) -> None:
    (shop.folder / "keys" / "keys.json").write_bytes(b'{"format":1,"keys":[]}')


def timestamp_expired(shop: Shop) -> None:
    shop.later(days=8)


@pytest.mark.parametrize(
    ("happens", "what"),
    [
        (database_gone, {"database"}),
        (images_gone, {"images"}),
        (key_gone, {"keys"}),
        (list_damaged, {"keys"}),
        (list_emptied, {"keys"}),
        (timestamp_expired, {"tuf"}),
    ],
)
def test_what_is_missing_is_said_to_the_operator_alone(shop: Shop, happens: Any, what: set[str]) -> None:
    """HT-6: 503 with the parts and reasons on the operator's listener, 503 with nothing at all on the public one."""
    happens(shop)
    client = create_operator_app(shop.here).test_client()
    answer = client.get("/v1/health/ready")
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    found = answer.get_json()
    assert what <= {one["what"] for one in found["failing"]}
    if what != {"database"}:  # without it nothing else can be told either
        assert what == {one["what"] for one in found["failing"]}
    assert all(one["reason"] and "SELECT" not in one["reason"] for one in found["failing"])
    assert client.get("/v1/health/live").status_code == 204
    assert "needs you now" in client.get("/").text

    public = Flask("public")
    public.extensions["sealring"] = shop.here
    public.register_blueprint(health_routes(detail=False))
    answer = public.test_client().get("/v1/health/ready")
    assert (answer.status_code, answer.data) == (503, b"")


def test_a_ready_store_says_so_without_a_word(client: FlaskClient) -> None:
    """HT-6: 204, never cached."""
    for path in ("/v1/health/ready", "/v1/health/live"):
        answer = client.get(path)
        assert (answer.status_code, answer.data, answer.headers["Cache-Control"]) == (204, b"", "no-store")


def test_many_questions_cost_one_look_a_second(shop: Shop, client: FlaskClient) -> None:
    """HT-6: readiness is asked by anybody; what was found is kept, so that asking is no lever."""
    assert client.get("/v1/health/ready").status_code == 204
    key_gone(shop)
    assert {client.get("/v1/health/ready").status_code for _ in range(20)} == {204}
    assert [one.what for one in look(shop.here)] == ["keys"]


def test_the_role_that_no_device_reads_takes_nobody_off_the_line(shop: Shop) -> None:
    """TF-11: an expired list of packages is an alarm, and the store serves its devices all the same."""
    turn_on(shop.here)
    with shop.here.database.reading():
        pass
    assert look(shop.here) == []


def test_a_page_for_people_says_that_the_database_is_gone(shop: Shop, client: FlaskClient) -> None:
    """HT-6: the overview is there when nothing else is, and every other page says where to look."""
    client.application.extensions["sealring"].database.close()
    database_gone(shop)
    assert "Database" in client.get("/").text
    for path in ("/packages", "/publications", "/fleet"):
        answer = client.get(path)
        assert (answer.status_code, answer.mimetype) == (503, "text/html")
        assert "overview" in answer.text


def test_a_week_without_anybody_is_seen(shop: Shop, client: FlaskClient) -> None:
    """TF-10: the page names what expired and what was not renewed."""
    shop.at += 5 * DAY
    text = client.get("/").text
    assert "is not being renewed" in text
    assert "newest entry is of" in text
