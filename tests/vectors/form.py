"""The form of a test vector: headers, a blank line, named parts in base64 (tests/vectors/README.md)."""

import base64
import textwrap
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_LONG = 1000  # bytes; as many of one value are written as their number
_WIDTH = 118  # characters of a line


@dataclass(frozen=True)
class Vector:
    """One case. `parts` keeps the order of the file: it is the order in which a procedure takes them."""

    headers: dict[str, str]
    parts: tuple[tuple[str, bytes], ...]

    @property
    def refused(self) -> str:
        """The rule that must refuse it; empty where it must be accepted."""
        return self.headers["expect"].removeprefix("accepted").removeprefix("refused ")

    def all(self, name: str) -> list[bytes]:
        """Every part of this name."""
        return [data for known, data in self.parts if known == name]

    def one(self, name: str) -> bytes:
        """The only part of this name."""
        (data,) = self.all(name)
        return data

    def to_text(self) -> str:
        """The file's text."""
        lines = [f"{name}: {value}" for name, value in self.headers.items()]
        lines.append("")
        for name, data in self.parts:
            if len(data) > _LONG and len(set(data)) == 1:
                lines.append(f"{name}: {len(data)} of {data[0]:02x}")
                continue
            text = base64.b64encode(data).decode()
            lines.append(f"{name}:")
            lines += [f" {line}" for line in textwrap.wrap(text, _WIDTH)]
        return "\n".join(lines) + "\n"


def read_vector(text: str) -> Vector:
    """The vector that a file's text spells."""
    head, _, body = text.partition("\n\n")
    headers = dict(line.split(": ", 1) for line in head.splitlines())
    parts: list[tuple[str, str]] = []
    for line in body.splitlines():
        if line.startswith(" "):
            name, known = parts.pop()
            parts.append((name, known + line.strip()))
        else:
            name, _, known = line.partition(":")
            parts.append((name, known.strip()))
    return Vector(headers, tuple((name, _data(text)) for name, text in parts))


def _data(text: str) -> bytes:
    count, of, byte = text.partition(" of ")
    return int(count) * bytes.fromhex(byte) if of else base64.b64decode(text, validate=True)


def files() -> list[Path]:
    """Every vector's file, in order."""
    return sorted(HERE.rglob("*.vec"))
