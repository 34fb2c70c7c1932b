"""What each `check:` of a vector means, for this implementation (tests/vectors/README.md).

Each procedure takes the vector's parts, and returns what was accepted, as the headers that a vector may state of
it; a refusal is the error that the core raises.
"""

from collections.abc import Callable
from contextlib import suppress
from io import BytesIO

from sealring.agreement import check_agreement
from sealring.approve import approve, check_revocations, check_serial, check_store, revision_for
from sealring.authentic import Authentic
from sealring.bundle import open_entries
from sealring.catalogue.entry import parse_entry
from sealring.catalogue.follows import verify_entry
from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.log import verify_inclusion
from sealring.catalogue.proof import verify_proof
from sealring.catalogue.view import verify_view
from sealring.chain import Chain, begin_with_root
from sealring.end_of_life import final_ids
from sealring.envelope import parse_envelope
from sealring.errors import TrustError
from sealring.floors import Floors, kept, reauthenticate
from sealring.furnished import furnished
from sealring.installed import reached
from sealring.moment import Moment, check_time
from sealring.names import instant
from sealring.requirements import check_requirements
from sealring.rollout import is_chosen
from sealring.statement import (
    TYPES,
    Common,
    Model,
    Release,
    RevisionStatement,
    SerialStatement,
    Stack,
    Store,
    parse_statement,
)
from sealring.statement.fleet import Wanted
from sealring.statement.software import Rollout
from sealring.time_floors import TimeFloors
from tests.vectors.form import Vector

Facts = dict[str, str]


def _moment(vector: Vector) -> Moment:
    return Moment(instant(vector.headers["at"]), vector.headers.get("proven", "yes") == "yes")


def _bare(vector: Vector) -> Chain:
    """The chain that the parts `anchor`, `root` and `held` build, in the order of the file."""
    chain = Chain(begin_with_root(vector.one("anchor")))
    for name, raw in vector.parts:
        if name == "root":
            chain = chain.with_root(raw)
        if name == "held":
            chain = chain.with_brand([raw])
    return chain


def _memory(vector: Vector) -> list[bytes]:
    """What a device would remember: the parts `remembered`, and of the parts `known` what counts today."""
    strangers = furnished(_bare(vector), vector.all("known"))
    return [*(one.envelope.raw for one in _authentic(strangers, vector.all("known"))), *vector.all("remembered")]


def _authentic(chain: Chain, raws: list[bytes]) -> list[Authentic[Common]]:
    """Those that today's keys vouch for."""
    found = []
    for raw in raws:
        with suppress(TrustError):
            found.append(reauthenticate(chain, raw))
    return found


def _chain(vector: Vector) -> Chain:
    """The chain, with what is delegated and revoked."""
    return furnished(_bare(vector), _memory(vector), once_verified=True)


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
    floors = Floors.of(_bare(vector), [*_memory(vector), *vector.all("floor")])
    chain = floors.chain
    found: Authentic[Common] = chain.authenticate(vector.one("statement"), kind, authority)
    seen = _authentic(chain, vector.all("seen"))
    times = TimeFloors.of(_moment(vector), [chain.root, *chain.brands.values(), *seen])
    floors.check(found)
    accepted = chain.verify(found, times.moment_of(found), None)
    under = " ".join(sorted(one.statement.delegation for one in accepted.under))
    return {"subject": accepted.statement.subject, "id": accepted.envelope.id, "under": under}


def remembered(vector: Vector) -> Facts:
    found = kept(_authentic(_chain(vector), vector.all("floor")))
    return {"kept": " ".join(str(one.statement.sequence) for one in found)}


def approved(vector: Vector) -> Facts:
    chain, moment = _chain(vector), _moment(vector)
    package, authority = vector.headers["package"], vector.headers["authority"]
    brand = package.partition("/")[0]
    releases = [chain.authenticate(raw, Release, brand) for raw in vector.all("release")]
    stacks = [chain.authenticate(raw, Stack, brand) for raw in vector.all("stack")]
    final = frozenset[str]().union(*(final_ids(chain, one) for one in releases))
    unlisted = Wanted(package, "latest/stable", "app", "required")
    grounds: list[Authentic[Release | Stack]] = [*releases, *stacks]
    for one in (chain.root, chain.brands[authority]):
        chain.verify(one, moment, None, final=final)
    check_revocations(chain, chain.brands[authority].statement)
    model = chain.verify(chain.authenticate(vector.one("model"), Model, authority), moment, None, final=final)
    for raw in vector.all("store"):
        store = chain.authenticate(raw, Store, authority)
        chain.revocations.check(store.statement, store.envelope.id)
        check_store(chain, store, package)
    before = next((chain.authenticate(raw, Release, brand) for raw in vector.all("before")), None)
    revision = chain.authenticate(vector.one("revision"), RevisionStatement, brand)
    running = next((chain.authenticate(raw, RevisionStatement, brand) for raw in vector.all("running")), None)
    found = approve(
        chain,
        model,
        chain.verify(chain.brands[brand], moment, None, final=final),
        next((one for one in model.statement.packages if one.package == package), unlisted),
        chain.verify(grounds[0], moment, before if releases else None, final=final),
        chain.verify(revision, moment, None, final=final),
        before=before,
        running=running.statement if running is not None else None,
        chosen=vector.headers.get("chosen", "yes") == "yes",
    )
    return {"revision": str(found.revision.statement.revision)}


def installed(vector: Vector) -> Facts:
    found = reached(_chain(vector), _memory(vector), parse_envelope(vector.one("installed")))
    return {"action": found.action if found is not None else "none"}


def rollout(vector: Vector) -> Facts:
    release = parse_statement(vector.one("payload"))
    assert isinstance(release, Release)
    target = release.target(vector.headers["architecture"])
    assert target is not None
    groups, at = vector.headers.get("groups", "").split(), _moment(vector).at
    plan = release.rollout
    chosen = is_chosen(plan, vector.one("secret"), groups, at) if isinstance(plan, Rollout) else True
    return {"chosen": "yes" if chosen else "no", "revision": str(revision_for(target, chosen=chosen))}


def serial(vector: Vector) -> Facts:
    chain, moment, authority = _chain(vector), _moment(vector), vector.headers["authority"]
    model = chain.verify(chain.authenticate(vector.one("model"), Model, authority), moment, None)
    said = [chain.authenticate(raw, SerialStatement, authority) for raw in vector.all("serial")]
    found = [chain.verify(one, moment, None) for one in said]
    check_serial(model.statement, next(iter(found), None), next(iter(vector.all("device")), None))
    return {}


def agreement(vector: Vector) -> Facts:
    stores = {
        str(n): frozenset(raw[i : i + 32].hex() for i in range(0, len(raw), 32))
        for n, raw in enumerate(vector.all("shown"))
    }
    return {"stores": str(len(check_agreement("it", stores, int(vector.headers["agree"]))))}


def requires(vector: Vector) -> Facts:
    revision = parse_statement(vector.one("payload"))
    assert isinstance(revision, RevisionStatement)
    words = [word.split("=") for word in vector.headers.get("generation", "").split()]
    check_requirements(revision, {name: int(number) for name, number in words})
    return {}


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
    "entry": entry,
    "log": log,
    "bundle": bundle,
}
