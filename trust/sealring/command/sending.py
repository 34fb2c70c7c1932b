"""How a publication is sent: statements first, then the images that the store lacks (SPEC PB-8, PB-10, PB-11)."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import ClassVar

import click

from sealring.bundle import BadParts, StatementEntry, write_bundle
from sealring.chain import Claim
from sealring.command.kept_token import Begun, KeptToken, Missing, kept_token, parse_begun
from sealring.command.outside import Outside
from sealring.command.patience import Patience, wish_of
from sealring.command.progress import progress
from sealring.command.store_http import BadAnswer, Line, StoreClient, StoreRefused
from sealring.command.terms import Terms
from sealring.command.uploading import ImageFile, ImageNeeded, Uploads
from sealring.errors import SealringError

BUNDLE_TYPE = "application/vnd.sealring.bundle"
MAX_STATEMENTS = 16 * 1024 * 1024  # bytes that a store takes in one publication


@dataclass(eq=False)
class Interrupted(SealringError):
    """The person pressed Ctrl-C."""

    goes_on: bool
    exit_code: ClassVar[int] = 130

    def __str__(self) -> str:
        return "interrupted: nothing of this publication is to be seen, unless its last step had begun"

    def hint(self) -> str:
        if self.goes_on:
            return "the same command goes on from here; the store keeps what it got for a day"
        return "the same command begins again, and says whether it is there already"


@dataclass(eq=False)
class Outrun(SealringError):
    """The store holds a higher sequence than what was to be published (SPEC FL-1)."""

    title: str
    offered: int
    held: int
    by: str
    exit_code: ClassVar[int] = 23

    @property
    def rule(self) -> str:  # type: ignore[override]
        return self.by

    def __str__(self) -> str:
        return f"{self.title}: sequence {self.offered} was to be published, the store has {self.held}"

    def hint(self) -> str:
        return (
            f"nothing was published: look at what is there, make it again as sequence {self.held + 1} or later,"
            " and have it signed"
        )


def send(
    outside: Outside,
    store: StoreClient,
    claims: Sequence[Claim],
    images: dict[str, ImageFile],
    terms: Terms,
    *,
    quiet: bool,
) -> bytes:
    """The publication in one request, or in several where the store lacks an image; the receipt, unverified (PB-10).

    The same again is no news to a store and gets a receipt too: whoever lost the answer asks again.

    Args:
        quiet: no progress bars.

    Raises:
        SealringError: and then nothing was published, unless only the answer was lost; what was sent is kept there.
    """
    bundle = statements_bundle(claims, terms)
    with kept_token(outside.state, store.url, bundle, terms.query) as kept:
        sending = _Sending(outside, store, images, terms, bundle, kept, quiet)
        try:
            return sending.receipt()
        except KeyboardInterrupt:
            raise Interrupted(kept.is_kept) from None
        except StoreRefused as err:
            raise outrun(err, claims) from None


def statements_bundle(claims: Sequence[Claim], terms: Terms) -> bytes:
    """The statements as they are sent, at most what a store takes."""
    entries = [StatementEntry(claim.envelope.raw) for claim in (*claims, *terms.following)]
    try:
        bundle = write_bundle(entries, parts=True)
    except BadParts:  # a draft, which the store refuses in its own words
        bundle = write_bundle(entries)
    if len(bundle) > MAX_STATEMENTS:
        raise click.UsageError(
            f"{len(entries)} statements of {len(bundle)} bytes, at most {MAX_STATEMENTS} in one publication:"
            " publish the revisions first, in several parts, and then the releases that name them"
        )
    return bundle


def outrun(err: StoreRefused, claims: Sequence[Claim]) -> SealringError:
    """The refusal in words that say which statement it is, where it is about a sequence that does not grow."""
    if err.sequences is not None:
        offered, held = err.sequences
        for claim in claims:
            if claim.statement.sequence == offered < held and err.said.startswith(f"{claim.statement.title}:"):
                return Outrun(claim.statement.title, offered, held, err.by)
    return err


def post(
    outside: Outside,
    store: StoreClient,
    path: str,
    body: bytes,
    statuses: tuple[int, ...],
    *,
    only_if_wished: bool = False,
) -> tuple[int, bytes]:
    """One request, again where that may help.

    Args:
        only_if_wished: give up at once where the store does not say itself when to come again: so an address
            that is wrong is told at once.

    Raises:
        StoreUnreachable, StoreRefused, BadAnswer, GaveUp.
    """
    patience = Patience(outside.sleep, outside.chance)
    headers = {"Content-Type": BUNDLE_TYPE, "Content-Length": str(len(body))}
    while True:
        try:
            with closing(Line(store)) as line:
                answer = line.ask("POST", path, body, headers, statuses)
                return answer.status, answer.body
        except SealringError as err:
            if only_if_wished and not wish_of(err):
                raise
            patience.again(err)


@dataclass(frozen=True)
class _Sending:
    outside: Outside
    store: StoreClient
    images: dict[str, ImageFile]
    terms: Terms
    bundle: bytes = field(repr=False)
    kept: KeptToken
    quiet: bool

    def receipt(self) -> bytes:
        begun = self.kept.load()
        if begun is not None:
            try:
                return self._complete(begun, is_new=False)
            except StoreRefused as err:
                if err.status != 410:
                    raise
                self.kept.forget()  # it ended, or it was committed and the answer was lost: the store says which
        return self._from_the_beginning()

    def _from_the_beginning(self) -> bytes:
        begun = self._begin()
        if isinstance(begun, bytes):
            return begun
        self.kept.save(begun)
        try:
            return self._complete(begun, is_new=True)
        except StoreRefused as err:
            if err.status != 410:
                raise
        # The answer to the last step was lost, and it was done: the same statements again are no news there.
        self.kept.forget()
        begun = self._begin()
        if not isinstance(begun, bytes):
            raise BadAnswer("the publication ended before its images were sent")
        return begun

    def _begin(self) -> bytes | Begun:
        """The receipt, where nothing is missing; else what is."""
        path = f"/v1/publications{self.terms.query_with('commit=yes')}"
        status, answer = post(self.outside, self.store, path, self.bundle, (200, 201), only_if_wished=True)
        if status == 200:
            return answer
        begun = parse_begun(answer)
        if begun is None:
            raise BadAnswer("no publication token and list of missing images")
        return begun

    def _complete(self, begun: Begun, *, is_new: bool) -> bytes:
        wanted = [self._wanted(missing) for missing in begun.missing]
        names = {image.sha256: (image.path.name, image.size) for image in wanted}
        with progress(self.outside, names, quiet=self.quiet) as told:
            Uploads(self.outside, self.store, begun.publication, told, is_begun=not is_new).send(wanted)
        path = f"/v1/publications/{begun.publication}/commit{self.terms.query}"
        receipt = post(self.outside, self.store, path, b"", (200,))[1]
        self.kept.forget()
        return receipt

    def _wanted(self, missing: Missing) -> ImageFile:
        image = self.images.get(missing.sha256)
        if image is None:
            raise ImageNeeded(missing.sha256, "the store has not got it, and it was not given")
        if image.size != missing.size:
            raise ImageNeeded(missing.sha256, f"{missing.size} bytes wanted, the file has {image.size}")
        return image
