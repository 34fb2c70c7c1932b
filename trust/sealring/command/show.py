"""`sealring show`: what any file of this product says, in plain words. It decides nothing."""

from collections.abc import Callable
from pathlib import Path

import click

from sealring.bundle import ImageEntry, PathEntry, ProofEntry, Reader, StatementEntry, TufEntry, ViewEntry, open_entries
from sealring.bundle.form import MAGIC
from sealring.catalogue.entry import parse_entry
from sealring.catalogue.view import parse_view
from sealring.chain import read_claim
from sealring.command.files import EXISTING, about, read_file
from sealring.command.key import key_rows
from sealring.command.meaning import describe, describe_key
from sealring.command.output import Output, Row, Sheet
from sealring.command.outside import Outside
from sealring.errors import TrustError
from sealring.keyfile import parse_key_file, parse_public_file
from sealring.names import spell
from sealring.strict import Malformed

ANY_SIZE = 2**63 - 1
PROOF_VERSION = b"\x01"


@click.command(
    **about(
        "Explain any file in plain words. An assertion, key, bundle, proof, view, catalogue.json or TUF file; nothing"
        " is verified: `sealring verify` does that.",
        "sealring show release-2.json",
        "sealring show alice.pub",
        "sealring show update.bundle",
    )
)
@click.argument("file", type=EXISTING)
@click.pass_obj
def show(outside: Outside, file: Path) -> None:
    """One file."""
    Output(outside).sheet(explain(file))


def explain(path: Path) -> Sheet:
    """What the file is and says.

    Raises:
        TrustError: when it is nothing that this edition knows, or is damaged.
    """
    raw = read_file(path)
    if raw.startswith(MAGIC):
        with open(path, "rb") as stream:
            return Sheet("bundle", bundle_rows(stream), ("entry", "what", "size"))
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
            case ImageEntry(digest, size):
                rows.append(("image", digest.hex(), f"{size} bytes"))
    return rows


def _statement(raw: bytes) -> str:
    claim = read_claim(raw)
    return f"{claim.statement.title}, sequence {claim.statement.sequence}, {len(claim.envelope.signatures)} signatures"


def _assertion(raw: bytes) -> Sheet:
    claim = read_claim(raw)
    rows: list[Row] = list(describe(claim.statement))
    rows += [("id", claim.envelope.id), ("envelope SHA-256", claim.envelope.digest)]
    rows += [("signature by key", key) for key in claim.envelope.signatures] or [("signatures", "none: a draft")]
    return Sheet(f"assertion, not verified: {claim.statement.title}", rows)


def _key_file(raw: bytes) -> Sheet:
    return Sheet("key file (its secret is encrypted)", list(key_rows(parse_key_file(raw, "file"))))


def _public(raw: bytes) -> Sheet:
    return Sheet("public key", list(describe_key(parse_public_file(raw))))


def _catalogue(raw: bytes) -> Sheet:
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
    return Sheet("a store's catalogue entry, not verified", rows)


def _view(raw: bytes) -> Sheet:
    view = parse_view(raw)
    rows = [
        (f"{kind} {subject}", f"format {number}, sequence {head.sequence}", head.envelope.hex())
        for (kind, number, subject), head in view.heads.items()
    ]
    return Sheet(f"view of model {view.model}, not verified", list(rows), ("statement", "current", "envelope SHA-256"))


def _tuf(raw: bytes) -> Sheet:
    from sealring.command.tuf_files import describe_tuf

    return Sheet("TUF metadata of a store, not verified", list(describe_tuf(raw)))


def _proof(raw: bytes) -> Sheet:
    meaning = "answers only together with the map root and the keys that were asked for"
    return Sheet("proof of a store's map", [("means", meaning), ("size", f"{len(raw)} bytes")])


_READERS: list[tuple[bytes, Callable[[bytes], Sheet]]] = [
    (b'{"payload":', _assertion),
    (b'{"format":1,"name":', _key_file),
    (b'{"name":', _public),
    (b'{"format":', _catalogue),
    (b"{", _tuf),
    (PROOF_VERSION, _proof),
]
