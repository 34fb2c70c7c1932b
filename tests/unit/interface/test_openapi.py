"""What the store answers is described where it is answered, and the description is true (SPEC section 13)."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from flask import Flask, Response

from sealring_server.app import add_routes
from sealring_server.openapi.describe import description_of
from sealring_server.openapi.document import NotDescribed, document
from sealring_server.problems import Problem
from tests.stores import RunningStore

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def app() -> Flask:
    """An app with the store's routes, and no store."""
    made = Flask("sealring_server", static_folder=None)
    add_routes(made)
    return made


def _schemas(found: object) -> Iterator[dict[str, Any]]:
    """Every schema that stands in a document."""
    if isinstance(found, dict):
        yield from ([found["schema"]] if "schema" in found else [])
        for each in found.values():
            yield from _schemas(each)
    elif isinstance(found, list):
        for each in found:
            yield from _schemas(each)


def test_every_rule_of_the_url_map_is_described_and_nothing_else(app: Flask) -> None:
    """A path that nobody described is a path that nobody reviewed."""
    found = {(path, method.upper()) for path, operations in document(app)["paths"].items() for method in operations}
    rules = {
        (rule.rule.replace("<int:", "{").replace("<path:", "{").replace("<", "{").replace(">", "}"), method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set())
        if method != "HEAD" or "GET" not in (rule.methods or set())
    }
    assert found == rules
    assert all(description_of(view) for view in app.view_functions.values())


def test_a_route_without_a_description_is_a_mistake() -> None:
    """It is found by a test, before it is served."""
    app = Flask("other", static_folder=None)
    app.add_url_rule("/x", view_func=Response)
    with pytest.raises(NotDescribed, match=r"^(/x|/static)"):
        document(app)


def test_the_file_in_docs_is_current() -> None:
    """Whoever reads docs/openapi.json reads what this edition does; `make openapi` writes it."""
    made = subprocess.run([sys.executable, "-m", "sealring_server.openapi"], capture_output=True, check=True, cwd=ROOT)
    assert (ROOT / "docs" / "openapi.json").read_bytes() == made.stdout


def test_each_schema_is_a_schema(app: Flask) -> None:
    """OpenAPI 3.1 has the schemas of JSON Schema 2020-12."""
    said = document(app)
    found = [*_schemas(said), *said["components"]["schemas"].values()]
    assert len(found) > 50
    for schema in found:
        assert jsonschema_rs.meta.is_valid({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_the_paths_are_those_of_the_spec(app: Flask) -> None:
    """Section 13's table and the code name the same paths."""
    table = (ROOT / "SPEC.md").read_text().partition("## 13. HTTP")[2].partition("- **[HT-1]**")[0]
    for path in document(app)["paths"]:
        first = path.split("{")[0].rstrip("/")
        assert f"`GET {first}" in table or f"`POST {first}" in table or f"PATCH` {first}" in table or first in table


def test_the_served_document_is_this_one(served: RunningStore, app: Flask) -> None:
    """HT-2: with an ETag, and 304 for whoever has it."""
    answer = served.get("/openapi.json")
    assert json.loads(answer.body) == document(app)
    assert answer.headers["cache-control"] == "max-age=60"
    assert served.get("/openapi.json", If_None_Match=answer.headers["etag"]).status == 304


def test_a_problem_has_the_described_form(served: RunningStore) -> None:
    """HT-3."""
    for path in ("/v1/halts/x", "/nowhere", "/v1/answers/a/b?x"):
        assert msgspec.json.decode(served.get(path).body, type=Problem).status in (400, 404)
