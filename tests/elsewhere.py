"""Where the stores of a test run lie: each in its own folder, unless `make sweep-workers` wants PostgreSQL and S3.

That run says so in the environment, once for all of its processes; a test that names a place itself keeps it.
"""

import json
import os
import uuid
from typing import Any

import psycopg
from psycopg import sql

from sealring_server.settings import Images

VARIABLE = "SEALRING_TESTS_ELSEWHERE"


def is_asked_for() -> bool:
    """Whether this run wants its stores on PostgreSQL and S3."""
    return VARIABLE in os.environ


def workers() -> int:
    """Processes of a store for which a test asks no number."""
    return int(_asked()["workers"]) if is_asked_for() else 1


def new_place() -> tuple[str, Images]:
    """The URL of a new, empty database, and an empty place in a bucket."""
    asked, name = _asked(), f"store_{uuid.uuid4().hex}"
    make = sql.SQL("CREATE DATABASE {} TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'").format(sql.Identifier(name))
    with psycopg.connect(asked["database"].format("postgres"), autocommit=True) as connection:
        connection.execute(make)
    images = Images(f"s3://{asked['bucket']}/{name}", asked["endpoint"], "us-east-1", asked["credentials"])
    return asked["database"].format(name), images


def words(database: str, endpoint: str, credentials: str, bucket: str, workers: int) -> dict[str, str]:
    """The environment that asks for it.

    Args:
        database: a URL with `{}` for a database's name.
    """
    said = {"database": database, "endpoint": endpoint, "credentials": credentials, "bucket": bucket}
    return {VARIABLE: json.dumps(said | {"workers": workers})}


def _asked() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(os.environ[VARIABLE])
    return found
