"""`sealring assemble`: signed copies of one request become assertions, once every threshold is met."""

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, cast

import click

from sealring.bundle import StatementEntry, write_bundle
from sealring.chain import Authentic, Chain, Claim, begin_with_root
from sealring.command.ceremony import is_complete, judge_request, load_request, missing, request_object, show_standing
from sealring.command.files import EXISTING, NEW, about, json_option
from sealring.command.output import Output, counted
from sealring.command.outside import Outside
from sealring.command.request import cut_option, in_force, read_released, released_option
from sealring.command.tuf_request import assemble_root, is_root_request
from sealring.durable import create_durably, open_folder
from sealring.end_of_life import final_ids
from sealring.errors import TrustError
from sealring.request.judge import Judged, check_cut
from sealring.request.merge import Merged, check_same, merge_copies
from sealring.statement import TYPES, Brand, Delegation, Release, Root


@dataclass(eq=False)
class Incomplete(TrustError):
    """Not every threshold of the request is met yet (SPEC TH-1)."""

    complete: int
    drafts: int
    missing: tuple[tuple[str, tuple[str, ...]], ...]
    rule: ClassVar[str] = "TH-1"
    exit_code: ClassVar[int] = 21

    def __str__(self) -> str:
        return f"{self.complete} of {counted(self.drafts, 'assertion')} complete, nothing was written"

    def hint(self) -> str:
        words = "; ".join(f"{title}: {', '.join(names)}" for title, names in self.missing)
        return f"signatures of these keys would count for {words}"


@click.command(
    **about(
        "Put signed copies of one request together, in any order, and write its assertions once every threshold is"
        " met; until then it says who is missing, and ends with 21.",
        "sealring assemble alice.request bob.request --root root.json -o signed",
        "sealring assemble alice.request bob.request --root root.json --bundle acme-2.bundle",
    )
)
@click.argument("copies", nargs=-1, required=True, type=EXISTING, metavar="REQUEST...")
@click.option("--root", type=EXISTING, multiple=True, help="The root that you trust; later versions after it.")
@released_option
@cut_option
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A new folder for the assertions, a file each.")
@click.option("--bundle", type=NEW, help="A new bundle for them, instead of a folder.")
@json_option
@click.pass_obj
def assemble(
    outside: Outside,
    copies: tuple[Path, ...],
    root: tuple[Path, ...],
    released: tuple[Path, ...],
    cut: bool,
    output: Path | None,
    bundle: Path | None,
    as_json: bool,
) -> None:
    """All copies of one request."""
    if (output is None) == (bundle is None):
        raise click.UsageError("give -o FOLDER or --bundle FILE")
    if all(is_root_request(path) for path in copies):
        if output is None or released or cut:
            raise click.UsageError("with a TUF root only --root and -o FOLDER go")
        assemble_root(outside, copies, root, output, as_json)
        return
    judged, merged = assembled(copies, root, released)
    said = Output(outside)
    dropped = [{"assertion": one.title, "key": one.key, "why": one.why} for one in merged.dropped]
    complete = all(map(is_complete, judged.items))
    found: dict[str, Any] = {"complete": complete, "dropped": dropped}
    if as_json and not complete:
        said.object({**found, **request_object(merged.request, judged, outside.clock())})
    if not as_json:
        show_standing(said, judged)
        for one in merged.dropped:
            said.line(f"dropped from {one.title}: the signature of {one.key}: {one.why}")
    check_complete(judged)
    check_cut(judged, cut)
    check_as_a_device(judged)
    files = _write(judged, output, bundle)
    if as_json:
        said.object({**found, "files": files, **request_object(merged.request, judged, outside.clock())})
        return
    for name in files:
        said.line(f"written: {name}")


def assembled(copies: Sequence[Path], roots: Sequence[Path], released: Sequence[Path]) -> tuple[Judged, Merged]:
    """The one request of these copies with all signatures that count, judged; and what was left out.

    Raises:
        OtherRequest, TrustError.
    """
    requests = [load_request(path) for path in copies]
    first = check_same([(str(path), one) for path, one in zip(copies, requests, strict=True)])
    judged = judge_request(first, roots)
    if released:
        judged = judge_request(first, roots, in_force(judged.held, read_released(released)))
    merged = merge_copies(judged, requests)
    items = tuple(replace(i, claim=c) for i, c in zip(judged.items, merged.request.drafts, strict=True))
    return replace(judged, items=items), merged


def check_complete(judged: Judged) -> None:
    """Raise `Incomplete` while any threshold of any draft is short."""
    short = [item for item in judged.items if not is_complete(item)]
    if short:
        lacking = tuple((item.claim.statement.title, tuple(missing(item))) for item in short)
        raise Incomplete(len(judged.items) - len(short), len(judged.items), lacking)


def check_as_a_device(judged: Judged) -> None:
    """Raise unless a device that holds the context would take every assertion: the last word is the chain's own code.

    Raises:
        TrustError: which would mean that the review promised too much.
    """
    claims = [item.claim for item in judged.items]
    chain = judged.held.chain
    for claim in claims:
        if isinstance(claim.statement, Root):
            raw = claim.envelope.raw
            chain = Chain(begin_with_root(raw)) if chain is None else chain.with_root(raw)
    assert chain is not None  # judged: there is a root in force or a first one among the drafts
    for claim in claims:
        if isinstance(claim.statement, Brand):
            chain = chain.with_brand([claim.envelope.raw])
    chain = replace(chain, delegations=_delegations(chain, [*judged.request.context, *claims]))
    for claim in claims:
        said = claim.statement
        if not isinstance(said, Root | Brand):
            found = chain.authenticate(claim.envelope.raw, TYPES[said.type], said.authority)
            if isinstance(found.statement, Release):
                final_ids(chain, cast(Authentic[Release], found))


def _delegations(chain: Chain, claims: Sequence[Claim]) -> dict[str, Authentic[Delegation]]:
    found: dict[str, Authentic[Delegation]] = {}
    for claim in claims:
        if isinstance(claim.statement, Delegation):
            try:
                one = chain.authenticate(claim.envelope.raw, Delegation, claim.statement.authority)
            except TrustError:
                continue  # fallen, which was said and meant
            known = found.get(one.statement.subject)
            if known is None or known.statement.sequence <= one.statement.sequence:
                found[one.statement.subject] = one
    return found


def _write(judged: Judged, folder: Path | None, bundle: Path | None) -> list[str]:
    claims = [item.claim for item in judged.items]
    if bundle is not None:
        create_durably(bundle, write_bundle([StatementEntry(claim.envelope.raw) for claim in claims]))
        return [str(bundle)]
    assert folder is not None
    names = [f"{_name(claim)}.json" for claim in claims]
    with _new_folder(folder) as place:
        for name, claim in zip(names, claims, strict=True):
            create_durably(place / name, claim.envelope.raw)
    return [str(folder / name) for name in names]


def _name(claim: Claim) -> str:
    said = claim.statement
    number = "" if isinstance(said, Root) else f"-{said.sequence}"
    return f"{said.title.replace(' ', '-').replace('/', '-')}{number}"


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A folder beside it, which gets its name when all is written: there are all of the files, or there is none."""
    if folder.exists():
        raise FileExistsError(errno.EEXIST, "exists already and is never overwritten", str(folder))
    place = folder.with_name(f".{folder.name}.{os.urandom(8).hex()}.tmp")
    place.mkdir()
    try:
        yield place
        os.rename(place, folder)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    with open_folder(folder.parent) as parent:
        os.fsync(parent)
