"""Images of a closed store: who gets them, and who does not, whatever he sends (SPEC RD-2)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any

import pytest
from flask.testing import FlaskClient
from http_message_signatures import HTTPMessageSigner, algorithms
from werkzeug.test import TestResponse

from sealring_client.signed_request import signed_headers
from sealring_server.app import create_app
from sealring_server.here import open_store
from sealring_server.reading.closed import check_not_both
from sealring_server.reading.errors import ACCEPT, ClosedWithPackages
from sealring_server.reading.serial_keys import serials_of
from sealring_server.tuf_packages import turn_on
from tests.stores import next_software
from tests.unit.server.conftest import Shop
from tests.world import Key

URL = "http://127.0.0.1:1"  # as the `store` statement says; what the request's Host says is nobody's word
IMAGE, OTHER = b"image 1", b"an app of another model"
DEVICE, THIEF = Key("device-1"), Key("thief")
WINDOW = 300


def digest(image: bytes) -> str:
    return sha256(image).hexdigest()


def path(image: bytes = IMAGE) -> str:
    return f"/v1/blobs/{digest(image)}"


@dataclass
class Front:
    """A closed store with one device of acme/door-1, asked through its app."""

    shop: Shop
    client: FlaskClient

    def signed(
        self, image: bytes = IMAGE, key: Key = DEVICE, at: datetime | None = None, url: str = URL
    ) -> dict[str, str]:
        """What a device sends: the device's own code makes it."""
        return dict(signed_headers(url + path(image), at or self.shop.at, key))

    def get(self, headers: Mapping[str, str], image: bytes = IMAGE, method: str = "GET") -> TestResponse:
        return self.client.open(path(image), method=method, headers=dict(headers))

    def refused(self, headers: Mapping[str, str], image: bytes = IMAGE, method: str = "GET") -> str:
        """Why it was refused: always by 401, with all that a device needs to sign rightly."""
        answer = self.get(headers, image, method)
        assert answer.status_code == 401
        assert answer.headers["Accept-Signature"] == ACCEPT
        assert answer.headers["Cache-Control"] == "no-store"
        assert parsedate_to_datetime(answer.headers["Date"]) == self.shop.at
        if method == "HEAD":
            return ""
        found = answer.get_json()
        assert found["rule"] == "RD-2"
        assert digest(image) not in answer.text
        return str(found["detail"])


@pytest.fixture
def front(shop: Shop) -> Front:
    shop.first(IMAGE)
    world = shop.world
    shop.publish([world.signed(world.serial(DEVICE.public))])
    return Front(shop, close(shop))


def close(shop: Shop) -> FlaskClient:
    """Make it a closed store, as its operator does."""
    (shop.folder / "store.toml").write_text("[reading]\nclosed = true\n")
    shop.here.database.close()
    shop.here = open_store(shop.folder, lambda: shop.at, shop.limits)
    return create_app(shop.here).test_client()


def test_a_device_that_runs_it_gets_it_and_no_cache_keeps_it(front: Front) -> None:
    """RD-2: whole, a part of it, and its head; each answer is for this one only."""
    for asked, expected in (({}, IMAGE), ({"Range": "bytes=2-4"}, IMAGE[2:5])):
        answer = front.get({**front.signed(), **asked})
        assert answer.data == expected
        assert answer.headers["Cache-Control"] == "private, no-store"
    assert front.get(front.signed(), method="GET").headers["ETag"] == f'"{digest(IMAGE)}"'


def test_everything_else_is_answered_as_ever(front: Front) -> None:
    """RD-2: nothing of what devices verify by depends on who asks."""
    for where in ("/tuf/timestamp.json", "/tuf/1.root.json", "/v1/heads/model/1/acme/door-1", "/v1/authorities/acme"):
        answer = front.client.get(where)
        assert answer.status_code == 200
        assert "private" not in answer.headers["Cache-Control"]


def test_a_stranger_gets_nothing_and_learns_nothing(front: Front) -> None:
    """RD-2: whether an image is here is answered in the same way as whether one is not."""
    here, nowhere = front.refused({}), front.refused({}, b"never published")
    assert here == nowhere
    assert "no signature" in front.refused({"Signature": front.signed()["Signature"]})
    assert "no signature" in front.refused({"Signature-Input": front.signed()["Signature-Input"]})


def test_a_name_that_is_no_digest_is_not_there(front: Front) -> None:
    """HT-3: and costs no look at any signature."""
    assert front.client.get("/v1/blobs/" + "a" * 63, headers=front.signed()).status_code == 404


