"""An image on its way from a store to the disk: `fetch` yields bytes, `apply` alone opens images (SPEC IM-1, IM-2)."""

from collections.abc import Iterator, Sequence
from contextlib import closing

from sealring.errors import SealringError, TrustError, Unreachable
from sealring_client.apply.images import ImageStore, TooLong, WrongDigest
from sealring_client.fetch.errors import NotThere, TooSlow
from sealring_client.fetch.link import StoreLink
from sealring_client.outside import Outside
from sealring_client.part import Part

GOOD_RATE = 64 * 1024  # bytes a second; a store below it is asked again only when no other has the image


def bring_image(part: Part, links: Sequence[StoreLink], images: ImageStore, outside: Outside) -> None:
    """The part's image is there afterwards, from whichever store has it: the digest decides.

    Raises:
        SealringError: the last refusal, else the last store's reason, where none could give it.
    """
    if images.have(part.sha256, part.size):
        return
    failed: SealringError = NotThere("every store", f"v1/blobs/{part.sha256}", 404)
    for link, rate in _attempts(links, slow := []):
        try:
            _bring_from(part, link, images, outside, rate)
            return
        except (Unreachable, TooLong, WrongDigest) as err:
            # HF-1: a store that drips must not keep the others from being asked; if all are slow, the line is.
            if isinstance(err, TooSlow) and rate is not None:
                slow.append(link)
            # That one store lies is worth more to a person than that the next is out of reach.
            failed = err if isinstance(err, TrustError) or not isinstance(failed, TrustError) else failed
            if isinstance(err, TooLong):  # whatever came before was of the same hand
                images.remove(part.sha256)
    raise failed


def _attempts(links: Sequence[StoreLink], slow: list[StoreLink]) -> Iterator[tuple[StoreLink, int | None]]:
    """Each store where it is asked now, then at its other addresses (DV-6), and those that are slow last of all."""
    for link in links:
        yield link, GOOD_RATE
    for link in links:
        for other in link.elsewhere():
            with closing(other):
                yield other, GOOD_RATE
    for link in tuple(slow):
        yield link, None


def _bring_from(part: Part, link: StoreLink, images: ImageStore, outside: Outside, rate: int | None) -> None:
    with images.begin(part.sha256, part.size) as incoming:
        resumed = incoming.held > 0
        try:
            stream = link.stream(f"v1/blobs/{part.sha256}", offset=incoming.held, size=part.size, rate=rate)
            if stream.start != incoming.held:
                incoming.restart()
            for piece in stream:
                incoming.write(piece)
                outside.progress(part.package, incoming.held, part.size)
            incoming.finish()
            return
        except WrongDigest:
            # What another store had sent before it broke off may be the wrong half: this one gets a whole try.
            if not resumed:
                raise
    _bring_from(part, link, images, outside, rate)
