"""`sealring show`: what any file of this product says, in plain words. It decides nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from sealring.bundle import (
    HaltEntry,
    ImageEntry,
    PathEntry,
    ProofEntry,
    Reader,
    ReportEntry,
    StatementEntry,
    TufEntry,
    ViewDifferenceEntry,
    ViewEntry,
    open_entries,
)
from sealring.bundle.form import MAGIC
from sealring.catalogue.entry import parse_entry
from sealring.catalogue.view import parse_view
from sealring.chain import read_claim
from sealring.command.files import EXISTING, about, json_option, read_file
from sealring.command.key import key_rows
from sealring.command.meaning import describe, describe_key
from sealring.command.objects import Object, key_object, rows_object, statement_object
from sealring.command.output import Output, Row, Sheet, counted
from sealring.command.outside import Outside
from sealring.errors import TrustError
from sealring.halt import parse_halt
from sealring.keyfile import parse_key_file, parse_public_file
from sealring.names import spell
from sealring.report import open_report
from sealring.request.form import BEGINS, parse_request
from sealring.statement import UnknownFormat
from sealring.strict import Malformed

ANY_SIZE = 2**63 - 1
PROOF_VERSION = b"\x01"
BUNDLE_HEADS = ("entry", "what", "size")


@dataclass(frozen=True)
class Explained:
    """A file's meaning, for people and for `--json`."""

    sheet: Sheet
    object: Object


@click.command(
    **about(
        "Explain any file in plain words. An assertion, request, key, bundle, proof, view, catalogue.json or TUF file;"
        " nothing is verified: `sealring verify` does that.",
        "sealring show release-2.json",
        "sealring show alice.pub",
        "sealring show update.bundle",
    )
)
@click.argument("file", type=EXISTING)
@json_option
@click.pass_obj
def show(outside: Outside, file: Path, as_json: bool) -> None:
    """One file."""
    found = explain(file)
    if as_json:
        Output(outside).object(found.object)
    else:
        Output(outside).sheet(found.sheet)


def explain(path: Path) -> Explained:
    """What the file is and says.

    Raises:
        TrustError: when it is nothing that this edition knows, or is damaged.
    """
    raw = read_file(path)
    if raw.startswith(MAGIC):
        with open(path, "rb") as stream:
            rows = bundle_rows(stream)
        return Explained(Sheet("bundle", rows, BUNDLE_HEADS), bundle_object(rows))
    for begin, reader in _READERS:
        if raw.startswith(begin):
            return reader(raw)
    raise Malformed(path.name, "no file of a kind that this edition knows")


def bundle_rows(stream: Reader) -> list[Row]:
    """One row an entry; images are passed over, never kept."""
    rows: list[Row] = []
    for entry in open_entries(stream, image_limit=ANY_SIZE):
        match entry:
            case StatementEntry(data):
                rows.append(("statement", _statement(data), f"{len(data)} bytes"))
            case TufEntry(name, data):
                rows.append(("tuf", name, f"{len(data)} bytes"))
            case ViewEntry(data):
                rows.append(("view", f"of model {parse_view(data).model}", f"{len(data)} bytes"))
            case ProofEntry(root, keys, data):
                rows.append(("proof", f"for {len(keys)} keys under map {root.hex()[:16]}...", f"{len(data)} bytes"))
            case PathEntry(under, sequence, data):
                rows.append(("path", f"entry {sequence} in the log of entry {under}", f"{len(data)} bytes"))
            case ViewDifferenceEntry(base, to, data):
                what = f"from view {base.hex()[:16]}... to {to.hex()[:16]}..."
                rows.append(("difference", what, f"{len(data)} bytes"))
            case ReportEntry(data):
                rows.append(("report", _report(data), f"{len(data)} bytes"))
            case HaltEntry(data):
                halt = parse_halt(data)
                rows.append(("halt", f"of {halt.release} at {spell(halt.time)}, {halt.reason}", f"{len(data)} bytes"))
            case ImageEntry(digest, size):
                rows.append(("image", digest.hex(), f"{size} bytes"))
    return rows


def bundle_object(rows: list[Row]) -> Object:
    """The same rows for `--json`, sizes in bytes."""
    entries = [{"entry": kind, "what": what, "bytes": int(size.split()[0])} for kind, what, size in rows]
    return {"kind": "bundle", "entries": entries}


