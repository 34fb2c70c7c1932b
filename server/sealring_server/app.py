"""The Flask app of one store: thin blueprints over the core, given its world (SPEC HT)."""

from flask import Flask

from sealring_server import answer, log_reads, publish, reads, tus
from sealring_server.backup.taking import refuse_while_stopped
from sealring_server.counting import count_requests
from sealring_server.here import StoreHere
from sealring_server.mirror.serving import refuse_writes
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
    bound_strangers(app, store.settings.strangers)
    refuse_while_stopped(app, store)
    app.register_blueprint(reads.bp)
    app.register_blueprint(log_reads.bp)
    app.register_blueprint(answer.bp)
    app.register_blueprint(publish.bp)
    app.register_blueprint(report_routes.bp)
    app.register_blueprint(tus.bp)
    refuse_writes(app, store)
    answer_problems(app)
    return app
