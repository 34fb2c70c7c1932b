"""Stores for these tests, and the operator's app over one in this process."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from sealring_server.here import open_store
from sealring_server.operator.app import create_operator_app
from tests.unit.server.conftest import Shop, postgres, shop, template, template_on_postgres

__all__ = ["postgres", "shop", "template", "template_on_postgres"]  # fixtures


@pytest.fixture
def client(shop: Shop) -> Iterator[FlaskClient]:
    """Asks the operator's listener of an empty store: with connections of its own, as its process has them."""
    here = open_store(shop.folder, lambda: shop.at, failures=shop.here.failures)
    yield create_operator_app(here).test_client()
    here.database.close()
