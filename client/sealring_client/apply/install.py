"""From a chosen set of parts to a generation that has proved healthy, or back to the one before (SPEC DV-7, DV-9)."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from msgspec import UNSET

from sealring.errors import SealringError
from sealring.statement import RevisionStatement
from sealring_client.apply.generations import Generations
from sealring_client.apply.health import run_check
from sealring_client.apply.images import ChangedOnDisk, ImageStore
from sealring_client.apply.mount import mount_image
from sealring_client.part import Part

LONGEST_CHECK = 300  # seconds of one health check, whatever its publisher signed
LONGEST_SOAK = 600  # seconds


@dataclass(frozen=True)
class Disk:
    """The images and generations of one state folder."""

    images: ImageStore
    generations: Generations

    @classmethod
    def of(cls, folder: Path) -> "Disk":
        """Those below `folder`."""
        return cls(ImageStore(folder / "images"), Generations(folder))

    def mount(self, part: Part) -> None:
        """Check all bytes of the part's image and mount it; one that has rotted is deleted, to be fetched again."""
        try:
            mount_image(self.images.path(part.sha256), self.generations.mount_point(part), digest=part.sha256)
        except ChangedOnDisk:
            self.images.remove(part.sha256)
            raise

    def parts_of(self, number: int | None) -> tuple[Part, ...]:
        """The parts of a generation; none of none."""
        return () if number is None else self.generations.parts(number)


def mount_current(disk: Disk) -> list[Part]:
    """Mount what runs, as after a restart; the parts that are not to be had are the result.

    An image may be lost, or this machine may be unable to mount: neither is a reason not to learn newer keys (DV-10).
    """
    lost = []
    for part in disk.parts_of(disk.generations.current()):
        try:
            disk.mount(part)
        except SealringError:
            lost.append(part)
    return lost


def install(
    parts: Sequence[Part],
    revisions: Mapping[str, RevisionStatement],
    disk: Disk,
    sleep: Callable[[float], None],
    still_good: Callable[[], None],
) -> int:
    """Mount, stage, try, check and commit these parts; whatever fails, the last good generation runs again.

    Args:
        parts: with all images there.
        revisions: by the digest of the envelope that a part names.
        sleep: waits for so many seconds while the new generation shows whether it stays healthy.
        still_good: judges the statements once more, at the switch.

    Raises:
        SealringError: nothing has changed, or it was undone.
    """
    generations = disk.generations
    for part in parts:
        disk.mount(part)
    number = generations.stage(parts)
    still_good()
    generations.try_(number)
    try:
        check_health(parts, revisions, disk, sleep)
    except BaseException:
        # GN-3 would do it at the next start; a device that is up need not wait for that.
        generations.back()
        raise
    generations.commit(number)
    with suppress(SealringError):  # leftovers cost room, not safety; the next collection gets them
        generations.collect(disk.images)
    return number


def check_health(
    parts: Sequence[Part], revisions: Mapping[str, RevisionStatement], disk: Disk, sleep: Callable[[float], None]
) -> None:
    """Every part's own check passes, and passes again after the longest soak.

    Raises:
        Unhealthy: it names the package.
    """
    soak = 0
    checks = []
    for part in parts:
        revision = revisions.get(part.statement)
        if revision is not None and revision.health is not UNSET:
            checks.append((part, revision.health))
            # HC-4: all wait for the slowest, so one publisher's week would hold up everybody else's update.
            soak = max(soak, min(revision.health.soak, LONGEST_SOAK))
    for round_ in range(2 if soak else 1):
        if round_:
            sleep(soak)
        for part, health in checks:
            seconds = min(health.timeout, LONGEST_CHECK)
            run_check(disk.generations.mount_point(part), health.command, seconds, package=part.package)
