"""One check or refresh, from the lock to the last file, in SPEC's order (SPEC DV-1 to DV-10)."""

from sealring_client.conclude import report, write_poll
from sealring_client.decide.state import StateDamaged
from sealring_client.device_file import Device
from sealring_client.disk import lock
from sealring_client.opening import Opening
from sealring_client.outside import Outside
from sealring_client.poll import Heard
from sealring_client.report import Report
from sealring_client.selection import Selection
from sealring_client.sending import send_reports
from sealring_client.stick import Sticks
from sealring_client.stopping import forget_poll
from sealring_client.survey import Survey
from sealring_client.switch import Switch
from sealring_client.telling import Telling


def refresh(
    device: Device,
    outside: Outside,
    *,
    apply: bool,
    heard: Heard | None = None,
    paranoid: bool = False,
    sticks: Sticks | None = None,
) -> Report:
    """Bring the device to the newest software that every rule allows, or say what would be brought.

    Args:
        apply: install it; else the last step is the choice.
        heard: what a poll has heard just now.
        paranoid: demand proof of every row of each view (VW-4), also where the device was not told to at provisioning.
        sticks: bundles that a person has handed over: they are asked in place of all stores (BN-6).

    Raises:
        SealringError: nothing could be decided: the lock, the disk, or the trust state.
    """
    with lock(device.folder):
        survey = Survey(device, outside, heard or Heard(), paranoid=paranoid, sticks=sticks)
        found = _refreshed(survey, apply=apply)
        urls = {name: survey.link(name).urls for name in survey.store_names()}
    if sticks is None and device.reports:
        # RP-4: after all is decided, and without the lock.
        send_reports(device.folder, urls, outside)
    return found


def _refreshed(survey: Survey, *, apply: bool) -> Report:
    survey.recover()
    if survey.sticks is not None:
        # DV-8: what is held afterwards came by hand; only a whole check can say that no store has anything newer.
        forget_poll(survey.folder)
    try:
        survey.load()
    except StateDamaged:
        if apply:
            survey.mount_what_runs()  # DV-10: what was stopped has left the generation already
        raise
    Telling(survey).of_what_was_cut_off()
    if apply:
        survey.stop_what_is_revoked()
        survey.mount_what_runs()
    survey.learn_from_every_store()
    if apply:
        survey.stop_what_is_revoked()
    known = survey.trusted
    opening = Opening(survey)
    opening.open_every_view()
    if apply and survey.trusted is not known:
        survey.stop_what_is_revoked()
    Selection(survey).choose()
    survey.remember()
    if apply:
        Switch(survey).install()
    opening.keep_views()
    write_poll(survey)
    return report(survey)
