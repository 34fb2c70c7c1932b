"""What each `check:` of a vector means, for this implementation (tests/vectors/README.md).

Each procedure takes the vector's parts, and returns what was accepted, as the headers that a vector may state of
it; a refusal is the error that the core raises.
"""

from collections.abc import Callable
from io import BytesIO

from sealring.approve import approve, check_store
from sealring.authentic import Authentic
from sealring.bundle import open_entries
from sealring.catalogue.entry import parse_entry
from sealring.catalogue.follows import verify_entry
from sealring.catalogue.leaf import Head
from sealring.catalogue.log import verify_inclusion
from sealring.catalogue.proof import verify_proof
from sealring.catalogue.view import verify_view
from sealring.chain import Chain, begin_with_root
from sealring.envelope import parse_envelope
from sealring.floors import Floors, reauthenticate
from sealring.furnished import furnished
from sealring.moment import Moment, check_time
from sealring.names import instant
from sealring.statement import TYPES, Common, Model, Release, RevisionStatement, Store, parse_statement
from sealring.time_floors import TimeFloors
from tests.vectors.form import Vector

Facts = dict[str, str]


def _moment(vector: Vector) -> Moment:
    return Moment(instant(vector.headers["at"]), vector.headers.get("proven", "yes") == "yes")


def _chain(vector: Vector) -> Chain:
    """The chain that the parts `anchor`, `root` and `held` build, in the order of the file."""
    chain = Chain(begin_with_root(vector.one("anchor")))
    for name, raw in vector.parts:
        if name == "root":
            chain = chain.with_root(raw)
        if name == "held":
            chain = chain.with_brand([raw])
    return chain


def envelope(vector: Vector) -> Facts:
    found = parse_envelope(vector.one("envelope"))
    return {"id": found.id, "digest": found.digest}


def statement(vector: Vector) -> Facts:
    found = parse_statement(vector.one("payload"))
    return {"type": found.type, "subject": found.subject}


def root_walk(vector: Vector) -> Facts:
    chain = _chain(vector)
    check_time(chain.root.statement, _moment(vector))
    return {"version": str(chain.root.statement.sequence), "root-id": chain.root_id}


def brand_walk(vector: Vector) -> Facts:
    raws = vector.all("brand")
    chain = _chain(vector).with_brand(raws)
    name = parse_statement(parse_envelope(raws[-1]).payload).subject
    check_time(chain.brands[name].statement, _moment(vector))
    return {"sequence": str(chain.brands[name].statement.sequence)}


def chain(vector: Vector) -> Facts:
    kind, authority = TYPES[vector.headers["type"]], vector.headers["authority"]
    floors = Floors.of(_chain(vector), [*vector.all("known"), *vector.all("floor")])
    chain = floors.chain
    found: Authentic[Common] = chain.authenticate(vector.one("statement"), kind, authority)
    seen = [reauthenticate(chain, raw) for raw in vector.all("seen")]
    times = TimeFloors.of(_moment(vector), [chain.root, *chain.brands.values(), *seen])
    floors.check(found)
    accepted = chain.verify(found, times.moment_of(found), None)
    return {"subject": accepted.statement.subject, "id": accepted.envelope.id}


def approved(vector: Vector) -> Facts:
    chain, moment = furnished(_chain(vector), vector.all("known")), _moment(vector)
    package, authority = vector.headers["package"], vector.headers["authority"]
    brand = package.partition("/")[0]
    for one in (chain.root, chain.brands[authority]):
        chain.verify(one, moment, None)
    model = chain.verify(chain.authenticate(vector.one("model"), Model, authority), moment, None)
    for raw in vector.all("store"):
        check_store(chain, chain.authenticate(raw, Store, authority), package)
    before = [chain.authenticate(raw, Release, brand) for raw in vector.all("before")]
    release = chain.authenticate(vector.one("release"), Release, brand)
    found = approve(
        chain,
        model,
        chain.verify(chain.brands[brand], moment, None),
        next(wanted for wanted in model.statement.packages if wanted.package == package),
        chain.verify(release, moment, before[0] if before else None),
        chain.verify(chain.authenticate(vector.one("revision"), RevisionStatement, brand), moment, None),
        before=before[0] if before else None,
    )
    return {"revision": str(found.revision.statement.revision)}


def map_proof(vector: Vector) -> Facts:
    keys = vector.all("key")
    found = verify_proof(vector.one("proof"), vector.one("root"), keys)
    words = ["present" if k in found.present else "removed" if k in found.removed else "absent" for k in keys]
    return {"found": " ".join(words)}


def view(vector: Vector) -> Facts:
    leaf = Head.from_bytes(vector.one("leaf"))
    found = verify_view(vector.one("view"), leaf, root=vector.one("root"), model=vector.headers["model"])
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
    return {"entries": str(sum(1 for _ in open_entries(BytesIO(vector.one("bundle")), image_limit=limit)))}


PROCEDURES: dict[str, Callable[[Vector], Facts]] = {
    "envelope": envelope,
    "statement": statement,
    "root-walk": root_walk,
    "brand-walk": brand_walk,
    "chain": chain,
    "approve": approved,
    "map-proof": map_proof,
    "view": view,
    "entry": entry,
    "log": log,
    "bundle": bundle,
}
