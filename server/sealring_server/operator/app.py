"""The Flask app of the operator's listener: the page, `/metrics` and the health paths (SPEC HT-6)."""

from typing import Any

from flask import Flask, Response, current_app, render_template, request
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from sealring.errors import SealringError
from sealring_server.health import health_routes
from sealring_server.here import StoreHere
from sealring_server.metrics import exposition
from sealring_server.operator import pages, words
from sealring_server.operator.facts import Watch, watch
from sealring_server.operator.guard import guard
from sealring_server.problems import answer_problems, problem


def create_operator_app(store: StoreHere) -> Flask:
    """The app that shows this store to its operator; it reads, and nothing else."""
    _read_only(store)
    app = Flask(__name__)
    app.jinja_env.globals["words"] = words
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["sealring"] = store
    app.extensions["sealring_watch"] = watch(store)
    guard(app, store.settings.operator.header)
    app.register_blueprint(health_routes(detail=True))
    app.register_blueprint(pages.bp)
    answer_problems(app)
    _answer_people(app)

    @app.get("/metrics")
    def metrics() -> Response:
        """All figures, as of now; they are given whatever fails, since they say what fails."""
        kept = app.extensions["sealring_watch"]
        assert isinstance(kept, Watch)
        return Response(exposition(kept.look()), 200, content_type=CONTENT_TYPE_LATEST)

    return app


def _read_only(store: StoreHere) -> None:
    """Let the database itself refuse any write from here; `reading` is read-only on PostgreSQL anyway."""
    if store.database.engine.dialect.name == "sqlite":
        event.listen(store.database.engine, "connect", _query_only)


def _query_only(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA query_only=ON").close()


def _answer_people(app: Flask) -> None:
    """On a page an error is a page: what is not there, and a database that does not answer."""

    @app.errorhandler(404)
    def missing(_err: HTTPException) -> Response:
        if request.path.startswith("/v1/"):
            return problem(404, "not here", "HT-3")
        return _page(404, "There is nothing here", "The address names no page, or what it named is no longer here.")

    @app.errorhandler(SQLAlchemyError)
    def unreadable(_err: SQLAlchemyError) -> Response:
        return _page(503, "The database does not answer", "The overview says what is wrong and what to do.")

    @app.errorhandler(SealringError)
    def refused(err: SealringError) -> Response:
        return _page(503, "This can't be shown now", str(err))


def _page(status: int, title: str, text: str) -> Response:
    folder = current_app.extensions["sealring"].folder
    shown = render_template("error.html", title=title, text=text, store=folder.name)
    return Response(shown, status, content_type="text/html; charset=utf-8")
