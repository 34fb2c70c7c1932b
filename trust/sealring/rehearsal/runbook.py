"""The page that remains of a rehearsal: for each situation who, what, in what order, and what cannot be undone."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from sealring.names import spell
from sealring.rehearsal.found import Found, PlayedOut, expected
from sealring.rehearsal.plan import Plan
from sealring.rehearsal.steps import YOU, Begun, Copied, Deadline, Made, Reached, Runs, Shown, Step, Typed

INTRODUCTION = """\
# Recovery: what to do when keys are lost

`sealring rehearse` printed this page. Everything on it was done, with throw-away keys whose names say rehearsal, under
a root of its own: nothing here counts for anybody else. Each command ended as it is shown, each device was asked.

Use it in two ways. **Before** anything is lost: run `sealring rehearse --plan root.json --plan acme.json` with your own
root and brand assertions, so that it speaks of your thresholds, and play it once a year. **After** a loss: find the
situation below, call the people that it names, and follow it with your own files. Two things differ then: nobody types
`--yes` or `--passphrase-file` (each holder reads the review, and types a passphrase), and a copy of a request travels
to its holder's own machine instead of by `cp`.
"""


def runbook(plan: Plan, at: datetime, played: Sequence[PlayedOut]) -> str:
    """The whole page, as Markdown."""
    lines = [INTRODUCTION, *_who(plan), *_contents(played)]
    made: set[str] = set()
    for number, one in enumerate(played, 1):
        lines += ["", f"## {number}. {one.situation.title}", "", *_situation(one, at)]
        new = [name for name in one.situation.folders if name not in made]
        made.update(new)
        lines += [*_steps(one, new)]
    return "\n".join(lines).rstrip() + "\n"


def _who(plan: Plan) -> Iterator[str]:
    yield "| key set | how many must sign, and who holds the keys |"
    yield "|---|---|"
    for party in plan.parties:
        yield f"| {party.title} | {party.words} |"
    for note in plan.notes:
        yield ""
        yield f"**Note.** {note}."
    yield ""


def _contents(played: Sequence[PlayedOut]) -> Iterator[str]:
    yield "| situation | how it ends | checks made |"
    yield "|---|---|---|"
    for number, one in enumerate(played, 1):
        checks = sum(_is_check(found.step) for found in one.steps)
        yield f"| {number}. {one.situation.title} | {one.situation.ends} | {checks} |"


def _is_check(step: Step) -> bool:
    """Whether something was verified or refused here, and not only made."""
    if isinstance(step, Typed):
        return step.words[1] == "verify" or step.wanted.code != 0
    return isinstance(step, Shown | Runs | Reached)


def _situation(one: PlayedOut, at: datetime) -> Iterator[str]:
    said = one.situation
    if said.lost != "nothing":
        yield f"**Lost:** {said.lost}."
        yield ""
    yield from _list("Who is needed", said.needed)
    yield from _list("What each holder checks before signing", said.checks)
    yield from _list("What devices see", said.devices)
    yield from _list("How long it can wait", [*said.wait, *(_deadline(d, one, at) for d in said.deadlines)])
    yield from _list("What can't be undone", said.undone)


def _steps(one: PlayedOut, folders: Sequence[str]) -> Iterator[str]:
    """Every section with its commands and checks; the first command makes the situation's folders."""
    yield f"Its files lie in folders of their own: `mkdir {' '.join(folders)}`"
    yield ""
    steps = iter(one.steps)
    for section in one.situation.sections:
        yield f"### {section.title}"
        yield ""
        yield from _section([next(steps) for _ in section.steps])


def _list(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"**{title}:**"
        yield ""
        yield from (f"- {line}" for line in lines)
        yield ""


def _deadline(deadline: Deadline, one: PlayedOut, at: datetime) -> str:
    ends = one.ends[deadline.file]
    return f"{spell(ends)} ({(ends - at).days} days after the rehearsal): {deadline.stops}"


def _section(found: Sequence[Found]) -> Iterator[str]:
    """Commands in blocks, what devices do in lists, in the order in which they happened."""
    for is_device, group in groupby(found, lambda one: isinstance(one.step, Begun | Shown | Runs | Reached)):
        if is_device:
            yield from (_device(one) for one in group)
        else:
            yield "```sh"
            yield from _commands(group)
            yield "```"
        yield ""


def _device(one: Found) -> str:
    if isinstance(one.step, Begun):
        return f"- {one.step.line}"
    return f"- {one.step.line}: {expected(one.step)}"


def _commands(found: Iterable[Found]) -> Iterator[str]:
    """Each command, below the name of whoever types it where that is another than before."""
    last = YOU
    for one in found:
        by = _by(one.step)
        if by != last:
            yield f"# {by}:"
        last = by
        yield one.step.line
        yield from (f"#   {line}" for line in one.told)
        if isinstance(one.step, Typed) and one.step.wanted.code:
            yield f"#   must end with exit {one.step.wanted.code}: {one.said}"


def _by(step: Step) -> str:
    return step.by if isinstance(step, Typed | Copied | Made) else YOU
