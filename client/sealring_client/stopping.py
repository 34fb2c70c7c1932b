"""The stop-switch: what a revocation has ended no longer runs, and no way leads back to it (SPEC RK-6).

`stopped.json`, then a generation without it that is good before it is current: whoever is killed in between goes on
to it at the next start, never back. Then each earlier generation that holds any of it loses its number. It asks no
store and no clock: a list that is held is enough.
"""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from sealring.errors import SealringError
from sealring.revocation import Found
from sealring_client.apply.generation_file import Damaged
from sealring_client.apply.generations import Generations
from sealring_client.apply.install import Disk
from sealring_client.decide.reach import reach, stopped_by
from sealring_client.decide.trusted import Trusted
from sealring_client.disk import remove_durably
from sealring_client.part import Part
from sealring_client.stopped import load_stopped, save_stopped


def stop_what_is_revoked(folder: Path, disk: Disk, trusted: Trusted) -> dict[Part, Found]:
    """What was left out of the running generation just now; the caller holds the lock, and has recovered.

    Raises:
        SealringError: it is done at the next start.
    """
    generations = disk.generations
    running = disk.parts_of(generations.current())
    stops = stopped_by(trusted, running)
    if stops:
        # A poll would say "nothing new" while this is not done.
        forget_poll(folder)
        save_stopped(folder, [*load_stopped(folder).values(), *stops])
        generations.replace(generations.stage([part for part in running if part not in stops]))
    if _close_ways_back(disk, trusted) or stops:
        with suppress(SealringError):  # an image that is still in use is unmounted by a later collection
            generations.collect(disk.images)
    return stops


def still_stopped(folder: Path, trusted: Trusted, running: Collection[str]) -> dict[str, Part]:
    """What is stopped now: neither what runs again, nor what its list has let go.

    A list that was weakened (RK-3) still keeps it away, so that still nobody waits for it.

    Args:
        running: packages that run.
    """
    held = load_stopped(folder)
    lines = reach(trusted, held.values())
    return {package: part for package, part in held.items() if package not in running and part in lines}


def forget_poll(folder: Path) -> None:
    """The next poll is a whole check."""
    if (folder / "poll.json").exists():
        remove_durably(folder / "poll.json")


def _close_ways_back(disk: Disk, trusted: Trusted) -> bool:
    """Take the number from each generation that holds what was stopped; whether there was one."""
    lines = [line for one in trusted.chain.revocations.lists if one.counts for line in one.statement.revoked]
    if not any(line.action == "stop" for line in lines):
        return False
    generations, known = disk.generations, trusted.envelopes()
    kept, closed = {generations.current(), generations.good()}, False
    for number in generations.numbers():
        # What can't be judged any more is no way back either.
        if number not in kept and not _is_harmless(generations, number, trusted, known):
            generations.forget(number)
            closed = True
    return closed


def _is_harmless(generations: Generations, number: int, trusted: Trusted, known: Collection[str]) -> bool:
    try:
        parts = generations.parts(number)
    except Damaged:
        return False
    return not stopped_by(trusted, parts) and all(part.statement in known for part in parts)
