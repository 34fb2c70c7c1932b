"""How `review`, `sign` and `assemble` reach a request for a store's TUF root; python-tuf is loaded for these alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sealring.command.files import read_file
from sealring.command.output import Output
from sealring.command.outside import Outside
from sealring.command.signer import FoundKey
from sealring.durable import write_durably
from sealring.request.merge import OtherRequest

TUF_BEGINS = b'{"tuf_request":'


@dataclass(frozen=True)
class RootGiven:
    """What the holder brought: the request's file, and TUF roots of their own, oldest first."""

    file: Path
    raw: bytes
    roots: tuple[Path, ...]


def is_root_request(path: Path) -> bool:
    """Whether this file is such a request."""
    return read_file(path, len(TUF_BEGINS)).startswith(TUF_BEGINS)


def review_root(outside: Outside, given: RootGiven, as_json: bool) -> None:
    """Say in plain words what changes, and who has signed."""
    from sealring.command import tuf_ceremony as ceremony
    from sealring.command import tuf_review as words

    request = ceremony.load_root_request(given.raw, given.roots)
    if as_json:
        Output(outside).object(words.root_request_object(request, outside.clock(), own=not given.roots))
    else:
        words.show_root_request(Output(outside), request, outside.clock(), own=not given.roots)


def sign_root(
    outside: Outside,
    given: RootGiven,
    found: Sequence[FoundKey],
    expected: str | None,
    ask: Callable[[Outside, str], None] | None,
    as_json: bool,
) -> None:
    """Review, ask, and add a signature by each key.

    Args:
        expected: the id that was seen in a review elsewhere.
        ask: puts the question; None signs without asking.
    """
    from sealring.command import tuf_ceremony as ceremony
    from sealring.command import tuf_review as words

    request = ceremony.load_root_request(given.raw, given.roots)
    if expected is not None and expected.replace(" ", "") != request.id:
        raise OtherRequest(str(given.file), request.id, expected.replace(" ", ""))
    for key in found:
        ceremony.check_may_sign(request, key.public)
    output, who = Output(outside), ", ".join(key.public.name for key in found)
    if not as_json:
        words.show_root_request(Output(outside), request, outside.clock(), own=not given.roots)
    if ask is not None:
        ask(outside, f"sign {request.draft.name} as {who}?")
    # Exactly what was reviewed is signed: the file is not read again, so it can't be swapped in between.
    for key in found:
        with key.open() as signer:
            request = ceremony.sign_root_request(request, signer)
    write_durably(given.file, request.raw)
    if as_json:
        said = words.root_request_object(request, outside.clock(), own=not given.roots)
        output.object({"file": str(given.file), "signed_by": who, **said})
        return
    output.line(f"signed by {who}: {given.file}")
    words.show_progress(output, request)


def assemble_root(outside: Outside, copies: Sequence[Path], roots: Sequence[Path], place: Path, as_json: bool) -> None:
    """All copies of one request as the store's next root, in a new folder."""
    from sealring.command import tuf_ceremony as ceremony

    ceremony.assemble_root(outside, copies, roots, place, as_json)
