"""Bytes from a stranger become reports, each of a device that the brand knows or of one that anybody may be (RP-3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, bindparam, select

from sealring.authentic import Verified
from sealring.bundle import ReportEntry, read_bundle
from sealring.chain import Chain
from sealring.envelope import parse_envelope
from sealring.errors import TrustError
from sealring.moment import Moment
from sealring.report import MAX_REPORT_ENVELOPE, MAX_REPORTS, ShownReport, check_signed, open_report, serial_subject
from sealring.statement import SerialStatement, Store, parse_statement
from sealring_server.grounds import Grounds
from sealring_server.held import Held
from sealring_server.prepared import Prepared
from sealring_server.reports.errors import NotForThisStore, OnlyReports
from sealring_server.schema import tuf

MAX_BODY: Final = 64 + MAX_REPORTS * (MAX_REPORT_ENVELOPE + 11)  # bytes; BN-1's first line, heads and end included
_ROOT = Prepared(select(tuf.c.raw).where(tuf.c.role == "root", tuf.c.version == bindparam("version")))


@dataclass(frozen=True)
class Reporter:
    """Who has sent a report, as far as this store can tell.

    `serial` is there exactly where its key has signed and the brand vouches for it now: only then is the device
    counted, under the serial's subject. A thief of one key is one device, whatever names he gives.
    """

    device: str
    model: str
    serial: Verified[SerialStatement] | None


@dataclass(frozen=True)
class Taken:
    """One report and its reporter."""

    reporter: Reporter
    shown: ShownReport


def open_reports(body: bytes) -> list[ShownReport]:
    """The 1 to 64 reports of a bundle, none of them verified.

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    found = read_bundle(body)
    raws = [entry.data for entry in found if isinstance(entry, ReportEntry)]
    if len(raws) != len(found) or not 1 <= len(raws) <= MAX_REPORTS:
        raise OnlyReports(f"{len(raws)} reports among {len(found)} entries")
    return [open_report(raw) for raw in raws]


def judge_reports(held: Held, grounds: Grounds, given: Sequence[ShownReport], moment: Moment) -> list[Taken]:
    """Each report with its reporter; who signed it is judged by what the store holds, at the store's own instant.

    Raises:
        NotForThisStore: one of them was made for another root or store, or of a model that nobody published.
    """
    for store in {one.report.store for one in given}:
        _check_store(held, store)
    for one in given:
        if one.report.root != held.root_id:
            raise NotForThisStore("root", one.report.root[:16], held.root_id[:16])
        # A stranger's reports fill no page with models that nobody ever made.
        if held.current("model", one.report.model) is None:
            raise NotForThisStore("model", one.report.model, "one that is published here")
    return [Taken(_reporter(held, grounds, one, moment), one) for one in given]


def serial_of(held: Held, grounds: Grounds, subject: str, moment: Moment) -> Verified[SerialStatement] | None:
    """The serial that the store holds, where the brand's keys of today vouch for it and nothing ended it (RP-3)."""
    brand = subject.partition("/")[0]
    raw = held.current("serial", subject)
    if raw is None:
        return None
    try:
        chain = grounds.chain(held, {brand})
        return chain.verify(chain.authenticate(raw, SerialStatement, brand), moment, None)
    except TrustError:
        return None


def ends_at(serial: Verified[SerialStatement]) -> int:
    """Until when it stands if nothing else is signed, in seconds since 1970: as long as who vouches for it (AU-6)."""
    ends = serial.statement.expires
    if serial.under:
        ends = min(ends, max(one.statement.expires for one in serial.under))
    return int(ends.timestamp())


def own_stores(held: Held, chain: Chain, brand: str, moment: Moment) -> list[Store]:
    """The brand's current `store` statements that mean this very store: their TUF pin is a root of its chain (TF-8)."""
    found = []
    for subject in held.subjects("store", brand):
        raw = held.current("store", subject)
        if raw is None:
            continue
        try:
            one = chain.verify(chain.authenticate(raw, Store, brand), moment, None).statement
        except TrustError:
            continue
        if is_pinned(held.connection, one):
            found.append(one)
    return found


def _check_store(held: Held, name: str) -> None:
    """RP-1: what was said to one store is not told to another, whoever carries it there."""
    raw = held.current("store", name)
    said = parse_statement(parse_envelope(raw).payload) if raw is not None else None
    if not isinstance(said, Store) or not is_pinned(held.connection, said):
        raise NotForThisStore("store", name, "a name of this store")


def is_pinned(connection: Connection, said: Store) -> bool:
    """Whether this statement means this very store: it pins a root of its TUF chain (TF-8)."""
    rows = _ROOT.rows(connection, {"version": said.tuf.version})
    return bool(rows) and sha256(rows[0][0]).hexdigest() == said.tuf.sha256


def _reporter(held: Held, grounds: Grounds, one: ShownReport, moment: Moment) -> Reporter:
    report, subject = one.report, serial_subject(one.report)
    # What nobody signed costs no look at anybody's keys.
    serial = serial_of(held, grounds, subject, moment) if subject is not None and one.signatures else None
    if subject is None or serial is None:
        return Reporter(report.device, report.model, None)
    try:
        return Reporter(subject, report.model, check_signed(one, serial).serial)
    except TrustError:
        return Reporter(report.device, report.model, None)