def test_a_key_that_no_serial_names_opens_nothing(front: Front) -> None:
    """RD-2: anybody can make a key."""
    assert "a key of no serial" in front.refused(front.signed(key=THIEF))
    named = front.signed(key=THIEF)["Signature-Input"].replace(THIEF.id, DEVICE.id)
    thief = {**front.signed(key=THIEF), "Signature-Input": named}
    assert "image: " in front.refused(thief)


def test_a_brands_own_key_is_no_devices(front: Front) -> None:
    """RD-2: it signs statements, and no requests."""
    assert "a key of no serial" in front.refused(front.signed(key=front.shop.world.brand_keys("acme")[0]))


def test_what_was_signed_for_one_image_opens_no_other(front: Front) -> None:
    """RD-2: whoever hears a request can repeat it, and nothing else, for five minutes."""
    heard = front.signed(IMAGE)
    assert front.get(heard).status_code == 200
    assert front.get(heard).status_code == 200  # it reads, and changes nothing
    front.shop.publish(next_software(front.shop.world, b"image 2", 2), [b"image 2"])
    assert front.get(front.signed(b"image 2"), b"image 2").status_code == 200
    front.refused(heard, b"image 2")
    assert "does not name" in front.refused(heard)  # and no longer what the view has left behind


def test_an_image_of_another_model_is_not_this_devices(front: Front) -> None:
    """RD-2: a device of one model reads nothing of what another one runs."""
    world = front.shop.world
    statements = [
        world.signed(world.revision(1, OTHER, package="pump")),
        world.signed(world.release(1, package="pump")),
    ]
    front.shop.publish(statements, [OTHER])
    assert "does not name" in front.refused(front.signed(OTHER), OTHER)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_is_of_about_now(front: Front, minutes: int) -> None:
    """RD-2: one that was heard long ago is over, and one for later can't be kept for then."""
    at = front.shop.at + timedelta(minutes=minutes)
    assert "another time" in front.refused(front.signed(at=at))
    assert front.get(front.signed(at=front.shop.at + timedelta(seconds=WINDOW * minutes / 6))).status_code == 200


@pytest.mark.parametrize(
    "url", ["http://mirror.example", "http://127.0.0.1:2", "https://127.0.0.1:1/shop", "http://127.0.0.1"]
)
def test_what_was_signed_for_another_store_opens_nothing(front: Front, url: str) -> None:
    """RD-2: a hostile mirror passes on what a device signed for it, and says any Host that it likes."""
    host = url.partition("://")[2].partition("/")[0]
    assert "image: " in front.refused({**front.signed(url=url), "Host": host})


def test_a_proxy_may_pass_on_any_host_and_path(front: Front) -> None:
    """RD-2: what counts is the address in the `store` statement, as the device asked it."""
    world = front.shop.world
    moved = world.store("https://images.example/acme", front.shop.pin, sequence=2)
    front.shop.publish([world.signed(moved)])
    assert front.get({**front.signed(url="https://images.example/acme"), "Host": "inner:80"}).status_code == 200
    front.refused(front.signed(url=URL))


def test_the_method_is_signed(front: Front) -> None:
    """RD-2: a GET's signature is no HEAD's."""
    front.refused(front.signed(), method="HEAD")


def test_a_revoked_serial_opens_nothing_more(front: Front) -> None:
    """RD-2, RK-2: from the entry on that brings the list."""
    world = front.shop.world
    assert front.get(front.signed()).status_code == 200
    front.shop.publish([world.signed(world.revocations(1, ("serial acme/door-1/SN-1", "keep")))])
    assert "revoked" in front.refused(front.signed())


def test_an_expired_serial_opens_nothing_more(front: Front) -> None:
    """RD-2: by the store's clock."""
    world = front.shop.world
    soon = world.serial(Key("device-2").public, "second", expires=front.shop.at + timedelta(hours=1))
    front.shop.publish([world.signed(soon)])
    assert front.get(front.signed(key=Key("device-2"))).status_code == 200
    front.shop.later(hours=1)
    assert "expired" in front.refused(front.signed(key=Key("device-2")))


def test_another_key_in_the_serial_ends_the_first(front: Front) -> None:
    """RD-2: a device that was given a new key; whoever has the old one has nothing."""
    world = front.shop.world
    front.shop.publish([world.signed(world.serial(Key("device-1b").public, sequence=2))])
    assert front.get(front.signed(key=Key("device-1b"))).status_code == 200
    front.refused(front.signed())


def test_naming_a_devices_key_often_does_not_lock_it_out(front: Front) -> None:
    """RD-2: another brand names the same key in serials of its own; a key is known once its own serial is."""
    world = front.shop.world
    crowd = [world.serial(DEVICE.public, f"A-{n:03}", model="door-0") for n in range(80)]
    front.shop.publish([world.signed(world.model("door-0")), *map(world.signed, crowd)])
    with front.shop.here.database.reading() as connection:
        found = serials_of(connection, DEVICE.id)
    assert (len(found), found[0]) == (64, "acme/door-1/SN-1")
    assert front.get(front.signed()).status_code == 200


