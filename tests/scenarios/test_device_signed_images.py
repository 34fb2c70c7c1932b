"""Images of a store that answers only whom it knows: signed requests, checked by the library's verifier (SPEC RD-2)."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import format_datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, MappingKeyResolver, algorithms

from sealring_client.fetch.errors import NoAnswer, Redirected
from sealring_client.fetch.fetcher import Fetcher, Limits
from sealring_client.serial import install_serial, own_key
from sealring_client.signed_request import signed_headers
from tests.front import Asked, Told, front
from tests.scenarios.devices import Rig, image_of, new_device, now
from tests.simulated import SimulatedStore
from tests.world import Key, World

ACCEPT = 'device=("@method" "@authority" "@path");created;keyid'
IMAGE = b"image " * 1000
KEY = Key("device")


@dataclass
class Seen:
    """One request as the server got it, for the library."""

    method: str
    url: str
    headers: dict[str, str]


@dataclass
class Closed:
    """A server of images that knows some keys, with a clock of its own."""

    store: SimulatedStore | None = None
    keys: dict[str, Ed25519PublicKey] = field(default_factory=dict)
    dates: list[str] = field(default_factory=lambda: [format_datetime(datetime.now(UTC), usegmt=True)])
    accept: str | None = ACCEPT
    status_signed: int = 200
    images: list[Seen] = field(default_factory=list)
    url: str = ""

    def knows(self, key: Any) -> None:
        self.keys[key.id] = Ed25519PublicKey.from_public_bytes(key.public)

    def verify(self, seen: Seen) -> Any:
        """Raise `InvalidSignature` unless a key that is known has signed this request."""
        verifier = HTTPMessageVerifier(
            signature_algorithm=algorithms.ED25519,
            key_resolver=MappingKeyResolver(private_keys={}, public_keys=self.keys),
        )
        required = ("@method", "@authority", "@path")
        (found,) = verifier.verify(seen, require_components=required, max_age=timedelta(seconds=300))
        return found

    def answer(self, path: str, headers: Message) -> tuple[int, bytes, dict[str, str]]:
        if "/v1/blobs/" not in path:
            raw = self.store._file(path.lstrip("/")) if self.store is not None else None
            return (200, raw, {}) if raw is not None else (404, b"", {})
        seen = Seen("GET", f"http://{headers['Host']}{path}", dict(headers.items()))
        self.images.append(seen)
        if "Signature" not in seen.headers:
            return 401, b"", {"Accept-Signature": self.accept} if self.accept is not None else {}
        self.verify(seen)
        raw = IMAGE if self.store is None else self.store.files[path.lstrip("/")]
        start = int(headers["Range"].removeprefix("bytes=").split("-")[0]) if "Range" in headers else 0
        if self.status_signed != 200:
            return self.status_signed, b"", {"Location": "/elsewhere"}
        more = {"Content-Range": f"bytes {start}-{len(raw) - 1}/{len(raw)}"} if start else {}
        return 206 if start else 200, raw[start:], more


@contextmanager
def serving(closed: Closed) -> Iterator[Closed]:
    def answer(asked: Asked) -> Told:
        try:
            status, body, more = closed.answer(asked.path, asked.headers)
        except InvalidSignature:
            status, body, more = 401, b"", {"Accept-Signature": ACCEPT}
        return Told(status, body, [*(("Date", date) for date in closed.dates), *more.items()])

    with front(answer) as closed.url:
        yield closed


def fetch(closed: Closed, *, signs: bool = True, offset: int = 0, below: str = "") -> bytes:
    fetcher = Fetcher(closed.url + below, limits=Limits(read_seconds=5, total_seconds=10))
    key = KEY if signs else None
    try:
        stream = fetcher.stream(
            "v1/blobs/" + "ab" * 32,
            offset=offset,
            size=len(IMAGE),
            sign=lambda url, at: signed_headers(url, at, key) if key is not None else None,
        )
        return b"".join(bytes(piece) for piece in stream)
    finally:
        fetcher.close()


def test_the_request_is_signed_once_it_is_asked_for() -> None:
    """SPEC RD-2, RFC 9421: the library that made it and a verifier agree on what was signed, with which key, when."""
    with serving(Closed()) as closed:
        closed.knows(KEY.public)
        assert fetch(closed) == IMAGE
        assert fetch(closed, offset=1000) == IMAGE[1000:]
        assert fetch(closed, below="/shop/a") == IMAGE
        assert ["Signature" in seen.headers for seen in closed.images] == [False, True] * 3
        found = closed.verify(closed.images[1])
        assert found.parameters["keyid"] == KEY.id
        assert set(found.covered_components) == {'"@method"', '"@authority"', '"@path"', '"@signature-params"'}
        assert '"@path": /shop/a/v1/blobs/' in "\n".join(
            f"{name}: {value}" for name, value in closed.verify(closed.images[5]).covered_components.items()
        )


def test_what_was_signed_is_good_for_no_other_image() -> None:
    """SPEC RD-2: who hears a signature can't ask for another path, or another store, with it."""
    with serving(Closed()) as closed:
        closed.knows(KEY.public)
        fetch(closed)
        signed = closed.images[1]
        for url in (signed.url[:-1] + "0", signed.url.replace("127.0.0.1", "127.0.0.2")):
            with pytest.raises(InvalidSignature):
                closed.verify(Seen("GET", url, signed.headers))
        with pytest.raises(InvalidSignature):
            closed.verify(Seen("PUT", signed.url, signed.headers))


