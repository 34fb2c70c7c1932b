"""One audit of one store, from its pin or from where the last one ended (SPEC CT-5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from sealring.durable import write_durably
from sealring.errors import SealringError
from sealring_server.audit.asking import Asking, Bounds
from sealring_server.audit.follow import Follower, Found
from sealring_server.audit.one_model import judge_model
from sealring_server.audit.state import State, open_state

OBSERVATION = "observation.bundle"


@dataclass(eq=False)
class NoPin(SealringError):
    """Nothing says which TUF root is the store's (SPEC TF-8)."""

    url: str
    rule: ClassVar[str] = "TF-8"
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return f"{self.url}: nothing says which TUF root is this store's"

    def hint(self) -> str:
        return "give --tuf-root or --assertion; --trust-first takes what the store shows now"


@dataclass(eq=False)
class OtherState(SealringError):
    """A state that was made for something else."""

    what: str
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return f"this state {self.what}"

    def hint(self) -> str:
        return "give another folder by --state"


@dataclass(frozen=True)
class Wanted:
    """What is to be audited.

    Args:
        pin: SHA-256 of the store's TUF root, hex.
        trust_first: take the root that the store shows where neither a pin nor a state is there.
        models: only the views of these models, at the newest entry; all of everything where there are none.
    """

    url: str
    pin: str | None = None
    trust_first: bool = False
    models: Sequence[str] = ()


@dataclass(frozen=True)
class Audited:
    """What a good audit found, and what it cost."""

    found: Found
    pin: str
    requests: int
    received: int


def audit(wanted: Wanted, folder: Path, at: datetime, bounds: Bounds) -> Audited:
    """Follow the store; after it returns, all that it ever showed is one true story so far.

    Raises:
        Contradiction, NotShown, TrustError: exit 25; what can be shown to others lies in `folder`/evidence.
        SealringError, OSError.
    """
    ask = Asking(wanted.url, bounds)
    try:
        with open_state(folder, create=True) as state:
            pin = _pin(state, wanted)
            follower = Follower(state, ask, at, statements=_takes_statements(state, wanted))
            found = follower.run(pin)
            for model in wanted.models:
                judge_model(follower, model)
            raw = state.fact("shown")
            assert raw is not None  # kept with the entry that was judged
            write_durably(folder / OBSERVATION, raw)
            return Audited(found, follower.pinned, ask.requests, ask.received)
    finally:
        ask.close()


def _pin(state: State, wanted: Wanted) -> str | None:
    """The digest of the first root; it stays the state's for ever."""
    raw = state.fact("pin")
    held = None if raw is None else raw.decode()
    if held is not None and wanted.pin not in (None, held):
        raise OtherState(f"is about TUF root {held}")
    if held is None and wanted.pin is None and not wanted.trust_first:
        raise NoPin(wanted.url)
    return held or wanted.pin


def _takes_statements(state: State, wanted: Wanted) -> bool:
    """A map that was followed without its statements can't be judged with them later, nor the other way round."""
    mode = b"models" if wanted.models else b"all"
    held = state.fact("mode")
    if held not in (None, mode):
        raise OtherState("was made with --model" if held == b"models" else "was made without --model")
    with state.writing():
        state.keep("mode", mode)
    return mode == b"all"
