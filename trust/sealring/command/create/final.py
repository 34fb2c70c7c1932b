"""The end of life of a product: a release that names what it rests on, by the ids of the assertions themselves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import click

from sealring.chain import Claim, WrongStatement
from sealring.command.draft import Base
from sealring.command.files import EXISTING, load_claim
from sealring.errors import TrustError
from sealring.statement import Brand, Common, Model, Release, RevisionStatement
from sealring.statement.software import Final, Target

F = TypeVar("F", bound=Callable[..., Any])
K = TypeVar("K", bound=Common)


@dataclass(eq=False)
class Unsigned(TrustError):
    """A final release rests on what is in force, and a draft may never be (SPEC TH-1)."""

    what: str
    rule: ClassVar[str] = "TH-1"
    exit_code: ClassVar[int] = 21

    def __str__(self) -> str:
        return f"{self.what}: a draft without any signature found, the signed assertion needed"

    def hint(self) -> str:
        return "give the file that devices hold; `sealring verify` tells whether it is in force"


def final_options(command: F) -> F:
    """`--final` and the files whose ids are named."""
    for option in reversed(
        [
            click.option(
                "--final",
                is_flag=True,
                help="The last of a product: no expiry stops it. The root's role brand signs it too.",
            ),
            click.option("--final-brand", type=EXISTING, help="The brand's assertion that it rests on."),
            click.option("--final-model", type=EXISTING, multiple=True, help="A model's; repeat for each model."),
            click.option("--final-revision", type=EXISTING, multiple=True, help="A revision's; repeat for each."),
        ]
    ):
        command = option(command)
    return command


def final_of(
    options: dict[str, Any], base: Base, old: Release | None, *, moved: bool, package: str, targets: Sequence[Target]
) -> Final | None:
    """The ids that a final release names, None where the options say nothing.

    Args:
        moved: whether other revisions are released than by --replaces.
        package: the full name of what is released.
    """
    files = (options["final_brand"], options["final_model"], options["final_revision"])
    if not options["final"]:
        if any(files):
            raise click.UsageError("--final-brand, --final-model and --final-revision go with --final")
        if moved and old is not None and isinstance(old.final, Final) and "final" not in base.left_out:
            raise click.UsageError(
                "--replaces is final for other revisions: give --final with its files, or --no-final"
            )
        return None
    if not all(files):
        raise click.UsageError("--final needs --final-brand, --final-model and --final-revision: what it rests on")
    models = {_model(path, package) for path in files[1]}
    revisions = _revisions(files[2], package, targets)
    return Final(_brand(files[0], package), sorted(models), sorted(revisions))


def _brand(path: Path, package: str) -> str:
    claim, said = _signed(path, Brand)
    if said.brand != package.partition("/")[0]:
        raise WrongStatement(str(path), said.title, f"the brand of {package}", "AU-1")
    return claim.envelope.id


def _model(path: Path, package: str) -> str:
    claim, said = _signed(path, Model)
    if package not in {wanted.package for wanted in said.packages}:
        raise WrongStatement(str(path), said.title, f"a model that runs {package}", "RL-2")
    return claim.envelope.id


def _revisions(paths: Sequence[Path], package: str, targets: Sequence[Target]) -> set[str]:
    """The ids of exactly what is released: one for each target, and what a target names as the one before."""
    wanted = {(t.architecture, t.revision) for t in targets}
    also = {(t.architecture, t.previous) for t in targets}
    found: dict[tuple[str, int], str] = {}
    for path in paths:
        claim, said = _signed(path, RevisionStatement)
        if said.name != package or (said.architecture, said.revision) not in wanted | also:
            raise WrongStatement(str(path), said.title, f"a revision of {package} that is released", "RV-1")
        found[said.architecture, said.revision] = claim.envelope.id
    missing = sorted(wanted - set(found))
    if missing:
        names = ", ".join(f"{architecture}={number}" for architecture, number in missing)
        raise click.UsageError(f"--final-revision: no file for {names}")
    return set(found.values())


def _signed(path: Path, kind: type[K]) -> tuple[Claim, K]:
    claim = load_claim(path)
    if not isinstance(claim.statement, kind):
        raise WrongStatement(str(path), claim.statement.title, f"a {kind.__struct_config__.tag}", "ST-6")
    if not claim.envelope.signatures:
        raise Unsigned(str(path))
    return claim, claim.statement
