"""The whole look: deadlines and findings of a world at one instant, the worst first, and the exit code that says so."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sealring.doctor.about_delegations import about_delegations
from sealring.doctor.about_keys import about_keys, every_key, roles
from sealring.doctor.about_revocations import about_revocations
from sealring.doctor.about_succession import about_succession
from sealring.doctor.about_time import about_deadlines, about_lives, about_waiting
from sealring.doctor.deadlines import Deadline, Instants, deadlines
from sealring.doctor.findings import LEVELS, Finding, Level
from sealring.doctor.rests import Rests
from sealring.doctor.signers import Holders
from sealring.doctor.tuf_files import StoreTuf
from sealring.doctor.world import World

ENDED = 22
WARNED = 1


@dataclass(frozen=True)
class Examined:
    """What was found, deadlines earliest first and findings worst first."""

    deadlines: tuple[Deadline, ...]
    findings: tuple[Finding, ...]

    def exit_code(self, strict: bool) -> int:
        """22 where something has ended; else that of the gravest problem; else 1 for a warning, if `strict`; else 0."""
        levels = {finding.level for finding in self.findings}
        if "ended" in levels:
            return ENDED
        codes = {finding.code for finding in self.findings if finding.level == "problem"}
        # A conflict says that keys are in wrong hands; a missing list or signature can be published.
        for code in (23, 25, 24, 21, 11):
            if code in codes:
                return code
        return WARNED if strict and "warning" in levels else 0


def examine(
    world: World,
    stores: Iterable[StoreTuf],
    instants: Instants,
    named_holders: Mapping[str, str],
    asked: Iterable[str] = (),
) -> Examined:
    """Judge a world as of an instant.

    Args:
        stores: the TUF files of stores that were looked at.
        named_holders: key names or fingerprints, to people.
        asked: full names of models that must be there.
    """
    shops = list(stores)
    rests, sets = Rests(world), roles(world, shops)
    dates = deadlines(rests, shops, instants)
    found = [
        *about_deadlines(dates),
        *about_succession(rests),
        *about_revocations(rests),
        *about_waiting(rests, instants.at),
        *about_keys(sets, Holders.of(every_key(sets), named_holders)),
        *about_delegations(rests),
        *about_lives(rests),
        *_about_tuf(shops),
        *_about_input(world, asked),
    ]
    return Examined(dates, tuple(sorted(found, key=lambda one: LEVELS.index(one.level))))


def _about_tuf(stores: Iterable[StoreTuf]) -> Iterator[Finding]:
    for store in stores:
        about = f"store {store.name}"
        if store.refused:
            advice = "ask its operator; devices take nothing from it"
            yield Finding("tuf-not-verified", "problem", about, store.refused, advice, 25)
        elif not store.pinned:
            words = f"no `store` statement for {store.source} is here: its own first TUF root was believed"
            yield Finding("tuf-not-pinned", "note", about, words, "give the `store` statement, or --model")


def _about_input(world: World, asked: Iterable[str]) -> Iterator[Finding]:
    """What a run that found nothing, or something else, must not pass over as health."""
    for source, err in world.unread:
        yield Finding("unread", "warning", source, str(err), err.hint())
    for name in asked:
        if ("model", name) not in world.held:
            words = "it was asked for, and nobody whom this root certifies has said anything of it"
            yield Finding("missing", "problem", f"model {name}", words, "check its name, and the root", 11)
    if world.foreign:
        shown = ", ".join(world.foreign[:3]) + (", ..." if len(world.foreign) > 3 else "")
        words = f"{len(world.foreign)} made under another root: {shown}"
        level: Level = "note" if world.sources else "problem"
        code = 0 if world.sources else 24
        yield Finding("foreign-root", level, "what was given", words, "give their own root to look at them", code)
    elif not world.sources and not world.unread:
        yield Finding("missing", "problem", "what was given", "no statement was found", "check the paths", 11)
