"""The Flask app of one store: thin blueprints over the core, given its world (SPEC HT)."""

from flask import Flask

from sealring_server import answer, log_reads, publish, reads, tus
from sealring_server.backup.taking import refuse_while_stopped
from sealring_server.counting import count_requests
from sealring_server.health import health_routes
from sealring_server.here import StoreHere
from sealring_server.mirror.serving import refuse_writes
from sealring_server.odd import refuse_odd
from sealring_server.openapi import route as openapi_route
from sealring_server.problems import answer_problems
from sealring_server.rate import bound_strangers
from sealring_server.reports import routes as report_routes


def create_app(store: StoreHere) -> Flask:
    """The app that serves this store; one app for one process."""
    app = Flask(__name__, static_folder=None)
    # HT-1: one thing has one URL.
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    app.extensions["sealring"] = store
    # First, so that what the others refuse is counted too.
    count_requests(app, store.failures, store.clock)
    refuse_odd(app)
    bound_strangers(app, store.settings.strangers)
    refuse_while_stopped(app, store)
    add_routes(app)
    refuse_writes(app, store)
    answer_problems(app)
    return app


def add_routes(app: Flask) -> None:
    """All paths of SPEC section 13, and nothing else."""
    # What is not described is not answered: no OPTIONS but that of tus.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    for bp in (reads.bp, log_reads.bp, answer.bp, publish.bp, report_routes.bp, tus.bp, openapi_route.bp):
        app.register_blueprint(bp)
    app.register_blueprint(health_routes(detail=False))
