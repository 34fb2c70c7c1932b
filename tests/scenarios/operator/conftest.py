"""One store with a hostile history, and one browser, for all of these tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.rigs.operator.browser import chromium
from tests.rigs.operator.scene import make_scene, served


@pytest.fixture(scope="session")
def page_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The operator's page of a store whose devices and brands say what would hurt a page that believed them."""
    scene = make_scene(tmp_path_factory.mktemp("operated") / "shop", hostile=True)
    with served(scene) as store:
        yield store.operator_url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with chromium() as found:
        yield found
