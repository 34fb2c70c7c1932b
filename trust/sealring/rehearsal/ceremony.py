"""The commands of a ceremony, put together: drafts, a request, a signed copy of each holder, the assertions."""

from collections.abc import Iterable, Sequence

from sealring.keys import FamilyThreshold
from sealring.rehearsal.plan import Holder, Party
from sealring.rehearsal.steps import (
    DONE,
    SHORT,
    THIEF,
    YOU,
    At,
    Copied,
    Ending,
    Played,
    Step,
    Typed,
    key_file,
    public_half,
)

PASS = At("pass")
SECRET = ("--passphrase-file", PASS)
CLASSICAL = "classical"
MAX_SEQUENCE = 2**53 - 1


class Desk:
    """Where one situation's files lie: a folder of its own, so that each begins where the first ceremony ended."""

    def __init__(self, folder: str, by: str = YOU) -> None:
        self.folder, self.by = folder, by

    def at(self, name: str) -> At:
        """A file of this situation."""
        return At(f"{self.folder}/{name}")

    def signed(self, name: str) -> At:
        """An assertion that its ceremony has written."""
        return At(f"{self.folder}/signed/{name}.json")

    def draft(self, kind: str, name: str, *words: str) -> Typed:
        """`sealring create`."""
        return Typed(("sealring", "create", kind, *words, "-o", self.at(f"{name}.json")), by=self.by)

    def request(self, drafts: Sequence[At], *context: str, wanted: Ending = DONE) -> Typed:
        """`sealring request`, whose review is told."""
        words = ("sealring", "request", *drafts, *context, "-o", self.at("request"))
        return Typed(words, wanted, self.by, told=wanted.code == 0 and self.by == YOU)

    def ceremony(
        self,
        drafts: Sequence[At],
        context: Sequence[str],
        signers: Iterable[Holder],
        roots: Sequence[str],
        *more: str,
        short: bool = False,
    ) -> list[Step]:
        """A request, a signed copy of each signer, and the assertions.

        Args:
            context: options of the request, `--released` and `--cut` among them.
            roots: `--root FILE` of each holder's own record.
            more: options of `assemble`.
            short: play too that one copy is missing.
        """
        found: list[Step] = [self.request(drafts, *context)]
        copies = []
        for one in signers:
            copies.append(copy := self.at(f"{one.name}.request"))
            found.append(Copied(self.at("request"), copy, one.name))
            found.append(sign(copy, (one,), *roots, by=one.name))
        if short:
            found.append(self._assemble(copies[:-1], roots, more, SHORT))
        found.append(self._assemble(copies, roots, more, DONE))
        return found

    def at_once(self, drafts: Sequence[At], context: Sequence[str], keys: Sequence[Holder]) -> list[Played]:
        """The same, done by a thief who has all the keys."""
        request = self.at("request")
        return [
            self.request(drafts, *context),
            sign(request, keys, by=self.by),
            self._assemble([request], (), ("--cut",), DONE),
        ]

    def countersign(self, bundle: At, signers: Sequence[Holder], context: Sequence[str]) -> tuple[list[Step], At]:
        """`sealring countersign` by each signer in turn, and the bundle that comes of it."""
        found: list[Step] = []
        for one in signers:
            out = self.at(f"by-{one.name}")
            words = ("sealring", "countersign", bundle, "--key", key_file(one), *context, *SECRET, "-o", out)
            found.append(Typed(words, by=one.name))
            bundle = At(f"{out}/000001.bundle")
        return found, bundle

    def _assemble(self, copies: Sequence[At], roots: Sequence[str], more: Sequence[str], wanted: Ending) -> Typed:
        words = ("sealring", "assemble", *copies, *roots, *more, "-o", At(f"{self.folder}/signed"))
        return Typed(words, wanted, self.by)


def sign(file: At, keys: Sequence[Holder], *context: str, by: str = THIEF) -> Typed:
    """`sealring sign` by these keys, without the question that a person answers after the review."""
    held = [word for one in keys for word in ("--key", key_file(one))]
    return Typed(("sealring", "sign", file, *held, *context, *SECRET, "--yes"), by=by)


def verify(files: Sequence[At], *context: str, wanted: Ending = DONE) -> Typed:
    """`sealring verify`, which must accept all of the files, or refuse the first that it may not accept."""
    return Typed(("sealring", "verify", *files, *context), wanted)


def given(option: str, files: Iterable[str]) -> tuple[str, ...]:
    """`OPTION FILE` for each file."""
    return tuple(word for file in files for word in (option, file))


def key_options(party: Party, role: str = "") -> tuple[str, ...]:
    """`--key` for each holder and the thresholds, with the role's name where a root has it."""
    begin = f"--{role}-" if role else "--"
    keys = given(f"{begin}key", (public_half(one) for one in party.holders))
    return (*keys, *(word for one in party.thresholds for word in _threshold(begin, one)))


def their_key(key: Holder, party: Party, role: str = "") -> tuple[str, ...]:
    """A key set of this one key alone in place of the party's; what other families it had is taken out."""
    begin = f"--{role}-" if role else "--"
    out = given(f"{begin}family-threshold", (f"{one.family}=0" for one in party.thresholds if one.family != CLASSICAL))
    return (f"{begin}key", public_half(key), f"{begin}threshold", "1", *out)


def _threshold(begin: str, one: FamilyThreshold) -> tuple[str, str]:
    if (one.family, one.presence) == (CLASSICAL, "required"):
        return f"{begin}threshold", str(one.threshold)
    return f"{begin}family-threshold", f"{one.family}={one.threshold}:{one.presence}"
