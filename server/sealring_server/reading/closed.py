"""Whether a request for an image comes from a device that runs it (SPEC RD-2).

The chain is judged at each request, by the keys of today and the store's clock: what was revoked a moment ago opens
nothing. Only what a view names is remembered, under the view's digest.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, select

from sealring.authentic import read_claim
from sealring.catalogue.leaf import Head
from sealring.moment import Moment
from sealring.statement import Model, RevisionStatement, SerialStatement, Store
from sealring_server.grounds import Grounds
from sealring_server.held import AT_ONCE, Held, batched
from sealring_server.here import StoreHere
from sealring_server.prepared import Prepared
from sealring_server.reading.errors import ClosedWithPackages, NotSigned
from sealring_server.reading.serial_keys import serials_of
from sealring_server.reading.signed import BadSignature, Signed, check_signed, read_signed
from sealring_server.reports.intake import is_pinned, serial_of
from sealring_server.schema import statements, view_rows, views
from sealring_server.tuf_repo import has_packages

KEPT: Final = 200_000  # images remembered in one process, of however many models: 20 MB

_VIEW = Prepared(select(views.c.digest).where(views.c.model == bindparam("model"), views.c.until.is_(None)))
_REVISIONS = Prepared(
    select(view_rows.c.value).where(view_rows.c.model == bindparam("model"), view_rows.c.type == "revision")
)
_STATEMENTS = select(statements.c.raw).where(statements.c.envelope.in_(bindparam("envelopes", expanding=True)))


class Readers:
    """Who may read what, for one process and all of its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._images: OrderedDict[tuple[str, str], frozenset[bytes]] = OrderedDict()
        self._number = 0

    def check(self, here: StoreHere, method: str, headers: Mapping[str, str], digest: str) -> None:
        """Raise unless this request for an image was signed by a device whose model's view names it.

        The same request again is let in for as long as its signature is of about now: it reads, and changes nothing.

        Args:
            digest: of the image, 64 hex digits.

        Raises:
            NotSigned.
        """
        at = here.clock()
        try:
            signed = read_signed(method, headers)
            with here.database.reading() as connection:
                self._check(Held(connection), here.grounds, signed, digest, at)
        except BadSignature as err:
            raise NotSigned(str(err), at) from None

    def _check(self, held: Held, grounds: Grounds, signed: Signed, digest: str, at: datetime) -> None:
        why = "a key of no serial that the store holds"
        for subject in serials_of(held.connection, signed.key_id):
            serial = _serial(held, subject)
            if serial is None or serial.key.id != signed.key_id:
                continue  # it names another key by now
            model = subject.rpartition("/")[0]
            if bytes.fromhex(digest) not in self._of_model(held.connection, model):
                why = "an image that the view of this device's model does not name"
                continue
            check_signed(signed, serial.key, [f"{url}/v1/blobs/{digest}" for url in _addresses(held, model)], at)
            # Last, since it costs most. RD-2: expired, revoked, or nobody vouches for it any more.
            if serial_of(held, grounds, subject, Moment(at)) is not None:
                return
            why = "a serial that is expired, revoked, or no longer vouched for"
        raise BadSignature(why)

    def _of_model(self, connection: Connection, model: str) -> frozenset[bytes]:
        rows = _VIEW.rows(connection, {"model": model})
        if not rows:
            return frozenset()
        key = (model, str(rows[0][0]))
        with self._lock:
            if (known := self._images.get(key)) is not None:
                self._images.move_to_end(key)
                return known
        found = frozenset(_named_images(connection, model))
        with self._lock:
            if key not in self._images:
                self._images[key] = found
                self._number += len(found) + 1
            while self._number > KEPT and len(self._images) > 1:
                self._number -= len(self._images.popitem(last=False)[1]) + 1
        return found


def check_not_both(here: StoreHere) -> None:
    """Refuse a store that is closed and open (SPEC RD-2, TF-11).

    Raises:
        ClosedWithPackages.
    """
    if here.settings.reading.closed:
        with here.database.reading() as connection:
            if has_packages(connection):
                raise ClosedWithPackages


def _named_images(connection: Connection, model: str) -> Iterator[bytes]:
    rows = _REVISIONS.rows(connection, {"model": model})
    envelopes = sorted(Head.from_bytes(value).envelope.hex() for (value,) in rows)
    for some in batched(envelopes, AT_ONCE):
        for raw in connection.scalars(_STATEMENTS, {"envelopes": some}):
            revision = read_claim(raw).statement
            if isinstance(revision, RevisionStatement):
                yield bytes.fromhex(revision.image.sha256)


def _serial(held: Held, subject: str) -> SerialStatement | None:
    raw = held.current("serial", subject)
    found = read_claim(raw).statement if raw is not None else None
    return found if isinstance(found, SerialStatement) else None


def _addresses(held: Held, model: str) -> Iterator[str]:
    """Where devices of this model ask this very store: by `store` statements that pin a root of its TUF chain.

    So what a device signed for another store opens nothing here, whatever host a stranger claims; and a proxy may
    pass any host and path on.
    """
    raw = held.current("model", model)
    said = read_claim(raw).statement if raw is not None else None
    if not isinstance(said, Model):
        return
    for name in said.stores:
        raw = held.current("store", name)
        store = read_claim(raw).statement if raw is not None else None
        if isinstance(store, Store) and is_pinned(held.connection, store):
            yield from (url.rstrip("/") for url in store.urls)
