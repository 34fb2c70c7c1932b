"""The description of all routes as one OpenAPI 3.1 document, made from the app's own URL map (SPEC section 13)."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

import msgspec
from flask import Flask
from werkzeug.routing import Rule

from sealring_server.openapi.describe import Body, Description, Part, Reply, description_of
from sealring_server.openapi.parts import HEADERS, PATH
from sealring_server.problems import PROBLEM, Problem

ANY: Final = (400, 429, 500, 503)
"""What any request may be answered with: no good request, too many, a mistake of ours, and try later."""
WITH_BODY: Final = (408, 411, 413, 415, 507)
"""And those with a body: too slow, no length, too long, another type, and a full disk."""

_ABOUT: Final = (
    "What a store answers (SPEC section 13). What is named by content or version never changes and may be kept for "
    "ever. Every refusal is a problem document with the rule that said no. HEAD is answered wherever GET is; a method "
    "that is not described here is refused with 405 and `Allow`."
)


class NotDescribed(Exception):
    """A route without a description: a mistake in this program, found by its tests."""


def document(app: Flask) -> dict[str, Any]:
    """The document; the same bytes for the same code.

    Raises:
        NotDescribed: a route of the app.
    """
    paths: dict[str, dict[str, Any]] = {}
    forms: list[type[msgspec.Struct]] = [Problem]
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ()))):
        view = app.view_functions[rule.endpoint]
        said = description_of(view)
        if said is None:
            raise NotDescribed(rule.rule)
        forms += _forms(said)
        for method in _methods(rule):
            paths.setdefault(_path(rule), {})[method.lower()] = _operation(rule, view, said, method)
    _, components = msgspec.json.schema_components(
        list(dict.fromkeys(forms)), ref_template="#/components/schemas/{name}"
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "sealring store", "version": version("sealring-server"), "description": _ABOUT},
        "paths": paths,
        "components": {"schemas": dict(sorted(components.items())), "responses": {"Problem": _problem()}},
    }


def _methods(rule: Rule) -> list[str]:
    """HEAD is what HTTP gives to every GET; where there is no GET, it is a method of its own."""
    found = rule.methods or set()
    return sorted(found - {"HEAD"} if "GET" in found else found)


def _forms(said: Description) -> Iterable[type[msgspec.Struct]]:
    bodies = [body for reply in said.replies.values() for body in reply.bodies]
    return [body.form for body in (*bodies, *said.takes) if body.form is not None]


def _path(rule: Rule) -> str:
    return re.sub(r"<(?:[a-z]+:)?([a-z]+)>", r"{\1}", rule.rule)


def _operation(rule: Rule, view: Callable[..., Any], said: Description, method: str) -> dict[str, Any]:
    first, _, rest = inspect.cleandoc(view.__doc__ or "").partition("\n")
    found: dict[str, Any] = {"operationId": rule.endpoint, "summary": first.removesuffix(".")}
    if rest.strip():
        found["description"] = " ".join(rest.split())
    parts = [_part(said.path.get(name) or PATH[name], "path") for name in _in_order(rule)]
    parts += [_part(part, "query") for part in said.query] + [_part(part, "header") for part in said.headers]
    if parts:
        found["parameters"] = parts
    if said.takes:
        found["requestBody"] = {"required": True, "content": _content(said.takes)}
    refused = {*ANY, *said.refuses, *(WITH_BODY if method in ("POST", "PATCH") else ())}
    answers = {status: _reply(reply) for status, reply in said.replies.items()}
    answers |= {status: _refusal(status) for status in refused - answers.keys()}
    return {**found, "responses": {str(status): answers[status] for status in sorted(answers)}}


def _in_order(rule: Rule) -> list[str]:
    return sorted(rule.arguments, key=rule.rule.index)


def _part(part: Part, where: str) -> dict[str, Any]:
    said = {"name": part.name, "in": where, "description": part.about, "schema": dict(part.schema)}
    return {**said, "required": True} if part.required or where == "path" else said


def _content(bodies: Iterable[Body]) -> dict[str, Any]:
    return {body.kind: {"schema": _schema(body)} if body.form is not None else {} for body in bodies}


def _schema(body: Body) -> Mapping[str, Any]:
    assert body.form is not None
    return {"$ref": f"#/components/schemas/{body.form.__name__}"}


def _reply(reply: Reply) -> dict[str, Any]:
    found: dict[str, Any] = {"description": reply.about}
    if reply.headers:
        found["headers"] = {name: _header(HEADERS[name]) for name in reply.headers}
    if reply.bodies:
        found["content"] = _content(reply.bodies)
    return found


def _header(part: Part) -> dict[str, Any]:
    return {"description": part.about, "schema": dict(part.schema), "required": part.required}


def _refusal(status: int) -> dict[str, Any]:
    # What answers nothing but its headers (HEAD) has no content, and says the same with its status.
    return {"$ref": "#/components/responses/Problem", "description": HTTPStatus(status).phrase.lower()}


def _problem() -> dict[str, Any]:
    about = "what was refused, by which rule, and what to do"
    return {"description": about, "content": _content([Body(PROBLEM, Problem)])}