def test_the_date_is_the_stores() -> None:
    """SPEC RD-2: a device whose clock is years off is let in all the same; the machine's clock is never asked."""
    there = datetime(2026, 3, 1, 12, tzinfo=UTC)
    headers = signed_headers("https://store.example/v1/blobs/x", there, KEY)
    assert f"created={int(there.timestamp())};" in headers["Signature-Input"]


UNASKED: list[Any] = [
    pytest.param({"accept": None}, id="no signature asked for"),
    pytest.param({"dates": []}, id="no date"),
    pytest.param({"dates": ["Sun, 01 Mar 2026 12:00:00 GMT"] * 2}, id="two dates"),
    pytest.param({"dates": ["yesterday"]}, id="a date that is none"),
    pytest.param({"dates": ["Sun, 99 Mar 2026 12:00:00 GMT"]}, id="a day that is none"),
    pytest.param({"dates": ["Sun, 01 Mar 99999999999 12:00:00 GMT"]}, id="a year that is none"),
]


@pytest.mark.parametrize("change", UNASKED)
def test_nothing_is_signed_that_was_not_asked_for_rightly(change: dict[str, Any]) -> None:
    """SPEC RD-2: a bare 401 gets no name of the device out of it."""
    with serving(Closed(**change)) as closed:
        closed.knows(KEY.public)
        with pytest.raises(NoAnswer) as refused:
            fetch(closed)
        assert refused.value.reason == "status 401"
        assert len(closed.images) == 1


def test_a_store_that_is_never_content_is_asked_twice_and_no_more() -> None:
    """SPEC RD-2, HF-1, HF-2: neither a second 401 nor a redirect of the signed request leads anywhere."""
    with serving(Closed()) as closed:  # it knows nobody
        with pytest.raises(NoAnswer):
            fetch(closed)
        assert len(closed.images) == 2
        closed.knows(KEY.public)
        closed.status_signed = 307
        with pytest.raises(Redirected):
            fetch(closed)
        with pytest.raises(NoAnswer):
            fetch(closed, signs=False)


@pytest.fixture
def shop() -> Iterator[tuple[World, Closed, Rig]]:
    """A closed store with one release, and a device of it that has a key and no serial."""
    world = World(at=now())
    store = SimulatedStore(world.root_id, world.at)
    with serving(Closed(store)) as closed, new_device() as rig:
        seed = [world.signed(one) for one in (world.brand(), world.model(), world.store(closed.url, store.pin))]
        software = [world.signed(world.revision(1, image_of("closed"))), world.signed(world.release(1))]
        store.publish([*seed, *software], [image_of("closed")])
        rig.provision(world.root, seed)
        yield world, closed, rig


def test_a_device_with_a_serial_installs_from_a_closed_store(shop: tuple[World, Closed, Rig]) -> None:
    """SPEC RD-2, SN-1: before the brand has named it, it signs nothing, and says that nobody lets it in."""
    world, closed, rig = shop
    public = own_key(rig.device, None)
    closed.knows(public)
    report = rig.refresh()
    assert (report.outcome, report.exit_code) == ("failed", 10)
    assert not any("Signature" in seen.headers for seen in closed.images)
    install_serial(rig.device, world.signed(world.serial(public)).raw, rig.at)
    assert rig.refresh().outcome == "installed"
    assert rig.says() == "closed"
    assert closed.verify(closed.images[-1]).parameters["keyid"] == public.id


def test_the_library_is_loaded_for_a_closed_store_only() -> None:
    """SPEC DV-8: a device pays for it when it is asked to sign, and a poll, check or refresh never."""
    code = "import sys, sealring_client.command.main, sealring_client.refresh; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "'sealring_client.refresh'" in done.stdout
    assert "http_message_signatures" not in done.stdout
