"""What a check has found: what is wrong, what is only worth telling, and how much was looked at."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sqlalchemy.exc import DatabaseError

from sealring.errors import SealringError

KEPT = 100  # findings that are told in full

CATALOGUE, IMAGE, DISK = 25, 26, 12
_HINTS = {
    DISK: "save what can be read, replace the disk, and restore the folder from a backup",
    CATALOGUE: "stop the store, keep a copy of the folder as evidence, and restore it from a backup or from a mirror",
    IMAGE: "put the image's file back from a backup or a mirror; what is served is refused by devices until then",
}


@dataclass(eq=False)
class StoreDamaged(SealringError):
    """A store that `sealring-store fsck` found wrong; the report says where."""

    store: str
    count: int
    first: str
    code: int
    exit_code: ClassVar[int] = CATALOGUE

    def __post_init__(self) -> None:
        self.exit_code = self.code  # type: ignore[misc]

    def __str__(self) -> str:
        return f"{self.store}: {self.count} thing{'' if self.count == 1 else 's'} wrong; {self.first}"

    def hint(self) -> str:
        return _HINTS[self.code]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: where, what was found and what was needed, and the exit code of its kind."""

    part: str
    what: str
    code: int


@dataclass
class Report:
    """Filled while a store is checked."""

    wrong: list[Finding] = field(default_factory=list)
    """The first hundred."""
    told: list[str] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)

    def bad(self, part: str, what: str, code: int = CATALOGUE) -> None:
        """Note something wrong."""
        self.codes[code] += 1
        if len(self.wrong) < KEPT:
            self.wrong.append(Finding(part, what, code))

    def tell(self, what: str) -> None:
        """Note something that is no error."""
        self.told.append(what)

    def error(self, store: str) -> StoreDamaged | None:
        """What a command ends with: a disk that can't be read comes first, then the catalogue, then images."""
        for code in (DISK, CATALOGUE, IMAGE):
            first = next((one for one in self.wrong if one.code == code), None)
            if first is not None:
                return StoreDamaged(store, self.codes.total(), f"{first.part}: {first.what}", code)
        return None

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """One part of the check: where damage stops it, that is a finding, and the other parts go on."""
        try:
            yield
        except DatabaseError as err:
            self.bad(name, f"can't be read to its end: {err.orig}", DISK)
        except OSError as err:
            self.bad(name, f"{err.filename or 'disk'}: {(err.strerror or str(err)).lower()}", DISK)
        except SealringError as err:
            self.bad(name, str(err))
        except (ValueError, TypeError, LookupError, AssertionError, AttributeError) as err:
            # A row of a shape that the store never writes; the code that reads rows trusts their shape.
            self.bad(name, f"a row of another shape than the store writes: {type(err).__name__} {err}"[:200])

    def as_object(self, store: str, entry: int) -> dict[str, Any]:
        """For `--json`."""
        error = self.error(store)
        return {
            "format": 1,
            "store": store,
            "entry": entry,
            "checked": dict(self.checked),
            "wrong": [{"part": one.part, "what": one.what, "exit": one.code} for one in self.wrong],
            "wrong_in_all": self.codes.total(),
            "told": self.told,
            "exit": error.exit_code if error is not None else 0,
        }
