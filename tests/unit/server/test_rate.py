"""A stranger gets his part of a store and no more (SPEC PB-13)."""

import http.client
import time
from hashlib import sha256
from pathlib import Path

import pytest

from sealring_server.pace import Pace, Paced, TooSlow
from sealring_server.rate import MOST_ADDRESSES, Rate, TooMany, address_of
from sealring_server.settings import Strangers
from tests.stores import RunningStore, ask, begin, make_folder, now, patch, upload
from tests.world import World


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_requests_come_back_at_a_steady_rate() -> None:
    """PB-13: a burst, then as many as the rate gives; another address has its own; the refusal says when."""
    clock = Clock()
    rate = Rate(Strangers(requests=2.0, burst=3), clock)
    for _ in range(3):
        rate.take("a")
    with pytest.raises(TooMany) as caught:
        rate.take("a")
    assert (caught.value.retry_after, caught.value.status) == (1, 429)
    rate.take("b")
    clock.now += 0.5
    rate.take("a")
    with pytest.raises(TooMany):
        rate.take("a")
    rate.give_back("a")
    rate.take("a")
    clock.now += 10**6
    for _ in range(3):
        rate.take("a")
    with pytest.raises(TooMany):
        rate.take("a")


def test_bodies_under_way_are_counted_until_they_end() -> None:
    """PB-13: threads are few, and nobody has all of them."""
    rate = Rate(Strangers(uploads=2))
    rate.begin("a")
    rate.begin("a")
    with pytest.raises(TooMany):
        rate.begin("a")
    rate.begin("b")
    rate.end("a")
    rate.begin("a")


def test_addresses_are_remembered_in_bounded_memory() -> None:
    """PB-13: a million addresses fill nothing."""
    rate = Rate(Strangers(burst=1, requests=0.001))
    for number in range(MOST_ADDRESSES + 1000):
        rate.take(str(number))
    assert len(rate._left) == MOST_ADDRESSES
    with pytest.raises(TooMany):
        rate.take(str(MOST_ADDRESSES))


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxy", "who"),
    [
        ("192.0.2.7", [], "", "192.0.2.7"),
        ("192.0.2.7", ["203.0.113.9"], "", "192.0.2.7"),
        ("192.0.2.7", ["203.0.113.9"], "127.0.0.1", "192.0.2.7"),
        ("127.0.0.1", ["203.0.113.9"], "127.0.0.1", "203.0.113.9"),
        ("127.0.0.1", ["10.0.0.1, 203.0.113.9"], "127.0.0.1", "203.0.113.9"),
        ("127.0.0.1", ["10.0.0.1", "203.0.113.9"], "127.0.0.1", "203.0.113.9"),
        ("127.0.0.1", [], "127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", ["x" * 1000], "127.0.0.1", "unknown"),
        ("2001:db8::1:2:3:4", [], "", "2001:db8::/64"),
        ("2001:db8::5", ["203.0.113.9"], "2001:db8::1", "2001:db8::/64"),
        ("::ffff:192.0.2.7", [], "", "192.0.2.7"),
        ("fe80::1%eth0", [], "", "fe80::/64"),
    ],
)
def test_who_asks_is_what_can_not_be_made_up(peer: str, forwarded: list[str], proxy: str, who: str) -> None:
    """PB-13: what a stranger writes into a header counts for nothing; only the proxy's own addition does."""
    assert address_of(peer, forwarded, proxy) == who


