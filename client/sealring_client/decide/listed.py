"""What a proven view lists: exactly these envelopes, each by its own brand (SPEC DV-4, DV-5)."""

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from hashlib import sha256
from typing import Any

from sealring.authentic import Authentic, S, WrongStatement
from sealring.catalogue.leaf import Head
from sealring.catalogue.view import View
from sealring.envelope import MAX_ENVELOPE
from sealring.errors import TrustError
from sealring.statement import FORMATS, Release, RevisionStatement, Stack
from sealring.threshold import TooFewSigners
from sealring_client.decide.grounds import Grounds
from sealring_client.decide.package import Offer, Package
from sealring_client.decide.refusals import NoLongerDelegated, UpdaterTooOld
from sealring_client.decide.store_view import StoreView
from sealring_client.decide.trusted import Trusted
from sealring_client.decide.tuf import Source
from sealring_client.decide.turn import number_of

Bring = Callable[[str], bytes]
AUTHORITIES = ("root", "brand", "delegation", "model", "revocations", "store")


def behind(view: View, trusted: Trusted) -> str | None:
    """The first authority statement that the view lists in an older version than is held, in words (DV-5)."""
    held = heads_held(trusted)
    for kind, _, subject in view.heads:
        # ST-8: a subject's older format may stay behind the newer one; of those that are read here the highest counts.
        head = view.newest(kind, FORMATS, subject)
        floor, _ = held.get((kind, "" if kind == "root" else subject), (0, ""))
        if kind in AUTHORITIES and head is not None and head.sequence < floor:
            return f"{kind} {subject}: sequence {head.sequence} listed, {floor} held"
    return None


def heads_held(trusted: Trusted) -> dict[tuple[str, str], tuple[int, str]]:
    """Sequence and id of what is held, by type and subject; the root, whose subject is its version, under none."""
    found: dict[tuple[str, str], Authentic[Any]] = {("root", ""): trusted.chain.root}
    found |= {("brand", name): one for name, one in trusted.chain.brands.items()}
    found |= trusted.floors.highest
    return {about: (one.statement.sequence, one.envelope.id) for about, one in found.items()}


def too_new(view: View, trusted: Trusted) -> Iterator[UpdaterTooOld]:
    """The root and brands that the view lists in a format that this edition doesn't know, above what is held (ST-8)."""
    for (kind, number, subject), head in view.heads.items():
        if number in FORMATS or kind not in ("root", "brand"):
            continue
        brand = trusted.brand(subject)
        held = trusted.chain.root if kind == "root" else brand
        if held is not None and head.sequence > held.statement.sequence:
            yield UpdaterTooOld(held.statement.title, number, head.sequence)


def release_offer(view: StoreView, package: Package, grounds: Grounds, statement: Bring) -> Offer | None:
    """The release of the package's channel, and the revision that it means here; None where the view lists none.

    Args:
        statement: brings an envelope by its digest, from anywhere.

    Raises:
        TrustError, Unreachable.
    """
    brand = package.name.partition("/")[0]
    release = _listed(view.view, Release, package.channel, brand, grounds.trusted, statement)
    if release is None:
        return None
    number = number_of(grounds, package, release)
    revision = None if number is None else _revision(view.view, package.name, number, grounds, statement)
    return Offer(view, release, {package.name: revision} if revision is not None else {})


def stack_offer(view: StoreView, packages: Sequence[Package], grounds: Grounds, statement: Bring) -> Offer | None:
    """The model's stack, and the revisions that it means here; None where the view lists none.

    Raises:
        TrustError, Unreachable.
    """
    subject = str(grounds.model.statement.stack)
    stack = _listed(view.view, Stack, subject, subject.partition("/")[0], grounds.trusted, statement)
    if stack is None:
        return None
    revisions: dict[str, Authentic[RevisionStatement]] = {}
    for package in packages:
        part = stack.statement.part(package.name, grounds.architecture)
        if part is None:
            continue
        try:
            found = _revision(view.view, package.name, part.revision, grounds, statement)
        except TrustError as err:
            package.refuse(view.store.statement.name, err)
            continue
        if found is not None:
            revisions[package.name] = found
    return Offer(view, stack, revisions)


def from_anywhere(held: MutableMapping[str, bytes], source: Source) -> Bring:
    """Brings an envelope by its digest from what is held, else from the store; then it is held too."""

    def bring(digest: str) -> bytes:
        raw = held.get(digest)
        if raw is None:
            raw = source.fetch(f"v1/statements/{digest}", limit=MAX_ENVELOPE)
            if sha256(raw).hexdigest() == digest:
                held[digest] = raw
        return raw

    return bring


def _revision(
    view: View, package: str, number: int, grounds: Grounds, statement: Bring
) -> Authentic[RevisionStatement] | None:
    subject = f"{package}/{number}/{grounds.architecture}"
    return _listed(view, RevisionStatement, subject, package.partition("/")[0], grounds.trusted, statement)


def _listed(
    view: View, kind: type[S], subject: str, authority: str, trusted: Trusted, statement: Bring
) -> Authentic[S] | None:
    head = view.newest(str(kind.__struct_config__.tag), FORMATS, subject)
    if head is None:
        return None
    raw = _bring(statement, head)
    try:
        found = trusted.chain.authenticate(raw, kind, authority)
    except TooFewSigners:
        former = trusted.former_delegation(raw, authority)
        if former is not None:
            raise NoLongerDelegated(f"{kind.__struct_config__.tag} {subject}", former.title) from None
        raise
    return exactly(found, head, subject)


def exactly(found: Authentic[S], head: Head, subject: str) -> Authentic[S]:
    """The statement, if it is the one that the view lists for this subject (DV-4)."""
    # DV-4: what is genuine but not listed is what a store would show to one device alone.
    offered = (found.statement.subject, found.statement.sequence, found.envelope.id)
    if offered != (subject, head.sequence, head.id.hex()):
        needed = f"{subject}, sequence {head.sequence}, id {head.id.hex()[:16]}"
        raise WrongStatement("listed statement", f"{offered[0]}, sequence {offered[1]}", needed, "DV-4")
    return found


def _bring(statement: Bring, head: Head) -> bytes:
    raw = statement(head.envelope.hex())
    # DV-4: exactly these bytes, so that everybody who reads this view reads the same signatures.
    if sha256(raw).digest() != head.envelope:
        raise WrongStatement("listed statement", sha256(raw).hexdigest(), head.envelope.hex(), "DV-4")
    return raw
