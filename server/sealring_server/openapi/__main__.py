"""Print the OpenAPI document of this edition: `python -m sealring_server.openapi > docs/openapi.json`."""

import sys

from flask import Flask

from sealring_server.app import add_routes
from sealring_server.openapi.route import spelled

if __name__ == "__main__":
    app = Flask("sealring_server", static_folder=None)
    add_routes(app)
    sys.stdout.buffer.write(spelled(app))
