"""Files of a store that are named by their content, from whichever of its addresses has them (SPEC DV-4, DV-6).

What such a file is, its name says: which address sent it decides nothing. So an address that proves a view and then
keeps back, or spoils, what the view lists holds nobody up while the store has another.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256

from sealring.catalogue.proof import verify_proof
from sealring.errors import TrustError, Unreachable
from sealring_client.decide.tuf import Source
from sealring_client.fetch.link import StoreLink


class ByContent:
    """Asks where the view came from; what that lacks or spoils, the other addresses, each of which is then kept."""

    def __init__(self, source: Source, link: StoreLink) -> None:
        self._link = link
        self._sources: list[Source] = [source]
        self._rest: Iterator[StoreLink] | None = None

    def fetch(self, path: str, *, limit: int) -> bytes:
        """The file, by the first address that gives what the path names; else what the first one gave.

        Raises:
            Unreachable: no address gave anything; the first one's reason.
        """
        wrong: bytes | None = None
        failed: Unreachable | None = None
        for source in self._each():
            try:
                raw = source.fetch(path, limit=limit)
            except Unreachable as err:
                failed = failed or err
                continue
            if _is_named(path, raw):
                # Whoever had this has the rest too: the next file is asked for here first.
                self._sources.sort(key=lambda one: one is not source)
                return raw
            wrong = raw if wrong is None else wrong
        if wrong is not None:
            return wrong  # whoever asked says why it is refused
        assert failed is not None, "there is always one source"
        raise failed

    def close(self) -> None:
        """Let the connections to the other addresses go."""
        for one in self._sources:
            if isinstance(one, StoreLink) and one is not self._link:
                one.close()

    def _each(self) -> Iterator[Source]:
        yield from tuple(self._sources)
        if self._rest is None:
            self._rest = self._link.elsewhere()
        for other in self._rest:
            self._sources.append(other)
            yield other


def _is_named(path: str, raw: bytes) -> bool:
    """Whether these bytes are what the path names."""
    kind, _, name = path.removeprefix("v1/").partition("/")
    return _CHECKS[kind](name, raw)


def _by_digest(name: str, raw: bytes) -> bool:
    return sha256(raw).hexdigest() == name


def _by_proof(name: str, raw: bytes) -> bool:
    root, _, keys = name.partition("/")
    try:
        verify_proof(raw, bytes.fromhex(root), [bytes.fromhex(key) for key in keys.split(",")])
    except TrustError:
        return False
    return True


_CHECKS: dict[str, Callable[[str, bytes], bool]] = {
    "statements": _by_digest,
    "halts": _by_digest,
    "proofs": _by_proof,
}
