"""`store.toml`: every table bounded, nothing unknown, and no secret."""

from pathlib import Path

import pytest

from sealring_server.here import open_store
from sealring_server.settings import (
    FILE,
    MAX_FILE,
    BadSettings,
    Database,
    Images,
    Settings,
    check_database_url,
    documented,
    load_settings,
    parse_settings,
)
from tests.unit.server.conftest import Shop

FILE_PATH = Path("shop/store.toml")


def test_the_documented_file_says_what_is_given_and_the_defaults_for_all_else() -> None:
    """HT-6: what is left out changes nothing, so that a file can begin with one line."""
    url = "postgresql://store@/sealring?host=/run/postgresql"
    found = parse_settings(documented(Database(url), Images()).encode(), FILE_PATH)
    assert found == Settings(database=Database(url))


def test_every_default_that_the_documented_file_shows_is_the_default() -> None:
    """A comment that is uncommented as it stands changes nothing; only the listener is an example (HT-6)."""
    lines = documented(Database(), Images()).splitlines()
    shown = [line.removeprefix("# ") if " = " in line else line for line in lines if "8081" not in line]
    assert parse_settings("\n".join(shown).encode(), FILE_PATH) == Settings()


def test_a_store_without_the_file_has_every_default(tmp_path: Path) -> None:
    """Stores that were made before there was one go on as they were."""
    assert load_settings(tmp_path) == Settings()


@pytest.mark.parametrize(
    ("text", "member"),
    [
        pytest.param("[limit]", "limit", id="unknown table"),
        pytest.param("[limits]\nopne = 1", "limits.opne", id="unknown member"),
        pytest.param("[limits]\nopen = 0", "limits.open", id="below its bound"),
        pytest.param("[limits]\nseconds = 99999999999", "limits.seconds", id="above its bound"),
        pytest.param('[limits]\nopen = "8"', "limits.open", id="another type"),
        pytest.param("limits = 3", "limits", id="no table"),
        pytest.param("[strangers]\nrequests = nan", "strangers.requests", id="not a number"),
        pytest.param("[mirror]", "mirror", id="a member left out"),
        pytest.param('[mirror]\nurl = "ftp://store.example"', "mirror.url", id="another scheme"),
        pytest.param('[images]\ncredentials = "hunter2"', "images.credentials", id="a secret in place of where it is"),
        pytest.param('[database]\nurl = "mysql://store@/x"', "database.url", id="another database"),
        pytest.param('[operator]\nbind = "a\\u0007b"', "operator.bind", id="a control character"),
        pytest.param("x = ", "", id="not TOML"),
        pytest.param("x = " + "[" * 5000, "", id="deep"),
        pytest.param("#" * (MAX_FILE + 1), "", id="long"),
    ],
)
def test_what_can_not_be_said_there_is_refused_with_its_name(text: str, member: str) -> None:
    """A misspelt bound would be no bound at all (PB-13)."""
    with pytest.raises(BadSettings) as refused:
        parse_settings(text.encode(), FILE_PATH)
    assert (refused.value.file, refused.value.member) == (FILE_PATH, member)


def test_an_unknown_member_is_answered_with_those_that_are_known() -> None:
    """The operator need not look it up."""
    with pytest.raises(BadSettings, match="open, idle, pending_bytes, seconds, subjects, delegations"):
        parse_settings(b"[limits]\nopne = 1", FILE_PATH)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://store:hunter2@db/sealring",
        "postgresql://store:@db/sealring",
        "postgresql://store@db/sealring?password=hunter2",
        "postgresql://db/sealring?user=store&sslpassword=hunter2",
        "postgresql://store@db:hunter2/sealring",
        "mysql://store:hunter2@db/sealring",
    ],
)
def test_a_password_is_refused_and_never_said_again(url: str) -> None:
    """KY-5: what stands in an argument or in this file is read by many, and what is logged by more."""
    with pytest.raises(BadSettings) as refused:
        check_database_url(url, FILE_PATH)
    assert "hunter2" not in f"{refused.value} {refused.value.hint()} {refused.value.__cause__}"


def test_a_store_works_by_its_settings(shop: Shop) -> None:
    """PB-7: the bounds of the file count from the next start on."""
    (shop.folder / FILE).write_text("[limits]\nopen = 3\n[reading]\nclosed = true\n")
    here = open_store(shop.folder, lambda: shop.at)
    assert (here.limits.open, here.settings.reading.closed) == (3, True)
