"""What a monitor reads: names and labels that stay, and nothing of any device (SPEC HT-6, TF-10)."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from sealring_server.app import create_app
from sealring_server.failures import KINDS, OUTCOMES
from sealring_server.tuf_repo import expiries
from tests.unit.server.conftest import Shop

Found = dict[tuple[str, ...], float]


def scraped(client: FlaskClient) -> Found:
    """Every sample by its name and labels' values."""
    answer = client.get("/metrics")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    return {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(answer.text)
        for one in family.samples
    }


def test_a_monitor_reads_what_ends_when_and_what_is_held(shop: Shop, client: FlaskClient) -> None:
    """TF-10: instants since 1970, counts of the newest entry, counted anew with each entry."""
    shop.first()
    found = scraped(client)
    with shop.here.database.reading() as connection:
        for role, ends in expiries(connection).items():
            assert found["sealring_tuf_expires_timestamp_seconds", role] == ends.timestamp()
    assert found["sealring_entry_sequence",] == 2
    assert found["sealring_entry_timestamp_seconds",] == shop.at.timestamp()
    assert found["sealring_statements", "release"] == 1
    assert found["sealring_images",] == 1
    assert found["sealring_open_publications",] == 0
    assert found["sealring_halted_releases",] == 0
    assert found["sealring_signing_failures_total",] == 0
    assert found["sealring_later_entries_claimed_total",] == 0
    assert found["sealring_maintenance_failures_total",] == 0
    assert {found["sealring_ready", part] for part in ("database", "images", "keys", "tuf")} == {1.0}
    release = shop.world.release(1)
    assert found["sealring_statements_expire_timestamp_seconds", "release"] == release.expires.timestamp()
    shop.publish([shop.world.signed(shop.world.model("gate"))])
    assert scraped(client)["sealring_statements", "model"] == 2


def test_labels_are_a_small_fixed_set_whatever_is_asked(shop: Shop, client: FlaskClient) -> None:
    """HT-6: a stranger's paths and statuses make no new series, or he could fill a monitor's memory."""
    public = create_app(shop.here).test_client()
    for path in ("/tuf/timestamp.json", "/v1/nothing", "/wp-login.php", "/<script>", "/v1/heads/a/1/b", "/%00"):
        public.get(path)
    public.post("/v1/publications")
    found = scraped(client)
    labels = {key[1:] for key in found if key[0] == "sealring_http_requests_total"}
    assert labels == {(kind, outcome) for kind in KINDS for outcome in OUTCOMES}
    assert found["sealring_http_requests_total", "tuf", "2xx"] == 1
    assert found["sealring_http_requests_total", "read", "4xx"] == 2
    assert found["sealring_http_requests_total", "other", "4xx"] == 3
    assert found["sealring_http_requests_total", "publish", "4xx"] == 1
    assert found["sealring_http_request_duration_seconds_count", "tuf"] == 1
    assert found["sealring_http_request_duration_seconds_bucket", "tuf", "+Inf"] == 1


def test_figures_are_given_when_the_database_is_gone(shop: Shop, client: FlaskClient) -> None:
    """HT-6: then they matter most; what can't be had is left out, and `ready` says which part is missing."""
    assert scraped(client)["sealring_ready", "database"] == 1
    client.application.extensions["sealring"].database.close()
    (shop.folder / "store.db").rename(shop.folder / "elsewhere")
    shop.later(seconds=1)
    again = scraped_without_the_kept_look(client)
    assert again["sealring_ready", "database"] == 0
    assert ("sealring_entry_sequence",) not in again
    assert again["sealring_disk_free_bytes",] > 0


def scraped_without_the_kept_look(client: FlaskClient) -> Found:
    """As `scraped`, once what was found before counts no more."""
    client.application.extensions["sealring_watch"].readiness.until = 0.0
    return scraped(client)


@pytest.mark.parametrize("path", ["/metrics", "/", "/v1/health/ready"])
def test_the_public_listener_has_nothing_of_the_operators(shop: Shop, path: str) -> None:
    """HT-6: figures and pages are never part of the store's URL."""
    answer = create_app(shop.here).test_client().get(path)
    assert answer.status_code in ((404,) if path != "/v1/health/ready" else (204, 404, 503))


def test_a_statement_that_expired_is_counted_as_such(shop: Shop, client: FlaskClient) -> None:
    """TM-1: a release lives 90 days here; after that it is expired, and no longer what comes next."""
    shop.first()
    shop.at += timedelta(days=91)
    found = scraped(client)
    assert found["sealring_statements_expired", "release"] == 1
    assert ("sealring_statements_expire_timestamp_seconds", "release") not in found
