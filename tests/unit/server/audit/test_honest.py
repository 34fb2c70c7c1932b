"""An honest store is judged whole, again and again, and each run costs what is new (SPEC CT-4, CT-5, VW-2)."""

from datetime import timedelta

import pytest

from sealring.tuf_set import NotCurrent
from sealring_server.audit.asking import Bounds
from sealring_server.audit.errors import UsedUp
from sealring_server.audit.observation import load_observation
from sealring_server.audit.run import NoPin, OtherState
from sealring_server.audit.shown import OtherPin
from tests.unit.server.audit.conftest import MODEL, Scene


def test_a_first_audit_judges_every_entry_statement_and_view(scene: Scene) -> None:
    """CT-4: replayed from the first entry on; the observation says what was judged."""
    found = scene.audit().found
    assert (found.entry.sequence, found.entries, found.statements, found.unknown) == (3, 3, 8, 0)
    assert found.views == 2
    assert load_observation(scene.state / "observation.bundle").verify().entry == found.entry


def test_the_next_run_asks_only_for_what_is_new(scene: Scene) -> None:
    """A witness may run every hour: nothing is fetched twice."""
    scene.audit()
    scene.line.asked.clear()
    assert scene.audit().found.entries == 0
    assert [path for path in scene.line.asked if path.startswith("/v1/")] == []
    scene.release(3)
    scene.line.asked.clear()
    found = scene.audit().found
    assert (found.entries, found.statements, found.views) == (1, 2, 1)
    # All that the entry brought comes in one answer.
    assert [path for path in scene.line.asked if path.startswith(("/v1/statements/", "/v1/news/"))] == ["/v1/news/4"]
    scene.later(days=2)
    scene.line.asked.clear()
    assert scene.audit().found.entries == 1
    assert [path for path in scene.line.asked if path.startswith("/v1/")] == []  # the newest entry is a TUF target


def test_one_model_can_be_judged_without_every_statement(scene: Scene) -> None:
    """For a small witness: the map is whole, and of the statements only those that the view leads to are fetched."""
    found = scene.audit(models=[MODEL]).found
    assert (found.views, found.models, found.statements) == (1, [MODEL], 0)
    scene.release(3)
    assert scene.audit(models=[MODEL]).found.views == 1
    with pytest.raises(OtherState):
        scene.audit()


def test_the_first_root_is_pinned(scene: Scene) -> None:
    """TF-8: nobody is trusted for being first, unless the witness says so; then that root stays."""
    with pytest.raises(NoPin):
        scene.audit(pin=None)
    with pytest.raises(OtherPin):
        scene.audit(pin="0" * 64)
    assert scene.audit(pin=None, trust_first=True).pin == scene.pin
    assert scene.audit(pin=None).pin == scene.pin
    with pytest.raises(OtherState):
        scene.audit(pin="0" * 64)


def test_what_has_expired_is_not_audited(scene: Scene) -> None:
    """TF-6: an old copy of the store, however genuine, says nothing about today."""
    with pytest.raises(NotCurrent):
        scene.audit(at=scene.shop.at + timedelta(days=8))


@pytest.mark.parametrize("requests", [1, 4, 9])
def test_a_run_that_ends_early_is_gone_on_with(scene: Scene, requests: int) -> None:
    """A budget that is used up, a dead line: what was judged is kept, and nothing else."""
    ends: list[int] = []
    while not ends:
        try:
            ends.append(scene.audit(bounds=Bounds(requests=requests)).found.entry.sequence)
        except UsedUp:
            requests += 1
    assert ends == [3]
    assert scene.audit().found.entries == 0


def test_bytes_are_bounded_too(scene: Scene) -> None:
    """HF-1: what a run may cost is said before it begins."""
    with pytest.raises(UsedUp):
        scene.audit(bounds=Bounds(total_bytes=3000))