def _report(raw: bytes) -> str:
    shown = open_report(raw)
    said, signed = shown.report, "signed" if shown.signatures else "not signed"
    return f"{said.number} of a device of {said.model}, {said.event} {said.package} revision {said.revision}, {signed}"


def _statement(raw: bytes) -> str:
    try:
        claim = read_claim(raw)
    except UnknownFormat as newer:
        return str(newer)  # ST-2: the rest of the file is not hidden by it
    signatures = counted(len(claim.envelope.signatures), "signature")
    return f"{claim.statement.title}, sequence {claim.statement.sequence}, {signatures}"


def _assertion(raw: bytes) -> Explained:
    claim = read_claim(raw)
    rows: list[Row] = list(describe(claim.statement))
    rows += [("id", claim.envelope.id), ("envelope SHA-256", claim.envelope.digest)]
    rows += [("signature by key", key) for key in claim.envelope.signatures] or [("signatures", "none: a draft")]
    sheet = Sheet(f"assertion, not verified: {claim.statement.title}", rows)
    return Explained(sheet, {"kind": "assertion", **statement_object(claim)})


def _request(raw: bytes) -> Explained:
    found = parse_request(raw)
    rows = [("to be signed", _statement(claim.envelope.raw), claim.envelope.id) for claim in found.drafts]
    rows += [("context", _statement(claim.envelope.raw), claim.envelope.id) for claim in found.context]
    sheet = Sheet(f"request {found.id}, not verified: `sealring review` does that", list(rows), ("as", "what", "id"))
    drafts = [statement_object(claim) for claim in found.drafts]
    context = [claim.envelope.id for claim in found.context]
    return Explained(sheet, {"kind": "request", "request": found.id, "drafts": drafts, "context": context})


def _key_file(raw: bytes) -> Explained:
    found = parse_key_file(raw, "file")
    sheet = Sheet("key file (its secret is encrypted)", list(key_rows(found)))
    return Explained(sheet, {"kind": "key file", **key_object(found.public_key)})


def _public(raw: bytes) -> Explained:
    found = parse_public_file(raw)
    return Explained(Sheet("public key", list(describe_key(found))), {"kind": "public key", **key_object(found)})


def _catalogue(raw: bytes) -> Explained:
    try:
        entry = parse_entry(raw)
    except TrustError as refused:
        try:
            return _view(raw)
        except TrustError:
            raise refused from None
    rows: list[Row] = [("sequence", str(entry.sequence)), ("made", spell(entry.time)), ("root", entry.root.hex())]
    rows += [("map root", entry.map.hex()), ("leaves of the map", str(entry.size))]
    rows += [("entry before", entry.previous.hex()), ("log of entries", entry.log.hex())]
    return _said("catalogue entry", Sheet("a store's catalogue entry, not verified", rows))


def _view(raw: bytes) -> Explained:
    view = parse_view(raw)
    heads = [
        {"type": kind, "format": number, "subject": subject, "sequence": head.sequence, "envelope": head.envelope.hex()}
        for (kind, number, subject), head in view.heads.items()
    ]
    rows = [
        (f"{kind} {subject}", f"format {number}, sequence {head.sequence}", head.envelope.hex())
        for (kind, number, subject), head in view.heads.items()
    ]
    title = f"view of model {view.model}, not verified"
    sheet = Sheet(title, list(rows), ("statement", "current", "envelope SHA-256"))
    return Explained(sheet, {"kind": "view", "model": view.model, "heads": heads})


def _tuf(raw: bytes) -> Explained:
    from sealring.command.tuf_files import describe_tuf

    return _said("TUF metadata", Sheet("TUF metadata of a store, not verified", list(describe_tuf(raw))))


def _proof(raw: bytes) -> Explained:
    meaning = "answers only together with the map root and the keys that were asked for"
    return _said("proof", Sheet("proof of a store's map", [("means", meaning), ("size", f"{len(raw)} bytes")]))


def _said(kind: str, sheet: Sheet) -> Explained:
    return Explained(sheet, {"kind": kind, **rows_object(sheet.rows)})


_READERS: list[tuple[bytes, Callable[[bytes], Explained]]] = [
    (b'{"payload":', _assertion),
    (BEGINS, _request),
    (b'{"format":1,"name":', _key_file),
    (b'{"name":', _public),
    (b'{"format":', _catalogue),
    (b"{", _tuf),
    (PROOF_VERSION, _proof),
]
