"""Whose signatures does an assertion need? For people who sign: it decides nothing, devices do (SPEC TH-1).

The chain proper lives in `sealring.chain`; here the key sets that it will ask for are listed beforehand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sealring.chain import Chain, Claim, WrongStatement, begin_with_root
from sealring.command.files import load_claim, read_file
from sealring.command.output import Output
from sealring.envelope import MAX_ENVELOPE, Envelope
from sealring.errors import TrustError
from sealring.keys import PublicKey
from sealring.names import NO_ROOT
from sealring.request.standing import Needed, is_final
from sealring.statement import Brand, Common, Root
from sealring.threshold import signing_progress


@dataclass(eq=False)
class ForeignKey(TrustError):
    """A signature by this key would count nowhere (SPEC TH-1)."""

    what: str
    key: str
    wanted: tuple[str, ...]
    rule: ClassVar[str] = "TH-1"
    exit_code: ClassVar[int] = 21

    def __str__(self) -> str:
        return f"{self.what}: a signature of {self.key} counts in none of the key sets that may sign it"

    def hint(self) -> str:
        return f"sign with one of: {', '.join(self.wanted)}; or give the newer --root, --brand or --replaces"


@dataclass(eq=False)
class NotAfter(TrustError):
    """The file given as the earlier one is not of the same subject, or is no earlier one (SPEC ST-6)."""

    what: str
    before: str
    rule: ClassVar[str] = "ST-6"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.what} does not replace {self.before}"

    def hint(self) -> str:
        return "--replaces wants the assertion of the same type that this one follows"


def load_replaced(path: Path | None, claim: Claim) -> Common | None:
    """The statement that `claim` replaces, from the file that the person named."""
    if path is None:
        return None
    before = load_claim(path).statement
    if before.type != claim.statement.type or before.authority != claim.statement.authority:
        raise NotAfter(claim.statement.title, before.title)
    return before


def load_chain(root: Path, later_roots: Sequence[Path], brands: Sequence[Path]) -> Chain:
    """The chain that these files make: one root as the anchor, later roots and brands walked in the order given."""
    chain = Chain(begin_with_root(read_file(root, MAX_ENVELOPE)))
    for path in later_roots:
        chain = chain.with_root(read_file(path, MAX_ENVELOPE))
    for raws in _by_brand(brands).values():
        chain = chain.with_brand(raws)
    return chain


def needed_sets(claim: Claim, root: Common | None, brand: Common | None, before: Common | None) -> list[Needed]:
    """Every key set whose threshold this assertion must meet, as far as the given files tell."""
    statement = claim.statement
    if isinstance(statement, Root):
        return _for_root(statement, before)
    if isinstance(statement, Brand):
        return _for_brand(root, before)
    found = []
    if isinstance(brand, Brand) and brand.brand == statement.authority:
        found.append(Needed(f"brand {brand.brand}, sequence {brand.sequence}", brand.keys))
    if is_final(statement) and isinstance(root, Root):
        found.append(Needed(f"root {root.sequence}, role brand", root.roles.brand))
    return found


def check_useful(claim: Claim, sets: Sequence[Needed], key: PublicKey) -> None:
    """Refuse a key that no set lists, where the sets are known: the mistake is cheap now and dear later."""
    # EL-1: of the two sets that sign a last release, the files given may tell one only.
    if is_final(claim.statement) and len(sets) < 2:
        return
    if sets and all(key.id not in {k.id for k in needed.keys.keys} for needed in sets):
        raise ForeignKey(claim.statement.title, key.name, tuple(k.name for needed in sets for k in needed.keys.keys))


def progress_rows(envelope: Envelope, sets: Sequence[Needed]) -> list[tuple[dict[str, Any], str]]:
    """How far each threshold is, as an object and in words; a way out that nobody has begun is left out."""
    found = []
    for needed in sets:
        progress = signing_progress(envelope, needed.keys)
        if needed.is_instead and not progress.signed:
            continue
        signed, missing = [key.name for key in progress.signed], [key.name for key in progress.missing]
        for family, count, wanted in progress.needed:
            line = {"by": needed.by, "family": family, "count": count, "needed": wanted, "enough": count >= wanted}
            rest = "enough" if count >= wanted else f"missing: {', '.join(missing)}"
            words = f"{needed.by}: {count} of {wanted} {family}, signed: {', '.join(signed) or 'nobody'}; {rest}"
            found.append(({**line, "signed": signed, "missing": missing}, words))
    return found


def progress_object(envelope: Envelope, sets: Sequence[Needed]) -> list[dict[str, Any]]:
    """How far each key set is, for `--json`; empty where the files given do not tell which sets count."""
    return [line for line, _ in progress_rows(envelope, sets)]


def show_progress(output: Output, envelope: Envelope, sets: Sequence[Needed]) -> None:
    """Say for each key set how far it is, such as `brand acme: 2 of 3, missing: carol`."""
    if not sets:
        output.line(
            f"signatures: {len(envelope.signatures)}; give --root, --brand or --replaces to know who is missing"
        )
    for _, words in progress_rows(envelope, sets):
        output.line(words)


def show_other_half(output: Output, claim: Claim, sets: Sequence[Needed]) -> None:
    """Of a last release: say that two key sets sign it, where the files given tell one only (SPEC EL-1)."""
    if is_final(claim.statement) and len(sets) == 1:
        output.line("a final release is signed by its brand and by the root's role brand: give --root and --brand")


def _for_root(statement: Root, before: Common | None) -> list[Needed]:
    own = Needed(f"root {statement.sequence}, its own keys", statement.roles.root)
    if isinstance(before, Root) and before.sequence < statement.sequence:
        return [Needed(f"root {before.sequence}, the keys before", before.roles.root), own]
    return [own] if statement.root == NO_ROOT else []


def _for_brand(root: Common | None, before: Common | None) -> list[Needed]:
    if not isinstance(root, Root):
        return []
    sets = [Needed(f"root {root.sequence}, role brand", root.roles.brand)]
    if isinstance(before, Brand):
        sets.append(Needed(f"brand {before.brand}, the keys of sequence {before.sequence}", before.keys))
        sets.append(Needed(f"root {root.sequence}, role root, in place of the keys before", root.roles.root, True))
    return sets


def _by_brand(paths: Sequence[Path]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for path in paths:
        claim = load_claim(path)
        if not isinstance(claim.statement, Brand):
            raise WrongStatement(str(path), claim.statement.title, "a brand", "ST-6")
        found.setdefault(claim.statement.brand, []).append(claim.envelope.raw)
    return found
