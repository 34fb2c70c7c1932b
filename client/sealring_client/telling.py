"""When a device says what: as a trial begins, which is sent at once, and how it ended (SPEC RP-1, RP-4)."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from sealring.errors import SealringError
from sealring.report import Event
from sealring.statement import FORMATS, Model
from sealring_client.apply.health import CheckFailed, CheckTimedOut, Unhealthy
from sealring_client.apply.images import ChangedOnDisk, TooLong, WrongDigest
from sealring_client.apply.mount import CannotMount, NotSquashfs
from sealring_client.decide.grounds import own_serials
from sealring_client.decide.package import Package
from sealring_client.decide.trusted import Trusted
from sealring_client.device_file import Device, load_secret
from sealring_client.disk import NoSpace
from sealring_client.reports import Reports, Speaker, Told, Trial, ended, load_reports, save_reports
from sealring_client.sending import send_before_the_trial
from sealring_client.serial import load_key
from sealring_client.survey import Survey


class Telling:
    """The reports of one survey. That one can't be made or kept is no error: it changes nothing (RP-4)."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self._begun: dict[str, Trial] = {}

    def of_what_was_cut_off(self) -> None:
        """A trial that a kill or a power cut ended: said at the next start, once it is known what runs."""
        self._keep(lambda held, by: ended(held, by, self._now(), self._runs) if held.open() else held)

    @property
    def is_open(self) -> bool:
        """Whether something was begun that has not ended."""
        return bool(self._begun)

    def begun(self, packages: Iterable[Package]) -> None:
        """These are tried from now on: durable before the switch, and said, lest a device that dies in it be unseen."""
        trials = [trial for package in packages if (trial := self._trial(package)) is not None]
        self._begun = {one.package: one for one in trials}
        self._say([(one, "") for one in trials], "begun")
        survey = self.survey
        if survey.device.reports and survey.sticks is None:
            links = [survey.link(name) for name in dict.fromkeys(name for one in trials for name in one.stores)]
            urls = {one.name: [one.answering] if one.answering else one.urls for one in links}
            send_before_the_trial(survey.folder, urls, survey.outside)

    def good(self) -> None:
        """What was begun has proved healthy, and runs."""
        self._say([(one, "") for one in self._begun.values()], "good")
        self._begun = {}

    def went_back(self, err: SealringError) -> None:
        """What was begun no longer runs, because of this."""
        name = err.package if isinstance(err, Unhealthy) else ""
        trials = self._begun.values()
        self._say([(one, why(err) if name in ("", one.package) else f"with {name}") for one in trials], "rolled-back")
        self._begun = {}

    def failed(self, package: Package, err: SealringError) -> None:
        """It could not even be tried, for a reason of its own or of this device; said once, not at every check."""
        trial = self._trial(package)
        if trial is None or not isinstance(err, _FAILURES):
            return
        said = load_reports(self.survey.folder).said
        new = [store for store in trial.stores if not _is_known(said(store, trial.package), trial)]
        self._say([(replace(trial, stores=tuple(new)), why(err))], "failed")

    def _say(self, trials: Iterable[tuple[Trial, str]], event: Event) -> None:
        def add(held: Reports, by: Speaker) -> Reports:
            for trial, reason in trials:
                held = held.with_event(by, trial, event, self._now(), reason)
            return held

        self._keep(add)

    def _keep(self, change: Callable[[Reports, Speaker], Reports]) -> None:
        survey = self.survey
        if survey.device.reports:
            with suppress(SealringError):  # RP-4: on a full disk the update goes on, and nobody hears of it
                held = load_reports(survey.folder)
                save_reports(survey.folder, change(held, speaker(survey.device, survey.trusted)))

    def _trial(self, package: Package) -> Trial | None:
        approved, running = package.approved, package.running
        if approved is None or not package.is_new:
            return None
        ground = approved.ground
        stores = tuple(self._shown_by(ground.statement.type, ground.statement.subject, ground.envelope.id))
        previous = running.revision if running is not None and running.revision > 0 else None
        return Trial(package.name, ground.envelope.id, approved.revision.statement.revision, previous, stores)

    def _shown_by(self, kind: str, subject: str, id: str) -> Iterable[str]:
        """The stores that have proved in this check that they list it."""
        for name, found in self.survey.views.items():
            head = found.view.newest(kind, FORMATS, subject)
            if head is not None and head.id.hex() == id:
                yield name

    def _runs(self, told: Told) -> bool:
        disk, known = self.survey.disk, self.survey.trusted.envelopes()
        for part in disk.parts_of(disk.generations.good()):
            claim = known.get(part.release)
            if part.package == told.package and claim is not None and claim.envelope.id == told.ground:
                return part.revision == told.revision
        return False

    def _now(self) -> datetime:
        return self.survey.outside.clock().replace(microsecond=0)


def speaker(device: Device, trusted: Trusted) -> Speaker:
    """Who speaks; by its serial only where the model wants its devices to be known (SN-1).

    Raises:
        StateDamaged.
    """
    root, secret = trusted.chain.root_id, load_secret(device.folder)
    model = trusted.floors.get(Model, device.model)
    key = load_key(device.folder) if model is not None and model.statement.serial == "required" else None
    serials = own_serials(trusted, device.model, key.public.public) if key is not None else []
    if not serials:
        return Speaker(root, device.model, secret)
    return Speaker(root, device.model, secret, serials[0].statement.serial, key)


def why(err: SealringError) -> str:
    """A reason in words of ours: what a program of the device has printed is nobody else's business."""
    match err:
        case CheckFailed():
            return f"health check ended with {err.code}"
        case CheckTimedOut():
            return f"health check not ended after {err.timeout_seconds:g} seconds"
        case Unhealthy():
            return "health check could not be run"
        case WrongDigest() | TooLong() | ChangedOnDisk():
            return "image: not the signed bytes"
        case NotSquashfs():
            return "image: no squashfs"
        case NoSpace():
            return "no space"
        case CannotMount():
            return "this machine could not mount it"
    return f"stopped by {err.rule}" if err.rule else "stopped"


_FAILURES = (WrongDigest, TooLong, ChangedOnDisk, NotSquashfs, NoSpace, CannotMount)


def _is_known(told: Told | None, trial: Trial) -> bool:
    return told is not None and (told.ground, told.revision, told.event) == (trial.ground, trial.revision, "failed")
