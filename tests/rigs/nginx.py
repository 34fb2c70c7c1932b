"""Debian's nginx before a store, by the project's own deploy/nginx.conf: addresses are changed, and nothing else.

The certificates are made here and thrown away.
"""

import contextlib
import http.client
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.rigs.components import path_of
from tests.stores import REPOSITORY, Answer

CONFIGURATION = REPOSITORY / "deploy" / "nginx.conf"
NAME = "store.example"
PATIENCE = 30.0  # seconds


@dataclass(frozen=True)
class Maker:
    """A throw-away certificate authority."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def file(self) -> Path:
        """Its certificate."""
        return self.folder / "authority.pem"

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate for this name, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        found = _certificate(name, key, self.certificate.subject, self.key, is_authority=False)
        return _saved(self.folder / f"{name}.pem", found), _saved_key(self.folder / f"{name}.key", key)


def make_authority(folder: Path) -> Maker:
    """A new one; its files are in this folder."""
    folder.mkdir(exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "throw-away")])
    found = Maker(folder, key, _certificate("throw-away", key, subject, key, is_authority=True))
    _saved(found.file, found.certificate)
    return found


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, by: ec.EllipticCurvePrivateKey, *, is_authority: bool
) -> x509.Certificate:
    at = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
    made = made.issuer_name(issuer).public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(at - timedelta(days=1)).not_valid_after(at + timedelta(days=1))
    made = made.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return made.sign(by, hashes.SHA256())


def _saved(path: Path, certificate: x509.Certificate) -> Path:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path


def _saved_key(path: Path, key: ec.EllipticCurvePrivateKey) -> Path:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    return path


@dataclass(frozen=True)
class Nginx:
    """An nginx that answers by TLS on 127.0.0.1."""

    port: int
    maker: Maker

    def context(self, name: str = "") -> ssl.SSLContext:
        """What a client trusts; with a name, it shows a certificate for that."""
        found = ssl.create_default_context(cafile=str(self.maker.file))
        if name:
            found.load_cert_chain(*self.maker.issue(name))
        return found

    def line(self, name: str = "") -> ssl.SSLSocket:
        """A connection, for requests byte by byte."""
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        return self.context(name).wrap_socket(plain, server_hostname=NAME)

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, *, by: str = "", **headers: str) -> Answer:
        """One request; `by` shows a certificate of that name."""
        with self.line(by) as line:
            connection = http.client.HTTPConnection(NAME)
            connection.sock = line
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())


@contextlib.contextmanager
def nginx(folder: Path, store: int, *changes: tuple[str, str]) -> Iterator[Nginx]:
    """Run it until the block ends.

    Args:
        store: port of the store on 127.0.0.1.
        changes: of the configuration, each of a text that stands in it.
    """
    folder.mkdir(exist_ok=True)
    maker = make_authority(folder / "tls")
    maker.issue(NAME)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    text = CONFIGURATION.read_text()
    for old, new in (
        ("/run/nginx.pid", f"{folder}/pid"),
        ("127.0.0.1:8080", f"127.0.0.1:{store}"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/sealring/clients.pem", str(maker.file)),
        ("/etc/sealring/", f"{folder}/tls/"),
        ("/var/cache/nginx/sealring", f"{folder}/cache"),
        *changes,
    ):
        assert old in text, old
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text)
    temporary = "".join(f"{kind}_temp_path {folder}/{kind}; " for kind in ("client_body", "proxy"))
    with_them = text.replace("http {", "http { " + temporary, 1)
    (folder / "nginx.conf").write_text(with_them)
    user = "user root; " if os.geteuid() == 0 else ""
    command = [str(path_of("nginx")), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen([*command, "-g", f"{user}daemon off;"], stdin=subprocess.DEVNULL, stderr=said)
    try:
        _wait(process, port, folder / "said")
        yield Nginx(port, maker)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _wait(process: subprocess.Popen[bytes], port: int, said: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
