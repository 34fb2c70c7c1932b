"""A program that reads the description asks the running store all that it allows, and what it forbids (SPEC HT-3)."""

from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from sealring.bundle import StatementEntry, write_bundle
from tests.stores import RunningStore
from tests.world import World

DESCRIBED = Path(__file__).resolve().parents[3] / "docs" / "openapi.json"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
GENUINE = write_bundle([StatementEntry(World().root.raw)])
BODIES = st.one_of(
    st.binary(max_size=64),
    st.just(GENUINE),
    st.integers(0, len(GENUINE)).map(lambda size: GENUINE[:size]),
    st.tuples(st.integers(0, len(GENUINE) - 1), st.integers(0, 255)).map(
        lambda at: GENUINE[: at[0]] + bytes([at[1]]) + GENUINE[at[0] + 1 :]
    ),
)
KINDS = ("application/vnd.sealring.bundle", "application/offset+octet-stream", "application/octet-stream")
for kind in KINDS:
    schemathesis.openapi.media_type(kind, BODIES)

schema = schemathesis.openapi.from_path(str(DESCRIBED))


@schemathesis.serializer(*KINDS)
def as_they_are(_context: schemathesis.SerializationContext, value: Any) -> Any:
    """Bytes stay bytes; what an exploring phase makes instead is text."""
    return value if isinstance(value, bytes) else str(value).encode()


@schema.parametrize()
@settings(
    max_examples=8,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_described(case: "schemathesis.Case[Any]", served: RunningStore) -> None:
    """HT-3: no request, good or bad, gets an answer that is not described, and none an error of the store."""
    case.call_and_validate(base_url=served.url, checks=CHECKS)
