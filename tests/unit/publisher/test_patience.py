"""How often something is tried again, and how long between (SPEC PB-11, PB-13)."""

import os
from pathlib import Path

import pytest

from sealring.chain import read_claim
from sealring.command.kept_token import Begun, Missing, kept_token
from sealring.command.patience import LONGEST_WISH, TRIES, GaveUp, Patience
from sealring.command.sending import MAX_STATEMENTS, statements_bundle
from sealring.command.store_http import StoreRefused, StoreUnreachable
from sealring.command.terms import Terms
from sealring.errors import SealringError
from sealring_server.publication import MAX_BUNDLE
from tests.world import World

LOST = StoreUnreachable("http://store.example", "connection reset")


def refused(status: int, wait: int = 0, rule: str = "") -> StoreRefused:
    return StoreRefused(status, "no", rule, "", wait)


def test_pauses_grow_and_end() -> None:
    """The attack: a store that never works holds a publisher for ever, or is stormed by all of them at once."""
    slept: list[float] = []
    patience = Patience(slept.append, lambda: 1.0)
    for _ in range(TRIES - 1):
        patience.again(LOST)
    with pytest.raises(GaveUp) as given_up:
        patience.again(LOST)
    assert (given_up.value.exit_code, len(slept)) == (10, TRIES - 1)
    assert slept == sorted(slept)
    assert sum(slept) < 60
    half: list[float] = []
    Patience(half.append, lambda: 0.0).again(LOST)
    assert half[0] == slept[0] / 2


def test_what_came_through_gives_new_patience() -> None:
    slept: list[float] = []
    patience = Patience(slept.append, lambda: 1.0)
    for _ in range(50):
        patience.again(LOST)
        patience.went_on()
    assert len(set(slept)) == 1


def test_what_a_store_wishes_is_the_least() -> None:
    """SPEC PB-13: `Retry-After` is obeyed; one that nobody waits for is said at once."""
    slept: list[float] = []
    patience = Patience(slept.append, lambda: 0.5)
    patience.again(refused(429, 17))
    patience.again(refused(503, LONGEST_WISH))
    assert slept[0] >= 17
    assert slept[1] >= LONGEST_WISH
    with pytest.raises(GaveUp) as given_up:
        patience.again(refused(429, LONGEST_WISH + 1))
    assert str(LONGEST_WISH + 1) in str(given_up.value)
    assert len(slept) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 413, 507])
def test_a_no_is_a_no(status: int) -> None:
    """What a rule refused is refused again: it is never tried twice."""
    err = refused(status, 1)
    with pytest.raises(SealringError) as raised:
        Patience(_never, lambda: 0.0).again(err)
    assert raised.value is err


def _never(seconds: float) -> None:
    raise AssertionError(f"slept {seconds}")


def test_a_token_is_shown_nowhere(tmp_path: Path) -> None:
    """SPEC PB-11: who has it can complete the publication: no message, and no other user's eyes."""
    begun = Begun("secret-token-1234", [Missing("a" * 64, 5)])
    assert "secret" not in repr(begun) + str(begun)
    with kept_token(tmp_path, "https://store.example", b"bundle", "") as kept:
        assert kept.load() is None
        kept.save(begun)
        assert kept.is_kept
    with kept_token(tmp_path, "https://store.example", b"bundle", "") as kept:
        assert kept.load() == begun
        with kept_token(tmp_path, "https://store.example", b"bundle", "") as other:
            assert other.load() is None, "in use"
            other.save(begun)
            other.forget()
        assert kept.load() == begun
        for url, bundle, terms in (
            ("https://other.example", b"bundle", ""),
            ("https://store.example", b"Bundle", ""),
            ("https://store.example", b"bundle", "?cut=yes"),
        ):
            with kept_token(tmp_path, url, bundle, terms) as other:
                assert other.load() is None, "another publication"
        kept.forget()
    assert os.listdir(tmp_path / "publications") == []


def test_more_than_one_publication_takes_is_said_with_what_to_do(world: World) -> None:
    """SPEC HT-4: both sides have one bound, and a set beyond it is not split behind anybody's back."""
    assert MAX_STATEMENTS == MAX_BUNDLE
    claim = read_claim(world.signed(world.model()).raw)
    with pytest.raises(Exception, match="in several parts, and then the releases") as said:
        statements_bundle([claim] * 40_000, Terms())
    assert getattr(said.value, "exit_code", 0) == 2
    assert len(statements_bundle([claim] * 2, Terms())) < 2 * len(claim.envelope.raw), "in parts"


@pytest.fixture(scope="module")
def world() -> World:
    return World()
