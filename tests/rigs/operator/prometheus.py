"""Debian's Prometheus over apps of this process: each a target of its own, with the shipped alert rules."""

import http.client
import json
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from socket import create_server
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

RULES = Path(__file__).resolve().parents[3] / "docs" / "alerts.yml"
PROMETHEUS = "/usr/bin/prometheus"
_WAIT = re.compile(r"^(\s+for:) \S+$", re.MULTILINE)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing: what was asked for is what the test asserts."""


@contextmanager
def scraped(apps: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """A Prometheus that scrapes these each second, with the shipped rules but for how long they wait; its address.

    Args:
        apps: WSGI apps by the name of their instance; None for one that nobody answers for.
    """
    text, waits = _WAIT.subn(r"\1 0s", RULES.read_text())
    assert waits == text.count("alert:"), "each rule waits for a while before it fires"
    (folder / "alerts.yml").write_text(text)
    with ExitStack() as closing_all:
        targets = {name: closing_all.enter_context(_answered(app)) for name, app in apps.items()}
        (folder / "prometheus.yml").write_text(_config(targets))
        port = _free_port()
        command = [PROMETHEUS, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error", "--storage.tsdb.retention.time=1h"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        try:
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def firing(address: str) -> dict[str, set[str]]:
    """Which alerts fire now, by instance; nothing before Prometheus answers."""
    try:
        with closing(http.client.HTTPConnection(address, timeout=10)) as connection:
            connection.request("GET", "/api/v1/alerts")
            found = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    by_instance: dict[str, set[str]] = {}
    for one in found["data"]["alerts"]:
        if one["state"] == "firing":
            by_instance.setdefault(one["labels"]["instance"], set()).add(one["labels"]["alertname"])
    return by_instance


def _config(targets: Mapping[str, int]) -> str:
    lines = ["global: {scrape_interval: 1s, evaluation_interval: 1s}", "rule_files: [alerts.yml]", "scrape_configs:"]
    lines += ["  - job_name: sealring", "    static_configs:"]
    for name, port in targets.items():
        lines.append(f"      - {{targets: ['127.0.0.1:{port}'], labels: {{instance: {name}}}}}")
    return "\n".join(lines) + "\n"


@contextmanager
def _answered(app: Any) -> Iterator[int]:
    if app is None:
        yield _free_port()
        return
    with make_server("127.0.0.1", 0, app, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def _free_port() -> int:
    with create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
