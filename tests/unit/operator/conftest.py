"""Stores for these tests, and the operator's app over one in this process."""

import pytest
from flask.testing import FlaskClient

from sealring_server.operator.app import create_operator_app
from tests.unit.server.conftest import Shop, shop, template

__all__ = ["shop", "template"]  # fixtures


@pytest.fixture
def client(shop: Shop) -> FlaskClient:
    """Asks the operator's listener of an empty store."""
    return create_operator_app(shop.here).test_client()
