"""What signs while the store runs: for each role the keys that the newest TUF root names (SPEC TF-1, TF-9).

Another process may publish a root at any moment. So which key signs is asked within the transaction that writes, of
the root that this transaction sees, and never of what this process knew before.
"""

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field

from securesystemslib.signer import Signature
from tuf.api.metadata import Metadata, Role, Root

from sealring.errors import SealringError
from sealring.keyfile.tuf import TufSigner
from sealring.keystores import load_signer
from sealring_server.failures import Failures
from sealring_server.key_folder import KeyFolder, KeyMissing
from sealring_server.surroundings import wake_tokens


@dataclass
class _Opened:
    """The keys that this process has open, and the root that names them."""

    version: int = 0
    root: Root | None = None
    signers: dict[str, tuple[TufSigner, ExitStack]] = field(default_factory=dict)
    process: int = field(default_factory=os.getpid)


class OnlineKeys:
    """A store's online keys, opened when they first sign. Safe for threads, and after a fork."""

    def __init__(self, keys: KeyFolder, failures: Failures) -> None:
        self.keys = keys
        self.failures = failures
        self._lock = threading.RLock()
        self._opened = _Opened()

    def root(self, version: int, read: Callable[[], bytes]) -> Root:
        """The root of this version; keys that an earlier one named are let go of.

        Args:
            version: of the newest root in the caller's transaction.
            read: gives its bytes; asked only when this process has not read them yet.
        """
        with self._lock:
            self._after_fork()
            if self._opened.root is None or self._opened.version != version:
                root = Metadata[Root].from_bytes(read()).signed
                self._close(ident for ident in [*self._opened.signers] if ident not in root.keys)
                self._opened.version, self._opened.root = version, root
            return self._opened.root

    def sign(self, name: str, role: Role, message: bytes) -> list[Signature]:
        """Signatures of this message by the role's keys, as many as are here.

        Args:
            role: as the newest root, or the targets that delegate, name its keys and threshold.

        Raises:
            KeyMissing: fewer keys are here than the threshold.
            SealringError, OSError: a key can't be opened, or its keeper refuses.
        """
        try:
            return self._sign(name, role, message)
        except (SealringError, OSError):
            self.failures.signing_failed()
            raise

    def _sign(self, name: str, role: Role, message: bytes) -> list[Signature]:
        with self._lock:
            self._after_fork()
            signers = [found for ident in role.keyids if (found := self._signer(ident)) is not None]
            if len(signers) < role.threshold:
                words = f"{len(signers)} secret keys of the role {name} are here, {role.threshold} needed"
                raise KeyMissing(words)
            return [signer.sign(message) for signer in signers]

    def check(self, root: Root, roles: Iterable[str]) -> None:
        """Raise unless this store could sign for each of these roles of a root.

        Raises:
            KeyMissing, SealringError, OSError.
        """
        for name in roles:
            self.sign(name, root.roles[name], b"sealring: can this key sign?")

    def close(self) -> None:
        """Let go of every key."""
        with self._lock:
            self._close([*self._opened.signers])
            self._opened.root = None

    def _signer(self, ident: str) -> TufSigner | None:
        if ident not in self._opened.signers:
            listed = next((one for one in self.keys.read() if one.id == ident), None)
            if listed is None:
                return None
            where, closing = self.keys.where(listed), ExitStack()
            wake_tokens(where)
            try:
                signer = TufSigner(closing.enter_context(load_signer(where, self.keys.asker(listed)).open()))
            except FileNotFoundError:
                closing.close()
                return None
            if signer.public_key.keyid != ident:
                closing.close()
                raise KeyMissing(f"{where} holds the key {signer.public_key.keyid[:16]}, {ident[:16]} needed")
            self._opened.signers[ident] = (signer, closing)
        return self._opened.signers[ident][0]

    def _close(self, idents: Iterable[str]) -> None:
        for ident in list(idents):
            self._opened.signers.pop(ident)[1].close()

    def _after_fork(self) -> None:
        # A token's session is no use in a child, and the parent's keys are the parent's to close.
        if self._opened.process != os.getpid():
            self._opened = _Opened()
