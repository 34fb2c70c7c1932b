"""The procedures of section 8: is this software right for this device? (tests/vectors/README.md)"""

from sealring.agreement import check_agreement
from sealring.approve import approve, check_revocations, check_serial, check_store, revision_for
from sealring.authentic import Authentic
from sealring.end_of_life import final_ids
from sealring.envelope import parse_envelope
from sealring.installed import reached
from sealring.requirements import check_requirements
from sealring.rollout import is_chosen
from sealring.statement import (
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
from tests.vectors.form import Vector
from tests.vectors.taking import Facts, chain_of, memory, moment_of


def approved(vector: Vector) -> Facts:
    chain, moment = chain_of(vector), moment_of(vector)
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
    found = reached(chain_of(vector), memory(vector), parse_envelope(vector.one("installed")))
    return {"action": found.action if found is not None else "none"}


def rollout(vector: Vector) -> Facts:
    release = parse_statement(vector.one("payload"))
    assert isinstance(release, Release)
    target = release.target(vector.headers["architecture"])
    assert target is not None
    groups, at = vector.headers.get("groups", "").split(), moment_of(vector).at
    plan = release.rollout
    chosen = is_chosen(plan, vector.one("secret"), groups, at) if isinstance(plan, Rollout) else True
    return {"chosen": "yes" if chosen else "no", "revision": str(revision_for(target, chosen=chosen))}


def serial(vector: Vector) -> Facts:
    chain, moment, authority = chain_of(vector), moment_of(vector), vector.headers["authority"]
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
