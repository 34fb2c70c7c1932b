"""Plays a rehearsal's steps: commands through the program's own entrance, devices through the chain's own code."""

import io
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sealring.chain import Claim
from sealring.command.bundles import load_claims
from sealring.command.files import load_claim, read_file
from sealring.command.main import INTERRUPTED, run
from sealring.command.outside import Outside
from sealring.durable import create_durably
from sealring.envelope import MAX_ENVELOPE
from sealring.errors import TrustError
from sealring.keyfile import load_key_file, open_key
from sealring.moment import Moment
from sealring.rehearsal.ceremony import PASS
from sealring.rehearsal.device import Device
from sealring.rehearsal.found import Found, PlayedOut, StepFailed, expected, refused
from sealring.rehearsal.plan import Plan
from sealring.rehearsal.steps import (
    At,
    Begun,
    Copied,
    Handed,
    Made,
    Reached,
    Runs,
    Shown,
    Situation,
    Step,
    Typed,
)

RULE = re.compile(r" \[([A-Z]{2}-\d+)\]$", re.MULTILINE)
TOLD = ("warning:", "void:", "nothing of what the request shows")


@dataclass
class Stage:
    """A folder in which everything happens, at one instant, and the devices that are there."""

    folder: Path
    at: datetime
    devices: dict[str, Device] = field(default_factory=dict)

    def play(self, situation: Situation) -> PlayedOut:
        """Every step of a situation.

        Raises:
            StepFailed: at the first that does not end as it must.
        """
        self._make_folders(situation)
        found = []
        for number, step in enumerate(situation.steps, 1):
            one = self._step(step)
            if not one.is_right:
                raise StepFailed(situation.title, number, step.line, expected(step), one.ending, one.said)
            found.append(one)
        files: list[str] = [one.file for one in situation.deadlines]
        ends = {file: load_claim(self.folder / file).statement.expires for file in files}
        return PlayedOut(situation, tuple(found), ends)

    def _make_folders(self, situation: Situation) -> None:
        for name in situation.folders:
            (self.folder / name).mkdir(exist_ok=True)

    def _step(self, step: Step) -> Found:
        match step:
            case Typed():
                return self._type(step)
            case Copied(source, target):
                shutil.copyfile(self.folder / source, self.folder / target)
            case Made(path, text):
                create_durably(self.folder / path, text.encode())
            case Handed(path, key):
                create_durably(self.folder / path, self._tuf_root(key))
            case Begun(device, root, model, seed):
                self.devices[device] = Device(read_file(self.folder / root, MAX_ENVELOPE), model)
                for claim in self._claims(seed):
                    self.devices[device].take(claim.envelope.raw)
            case Shown():
                return self._show(step)
            case Runs():
                return self._ask(step)
            case Reached(device, revision, _):
                action = self.devices[device].reached(load_claim(self.folder / revision).envelope.raw)
                return Found(step, f"a list says {action}" if action else "no list reaches it")
        return Found(step, "done")

    def _type(self, step: Typed) -> Found:
        words = [str(self.folder / word) if isinstance(word, At) else word for word in step.words[1:]]
        out, err = io.StringIO(), io.StringIO()
        code = run(words, Outside(lambda: self.at, out, err, interactive=False, color=False))
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        said = err.getvalue().replace(f"{self.folder}/", "")
        first = said.partition("\n")[0].removeprefix("sealring: ")
        rule = RULE.search(first)
        ending = "done" if code == 0 else f"exit {code}" + (f" [{rule[1]}]" if rule else "")
        told = tuple(_told(out.getvalue())) if step.told else ()
        return Found(step, ending, told, "" if code == 0 else first)

    def _show(self, step: Shown) -> Found:
        device = self.devices[step.device]
        for number, file in enumerate(step.files, 1):
            for claim in load_claims(self.folder / file):
                try:
                    device.take(claim.envelope.raw)
                except TrustError as err:
                    there = number == len(step.files)
                    ending = refused(step, err.rule) if there else f"refuses already {file} [{err.rule}]"
                    return Found(step, ending, said=str(err))
        return Found(step, "takes all of it")

    def _ask(self, step: Runs) -> Found:
        try:
            number = self.devices[step.device].revision(step.package, Moment(self.at))
        except TrustError as err:
            return Found(step, f"is kept from it [{err.rule}]", said=str(err))
        return Found(
            step, f"would install revision {number}" if number else f"would install nothing for {step.package}"
        )

    def _claims(self, files: Iterable[At]) -> Iterator[Claim]:
        return (claim for file in files for claim in load_claims(self.folder / file))

    def _tuf_root(self, key: At) -> bytes:
        from tuf.api.metadata import Metadata, Root

        from sealring.keyfile.tuf import TufSigner

        passphrase = bytearray(read_file(self.folder / PASS).strip())
        with open_key(load_key_file(self.folder / key), passphrase) as opened:
            signer = TufSigner(opened)
            root = Root(expires=self.at + timedelta(days=365))
            for role in root.roles:
                root.add_key(signer.public_key, role)
            metadata = Metadata(root)
            metadata.sign(signer)
            return metadata.to_bytes()


def list_situations(plan: Plan) -> list[Situation]:
    """All of them, in their order."""
    from sealring.rehearsal.course import course

    return list(course(plan))


def _told(out: str) -> Iterator[str]:
    """What of a review goes into the runbook: who may sign, what falls, the warnings."""
    in_sheet = False
    for line in out.splitlines():
        in_sheet = line == "who may sign" or (in_sheet and line.startswith("  "))
        if in_sheet or line.startswith(TOLD):
            yield line
