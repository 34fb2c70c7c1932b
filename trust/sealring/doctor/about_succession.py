"""Findings about what follows what: waiting for signatures, cut off, missing, in conflict (SPEC BR-2, FL-3, PB-9)."""

from collections.abc import Iterator, Mapping

from sealring.authentic import Authentic, Claim
from sealring.doctor.commands import file_of
from sealring.doctor.findings import Finding
from sealring.doctor.paths import TUF
from sealring.doctor.rests import Rests
from sealring.doctor.world import World
from sealring.errors import TrustError
from sealring.floors import Subject
from sealring.keys import KeySet
from sealring.statement import Brand, Common, Delegation, Model, RevisionStatement, Root
from sealring.threshold import check_threshold


def about_succession(rests: Rests) -> Iterator[Finding]:
    """`conflict`, `short-of-threshold`, `missing-successor`, `not-countersigned` and `missing`."""
    world = rests.world
    for subject, claims in sorted(world.by_subject.items()):
        yield from _conflicts(world, subject, claims)
        yield from _newer(rests, subject, claims)
    yield from _falling(rests)
    for model in rests.models:
        yield from _missing(rests, model)


def _conflicts(world: World, subject: Subject, claims: tuple[Claim, ...]) -> Iterator[Finding]:
    by_sequence: dict[int, dict[str, Claim]] = {}
    for claim in claims:
        by_sequence.setdefault(claim.statement.sequence, {}).setdefault(claim.envelope.id, claim)
    rivals = [list(found.values()) for _, found in sorted(by_sequence.items()) if len(found) > 1]
    if subject[0] == "revision" and len(images := _images(claims)) > 1:
        rivals.append(list(images.values()))
    for found in rivals:
        genuine = [claim for claim in found if _counts(world, claim)]
        if len(genuine) > 1:
            said = genuine[0].statement
            ids = ", ".join(claim.envelope.id[:16] for claim in genuine)
            words = f"{len(genuine)} were signed for sequence {said.sequence} or for one build: {ids}"
            advice = "find out who signed which; a higher sequence, or a line that revokes one by its id, ends it"
            yield Finding("conflict", "problem", said.title, words, advice, 23)


def _images(claims: tuple[Claim, ...]) -> Mapping[str, Claim]:
    found: dict[str, Claim] = {}
    for claim in claims:
        if isinstance(claim.statement, RevisionStatement):
            found.setdefault(claim.statement.image.sha256, claim)
    return found


def _counts(world: World, claim: Claim) -> bool:
    """Whether it was signed by who might, and nobody has taken it back by its id (SPEC FL-5)."""
    line = world.chain.revocations.strongest(claim.statement, claim.envelope.id)
    taken_back = line is not None and line.line.what == claim.envelope.id
    return not taken_back and world.vouched_once(claim)


def _newer(rests: Rests, subject: Subject, claims: tuple[Claim, ...]) -> Iterator[Finding]:
    """The newest statement of a subject, where it is not the one that counts."""
    world, held = rests.world, rests.world.held.get(subject)
    newest = max(claims, key=lambda claim: claim.statement.sequence)
    at = held.statement.sequence if held is not None else 0
    said = newest.statement
    if said.sequence <= at:
        return
    if world.vouched_once(newest) and not (isinstance(said, Root | Brand) and held is not None):
        words = f"sequence {said.sequence} counted once, and counts no more: {_why(world, newest)}"
        command = f"sealring sign {file_of(world, newest)} --key YOUR.key, or `sealring countersign` for many"
        yield Finding("not-countersigned", "problem", said.title, words, command, 21)
    elif isinstance(said, Root | Brand) and held is not None and not _is_complete(claims, at, said.sequence):
        words = f"version {at} is held and {said.sequence} is here: what lies between is not, so nobody can follow"
        advice = f"add {said.type} {at + 1} to {said.sequence - 1}"
        yield Finding("missing-successor", "warning", said.title, words, advice)
    else:
        words = f"sequence {said.sequence} does not count: {_why(world, newest)}"
        advice = f"sealring sign {file_of(world, newest)} --key YOUR.key"
        yield Finding("short-of-threshold", "warning", said.title, words, advice)


def _is_complete(claims: tuple[Claim, ...], at: int, last: int) -> bool:
    return set(range(at + 1, last + 1)) <= {claim.statement.sequence for claim in claims}


def _why(world: World, claim: Claim) -> str:
    """The rule's own words: those of the step that would have to be taken."""
    said, chain, raw = claim.statement, world.chain, claim.envelope.raw
    try:
        if isinstance(said, Root):
            chain.with_root(raw)
        elif isinstance(said, Brand):
            chain.with_brand([raw])
        else:
            chain.authenticate(raw, type(said), said.authority)
    except TrustError as err:
        return str(err)
    return "its turn has not come"


def _falling(rests: Rests) -> Iterator[Finding]:
    """What stands today, and would not once a newer root, brand or delegation that is here comes into force (PB-9)."""
    for subject, claims in sorted(rests.world.by_subject.items()):
        held = rests.world.held.get(subject)
        newest = max(claims, key=lambda claim: claim.statement.sequence)
        if held is None or newest.statement.sequence <= held.statement.sequence:
            continue
        for kind, keys, fallen in _under(rests, newest.statement):
            if not _met(rests.world, fallen, keys):
                words = f"{newest.statement.title} is here, and {kind} do not vouch for it: it would fall with today's"
                command = (
                    f"sealring sign {file_of(rests.world, fallen)} --key YOUR.key, or `sealring countersign` for many"
                )
                yield Finding("not-countersigned", "warning", fallen.statement.title, words, command)


def _under(rests: Rests, said: Common) -> Iterator[tuple[str, KeySet, Authentic[Common]]]:
    for subject, one in sorted(rests.world.held.items()):
        if not rests.matters(subject):
            continue
        if isinstance(said, Root) and isinstance(one.statement, Brand):
            yield "the keys of its role brand", said.roles.brand, one
        elif isinstance(said, Brand) and one.statement.authority == said.brand and not one.under:
            yield "the brand's new keys", said.keys, one
        elif isinstance(said, Delegation) and [d.statement.subject for d in one.under] == [said.subject]:
            yield "the delegation's new keys", said.keys, one


def _met(world: World, one: Authentic[Common], keys: KeySet) -> bool:
    """Whether any copy of this statement has enough signatures of these keys."""
    for claim in world.by_subject[(one.statement.type, one.statement.subject)]:
        if claim.envelope.id != one.envelope.id:
            continue
        try:
            check_threshold(claim.envelope, keys, one.statement.title)
        except TrustError:
            continue
        return True
    return False


def _missing(rests: Rests, model: Authentic[Model]) -> Iterator[Finding]:
    """What a model names and nobody has shown: its devices wait for it."""
    absent = sorted(subject for subject in rests.touched(model) if _is_absent(rests, subject))
    for kind, name in absent:
        words = f"it needs the {kind} {name}, which is not here"
        yield Finding("missing", "warning", model.statement.title, words, "give it too, or publish it")


def _is_absent(rests: Rests, subject: Subject) -> bool:
    return subject not in rests.world.held and subject[0] != TUF
