"""One package of a generation: what is chosen, brought, mounted and remembered (SPEC GN-1)."""

import re
from dataclasses import dataclass, fields

_PACKAGE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}/[a-z0-9][a-z0-9._+-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, order=True)
class Part:
    """One package of a generation.

    Args:
        package: `brand/name`.
        revision: its number; `version` is what people call it.
        sha256: of the image, which has `size` bytes.
        release: digest of the envelope of the release, or stack, by which it was installed; `statement` that of
            the revision's envelope.
    """

    package: str
    revision: int
    architecture: str
    version: str
    sha256: str
    size: int
    release: str
    statement: str

    def __post_init__(self) -> None:
        """Refuse what would lead a link out of its folder, or what no reader could take back."""
        good = (
            all(type(getattr(self, field.name)) is field.type for field in fields(self))
            and _PACKAGE.fullmatch(self.package)
            and all(_DIGEST.fullmatch(digest) for digest in (self.sha256, self.release, self.statement))
            and 0 <= self.revision < 2**53
            and 0 <= self.size < 2**53
            and all(len(text) <= 256 and text.isprintable() for text in (self.architecture, self.version))
        )
        if not good:
            raise ValueError("a part's members are out of their bounds")
