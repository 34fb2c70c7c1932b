"""What is proven, and about whom (SPEC CT-5)."""

from dataclasses import dataclass

from sealring.tuf_set import RootMark


@dataclass(frozen=True)
class Judgement:
    """What is proven.

    Args:
        rule: the rule that the store broke.
        root: the store's TUF root, by which both sides are the same store.
        signed: whether the store's keys alone prove it; otherwise an answer without a signature is part of it.
    """

    rule: str
    what: str
    root: RootMark
    signed: bool = True

    @property
    def about(self) -> str:
        """Who is accused, in words."""
        who = f"who holds the online keys under TUF root version {self.root.version}, sha256 {self.root.sha256}"
        if self.signed:
            return f"{who}, signed it: no network, mirror or witness can make this"
        return f"{who}, signed the entries; the answer beside them has no signature: anybody on the way can make one"