def changed(change: Callable[[str], str]) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda headers: {**headers, "Signature-Input": change(headers["Signature-Input"])}


def twice(headers: dict[str, str]) -> dict[str, str]:
    """Two signatures, the second by a thief."""
    return {
        "Signature-Input": f"{headers['Signature-Input']}, {headers['Signature-Input'].replace('device', 'other', 1)}",
        "Signature": f"{headers['Signature']}, {headers['Signature'].replace('device', 'other', 1)}",
    }


BENT: list[Any] = [
    pytest.param(changed(lambda said: said.replace('"@path"', "")), id="path not covered"),
    pytest.param(changed(lambda said: said.replace('"@method" ', "")), id="method not covered"),
    pytest.param(changed(lambda said: said.replace(' "@authority"', "")), id="authority not covered"),
    pytest.param(changed(lambda said: re.sub(r";created=[0-9]+", "", said)), id="no date"),
    pytest.param(changed(lambda said: re.sub(r"created=[0-9]+", 'created="now"', said)), id="a date that is none"),
    pytest.param(changed(lambda said: re.sub(r"created=[0-9]+", "created=1", said)), id="a date of 1970"),
    pytest.param(changed(lambda said: re.sub(r";keyid=.*", "", said)), id="no key"),
    pytest.param(changed(lambda said: said + f';keyid="{DEVICE.id}"'), id="two keys"),
    pytest.param(changed(lambda said: said + ';alg="hmac-sha256"'), id="another algorithm"),
    pytest.param(changed(lambda said: said + ";expires=1"), id="expired"),
    pytest.param(changed(lambda said: said + ";strange=1"), id="an unknown parameter"),
    pytest.param(changed(lambda said: said.replace("device=", "other=", 1)), id="other labels"),
    pytest.param(changed(lambda said: said + "x" * 600), id="too long"),
    pytest.param(changed(lambda said: said + ";nonce=" + "(" * 200), id="deep"),
    pytest.param(changed(lambda _: f'device=();keyid="{DEVICE.id}"'), id="nothing covered"),
    pytest.param(changed(lambda _: f'device=1;keyid="{DEVICE.id}"'), id="no list"),
    pytest.param(lambda headers: {**headers, "Signature": "device=:AAAA:"}, id="no signature of that length"),
    pytest.param(lambda headers: {**headers, "Signature": "device=" + ":" * 5000}, id="a huge signature"),
    pytest.param(lambda headers: {**headers, "Signature": "device=1"}, id="a signature that is none"),
    pytest.param(lambda headers: {**headers, "Signature": "\xff\xfe"}, id="bytes that are no text"),
    pytest.param(twice, id="two signatures"),
]


@pytest.mark.parametrize("bend", BENT)
def test_a_bent_signature_opens_nothing(front: Front, bend: Callable[[dict[str, str]], dict[str, str]]) -> None:
    """RD-2, RFC 9421: less covered, more said, other forms; the answer is the same 401, and never a fault."""
    front.refused(bend(front.signed()))


def test_less_than_all_is_not_enough_even_if_it_was_signed(front: Front) -> None:
    """RD-2: a device that leaves the path out would have signed for every image."""

    class Request:
        method, url = "GET", URL + path()

        def __init__(self) -> None:
            self.headers: dict[str, str] = {}

    for covered in (("@method", "@authority"), ("@method", "@path"), ("@authority", "@path"), ("@method",)):
        request, library = Request(), HTTPMessageSigner(signature_algorithm=algorithms.ED25519)
        draft = library.prepare(
            request, key_id=DEVICE.id, created=front.shop.at, include_alg=False, covered_component_ids=covered
        )
        library.apply(request, draft, DEVICE.sign(draft.signature_base))
        assert "was not covered" in front.refused(request.headers)


def test_closed_and_packages_contradict(front: Front) -> None:
    """RD-2, TF-11: clients that know TUF only can't sign; the operator is told before anything is served."""
    here = front.shop.here
    check_not_both(here)
    with pytest.raises(ClosedWithPackages):
        turn_on(here)
    (front.shop.folder / "store.toml").unlink()
    assert turn_on(open_store(front.shop.folder, lambda: front.shop.at))
    with pytest.raises(ClosedWithPackages) as refused:
        check_not_both(here)
    assert "tuf packages DIR off" in refused.value.hint()
    # Switched on beneath a running closed store: its images stay closed there too.
    answer = front.client.get(f"/tuf/targets/{digest(IMAGE)}.acme~tool~1~amd64.img")
    assert answer.status_code == 401
