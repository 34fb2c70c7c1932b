"""What each `check:` of a vector means, for this implementation (tests/vectors/README.md).

Each procedure takes the vector's parts, and returns what was accepted, as the headers that a vector may state of
it; a refusal is the error that the core raises.
"""

from collections.abc import Callable
from hashlib import sha256
from io import BytesIO

from sealring.authentic import Authentic, read_claim
from sealring.bundle import StatementEntry, open_entries
from sealring.catalogue.entry import parse_entry
from sealring.catalogue.follows import verify_entry
from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.log import verify_inclusion
from sealring.catalogue.proof import verify_proof
from sealring.catalogue.view import parse_view, verify_view
from sealring.catalogue.view_difference import apply_difference, parse_view_difference
from sealring.envelope import parse_envelope
from sealring.floors import Floors, kept
from sealring.halt import check_halt, prove_halt
from sealring.moment import check_time
from sealring.names import instant
from sealring.report import check_signed, open_report
from sealring.statement import (
    TYPES,
    Common,
    Release,
    SerialStatement,
    parse_statement,
)
from sealring.time_floors import TimeFloors
from tests.vectors.device_procedures import agreement, approved, installed, requires, rollout, serial
from tests.vectors.form import Vector
from tests.vectors.taking import Facts, authentic, bare_chain, chain_of, memory, moment_of


def envelope(vector: Vector) -> Facts:
    found = parse_envelope(vector.one("envelope"))
    return {"id": found.id, "digest": found.digest}


def statement(vector: Vector) -> Facts:
    found = parse_statement(vector.one("payload"))
    return {"type": found.type, "subject": found.subject}


def root_walk(vector: Vector) -> Facts:
    chain = chain_of(vector)
    check_time(chain.root.statement, moment_of(vector))
    return {"version": str(chain.root.statement.sequence), "root-id": chain.root_id}


def brand_walk(vector: Vector) -> Facts:
    raws = vector.all("brand")
    chain = chain_of(vector).with_brand(raws)
    name = parse_statement(parse_envelope(raws[-1]).payload).subject
    check_time(chain.brands[name].statement, moment_of(vector))
    return {"sequence": str(chain.brands[name].statement.sequence)}


def chain(vector: Vector) -> Facts:
    kind, authority = TYPES[vector.headers["type"]], vector.headers["authority"]
    floors = Floors.of(bare_chain(vector), [*memory(vector), *vector.all("floor")])
    chain = floors.chain
    found: Authentic[Common] = chain.authenticate(vector.one("statement"), kind, authority)
    seen = authentic(chain, vector.all("seen"))
    times = TimeFloors.of(moment_of(vector), [chain.root, *chain.brands.values(), *seen])
    floors.check(found)
    accepted = chain.verify(found, times.moment_of(found), None)
    under = " ".join(sorted(one.statement.delegation for one in accepted.under))
    return {"subject": accepted.statement.subject, "id": accepted.envelope.id, "under": under}


def remembered(vector: Vector) -> Facts:
    found = kept(authentic(chain_of(vector), vector.all("floor")))
    return {"kept": " ".join(str(one.statement.sequence) for one in found)}


def map_proof(vector: Vector) -> Facts:
    keys = vector.all("key")
    found = verify_proof(vector.one("proof"), vector.one("root"), keys)
    words = ["present" if k in found.present else "removed" if k in found.removed else "absent" for k in keys]
    return {"found": " ".join(words)}


def key_in_map(vector: Vector) -> Facts:
    subject = vector.one("subject").decode("latin-1")
    return {"key": map_key(vector.one("root"), vector.headers["type"], int(vector.headers["format"]), subject).hex()}


def view(vector: Vector) -> Facts:
    leaf = Head.from_bytes(vector.one("leaf"))
    found = verify_view(vector.one("view"), leaf, root=vector.one("root"), model=vector.headers["model"])
    return {"rows": str(len(found.heads))}


def view_difference(vector: Vector) -> Facts:
    found = apply_difference(
        parse_view(vector.one("view")), parse_view_difference(vector.one("difference")), vector.one("to")
    )
    return {"rows": str(len(found.heads))}


def entry(vector: Vector) -> Facts:
    held = [parse_entry(raw) for raw in vector.all("held")]
    paths = vector.all("path")
    found = verify_entry(
        vector.one("entry"),
        root=vector.one("root"),
        held=held[0] if held else None,
        path=paths[0] if paths else b"",
    )
    return {"sequence": str(found.sequence)}


def log(vector: Vector) -> Facts:
    index, size = int(vector.headers["index"]), int(vector.headers["size"])
    verify_inclusion(vector.one("leaf"), index, size, vector.one("path"), vector.one("root"))
    return {}


def bundle(vector: Vector) -> Facts:
    limit = int(vector.headers.get("image-limit", "0"))
    found = list(open_entries(BytesIO(vector.one("bundle")), image_limit=limit))
    digests = [sha256(one.envelope).hexdigest() for one in found if isinstance(one, StatementEntry)]
    return {"entries": str(len(found)), "statements": " ".join(digests)}


def report(vector: Vector) -> Facts:
    shown = open_report(vector.one("report"))
    for raw in vector.all("serial"):
        chain = chain_of(vector)
        found = chain.authenticate(raw, SerialStatement, vector.headers["authority"])
        check_signed(shown, chain.verify(found, moment_of(vector), None))
    return {"number": str(shown.report.number), "event": shown.report.event}


def halt(vector: Vector) -> Facts:
    claim = read_claim(vector.one("release"))
    release, leaf = claim.statement, Head.from_bytes(vector.one("leaf"))
    assert isinstance(release, Release)
    proven = prove_halt(vector.one("halt"), leaf, root=vector.one("root").hex(), release=release.subject)
    seen = instant(vector.headers["seen"]) if "seen" in vector.headers else None
    check_halt(proven, release, claim.envelope.id, instant(vector.headers["at"]), seen=seen)
    return {}


PROCEDURES: dict[str, Callable[[Vector], Facts]] = {
    "envelope": envelope,
    "statement": statement,
    "root-walk": root_walk,
    "brand-walk": brand_walk,
    "chain": chain,
    "kept": remembered,
    "approve": approved,
    "installed": installed,
    "rollout": rollout,
    "serial": serial,
    "agreement": agreement,
    "requires": requires,
    "map-proof": map_proof,
    "map-key": key_in_map,
    "view": view,
    "view-difference": view_difference,
    "entry": entry,
    "log": log,
    "bundle": bundle,
    "report": report,
    "halt": halt,
}