class Drip:
    """A line on which a byte comes now and then."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def read(self, size: int, /) -> bytes:
        assert size
        time.sleep(self.seconds)
        return b"x"


@pytest.mark.timeout(30)
@pytest.mark.parametrize("seconds", [0.01, 20.0], ids=["drips", "stalls"])
def test_a_body_that_drips_is_cut(seconds: float) -> None:
    """HT-4: whoever reads it is free again, though the line is not."""
    with Paced(Drip(seconds), 10**9, Pace(floor=10**6, grace=0.2)) as body, pytest.raises(TooSlow) as caught:
        list(iter(lambda: body.read(100), b""))
    assert caught.value.status == 408


@pytest.mark.timeout(30)
def test_a_body_has_a_longest_time_however_fast_it_comes() -> None:
    """HT-4: an upload goes on with the next request."""
    with Paced(Drip(0.0), 10**9, Pace(floor=1, grace=0.1, longest=0.3)) as body, pytest.raises(TooSlow):
        list(iter(lambda: body.read(100), b""))


# --- over HTTP


@pytest.fixture
def small(tmp_path: Path) -> RunningStore:
    """A store that gives each address little."""
    store = make_folder(World(at=now()), tmp_path / "store")
    with (store.folder / "store.toml").open("a") as file:
        file.write("\n[strangers]\nrequests = 0.01\nburst = 4\n")
    return store


def test_a_stranger_is_throttled_and_readers_are_not(small: RunningStore) -> None:
    """PB-13: 429 with Retry-After as a problem document; what caches may keep is answered as ever."""
    small.start()
    try:
        answers = [ask(small.url, "/v1/publications", "POST", b"rubbish") for _ in range(6)]
        assert [answer.status for answer in answers] == [400] * 4 + [429] * 2
        assert int(answers[-1].headers["retry-after"]) > 0
        assert (answers[-1].problem()["rule"], answers[-1].headers["cache-control"]) == ("PB-13", "no-store")
        assert ask(small.url, "/v1/publications", "POST", b"rubbish", X_Forwarded_For="192.0.2.1").status == 429
        assert all(small.get("/tuf/timestamp.json").status == 200 for _ in range(20))
    finally:
        small.stop()
        small.kill()


def test_tus_says_what_it_is_and_refuses_what_is_not_it(served: RunningStore) -> None:
    """PB-11: version, type, offset; HEAD says how much is here, PATCH goes on from there."""
    image = b"a tus image" * 1000
    digest = sha256(image).hexdigest()
    opened = begin(served.url, [served.world.signed(served.world.revision(90, image))])

    def send(part: bytes, offset: int = 0, **headers: str) -> tuple[int, str]:
        answer = patch(served.url, opened.token, part, offset, digest, **headers)
        assert answer.headers["tus-resumable"] == "1.0.0"
        return answer.status, answer.headers.get("upload-offset", "")

    assert send(b"", method="OPTIONS")[0] == 204
    assert send(image, Tus_Resumable="")[0] == 412
    assert send(image, Tus_Resumable="0.2.2")[0] == 412
    assert send(image, Content_Type="application/octet-stream")[0] == 415
    for offset in ("", "-1", "01", "1e3", "9" * 30):
        assert send(image, Upload_Offset=offset)[0] == 400
    assert send(b"", method="HEAD") == (200, "0")
    assert send(image[:100]) == (204, "100")
    assert send(b"", method="HEAD") == (200, "100")
    refused = patch(served.url, opened.token, image[99:], 99, digest)
    assert (refused.status, refused.problem()["held"], refused.problem()["rule"]) == (409, 100, "PB-11")
    assert send(image[100:] + b"!", 100)[0] == 413
    assert send(image[100:], 100) == (204, str(len(image)))
    assert send(b"", len(image)) == (204, str(len(image)))
    assert ask(served.url, f"/v1/publications/{opened.token}/blobs/{digest}").status == 405
    assert patch(served.url, "00" * 32, image, 0, digest).status == 410


def test_what_came_before_a_line_broke_is_here(served: RunningStore) -> None:
    """PB-11: the sender said 11,000 bytes and went away after 500; another connection goes on."""
    image = b"broken line" * 1000
    digest = sha256(image).hexdigest()
    opened = begin(served.url, [served.world.signed(served.world.revision(91, image))])
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=10)
    connection.putrequest("PATCH", f"/v1/publications/{opened.token}/blobs/{digest}")
    for name, value in (("Tus-Resumable", "1.0.0"), ("Content-Type", "application/offset+octet-stream")):
        connection.putheader(name, value)
    connection.putheader("Upload-Offset", "0")
    connection.putheader("Content-Length", str(len(image)))
    connection.endheaders(image[:500])
    connection.close()
    deadline = time.monotonic() + 20
    there = ""
    while there != "500" and time.monotonic() < deadline:
        there = patch(served.url, opened.token, b"", 0, digest, method="HEAD").headers["upload-offset"]
    assert there == "500"
    assert patch(served.url, opened.token, image[500:], 500, digest).status == 204
    upload(served.url, begin(served.url, [served.world.signed(served.world.revision(92, image))]).token, image)
