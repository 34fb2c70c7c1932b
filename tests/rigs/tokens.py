"""PKCS#11 tokens for tests: SoftHSM2's, and a TPM 2.0's. Each lives in a folder of its own and ends with its test."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rigs.components import path_of

PIN, OFFICER_PIN = "4711-0815", "31415926"
CURVES = {2: "EC:prime256v1", 3: "EC:secp384r1"}
"""The keys that each token here is given: id and kind, as pkcs11-tool calls it."""


@dataclass(frozen=True)
class Token:
    """A token with keys.

    Args:
        environment: what a program must be started with to find it.
    """

    label: str
    environment: Mapping[str, str]

    def uri(self, key: int) -> str:
        """How `sealring` is told of one of its keys."""
        return f"hsm:{key}?label={self.label}"

    def make_key(self, key: int, kind: str) -> None:
        """One more key pair on it, such as `rsa:2048`."""
        self.tool(
            "--token-label",
            self.label,
            "--login",
            "--pin",
            PIN,
            "--keypairgen",
            "--key-type",
            kind,
            "--id",
            f"{key:02x}",
        )

    def tool(self, *arguments: str) -> str:
        """pkcs11-tool on its module; gives back what it said."""
        command = [str(path_of("pkcs11-tool")), "--module", self.environment["PYKCS11LIB"], *arguments]
        done = subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout


def softhsm(folder: Path, label: str = "root-1") -> Token:
    """A new SoftHSM2 token in this folder, with a P-256 key under 2 and a P-384 key under 3."""
    path_of("softhsm2-util")
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    token = Token(label, {"PYKCS11LIB": str(module("libsofthsm2.so")), "SOFTHSM2_CONF": str(settings)})
    return _with_keys(token)


@contextmanager
def tpm(folder: Path, label: str = "tpm") -> Iterator[Token]:
    """A TPM 2.0 (swtpm) and tpm2-pkcs11 over it, with the same keys, for as long as the block lasts."""
    (folder / "state").mkdir()
    (folder / "store").mkdir()
    running, port = _start_tpm(folder)
    with running:
        environment = {
            "PYKCS11LIB": str(module("libtpm2_pkcs11.so.1")),
            "TPM2_PKCS11_STORE": str(folder / "store"),
            "TPM2_PKCS11_TCTI": f"swtpm:host=127.0.0.1,port={port}",
            "TSS2_LOG": "all+NONE",
        }
        try:
            yield _with_keys(Token(label, environment))
        finally:
            running.kill()


def module(name: str) -> Path:
    """The path of a PKCS#11 module; the test fails where it is missing."""
    for folder in ("/usr/lib/softhsm", *map(str, Path("/usr/lib").glob("*-linux-gnu"))):
        if (found := Path(folder) / name).exists():
            return found
    pytest.fail(f"{name} is missing: run `python3 tests/run.py setup`", pytrace=False)


def _with_keys(token: Token) -> Token:
    token.tool("--slot-index", "0", "--init-token", "--label", token.label, "--so-pin", OFFICER_PIN)
    officer = ("--login", "--login-type", "so", "--so-pin", OFFICER_PIN)
    token.tool("--token-label", token.label, *officer, "--init-pin", "--pin", PIN)
    for key, kind in CURVES.items():
        token.make_key(key, kind)
    return token


def _start_tpm(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A TPM that answers, and its port; its control stands on the next one, where tpm2-tss looks for it."""
    for _ in range(20):
        port = _two_free_ports()
        command = [
            *(str(path_of("swtpm")), "socket", "--tpm2", "--tpmstate", f"dir={folder}/state"),
            *("--server", f"type=tcp,port={port},disconnect", "--ctrl", f"type=tcp,port={port + 1}"),
            *("--flags", "not-need-init,startup-clear"),
        ]
        with open(folder / "swtpm.log", "ab") as log:
            running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        # It ends at once where another program took one of the ports in between.
        while running.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port + 1), timeout=5):
                return running, port
            time.sleep(0.02)
    pytest.fail(f"swtpm does not start: {(folder / 'swtpm.log').read_text()}", pytrace=False)


def _two_free_ports() -> int:
    """The first of two free ports that follow each other."""
    while True:
        with socket.socket() as first, socket.socket() as second, suppress(OSError, OverflowError):
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            second.bind(("127.0.0.1", port + 1))
            return port
