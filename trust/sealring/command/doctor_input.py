"""What a person points the doctor at: folders, bundles, single files and stores, read whole and believed in nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import msgspec

from sealring.bundle import ImageEntry, StatementEntry, TufEntry, open_entries
from sealring.bundle.form import MAGIC
from sealring.command.files import EXISTING, MAX_FILE, CantRead, read_file
from sealring.command.store_reader import read_store
from sealring.command.tuf_reader import read_tuf
from sealring.doctor.tuf_files import StoreTuf
from sealring.doctor.world import Piece, World, gather
from sealring.envelope import MAX_ENVELOPE
from sealring.names import FullName, KeyId, Url
from sealring.statement import Store

MAX_FILES = 200_000  # in one folder and below
ANY_SIZE = 2**63 - 1
ASSERTION = b'{"payload":'
TUF_BEGINNINGS = (b'{"signatures":', b'{"signed":')
MAX_HOLDERS = 1024 * 1024  # bytes

Files = dict[str, bytes]


class Place(click.ParamType[Any]):
    """A store's URL, or a path of something that is there."""

    name = "where"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The URL as text, or the path."""
        if not isinstance(value, str):
            return value
        if value.startswith(("http://", "https://")):
            return _converted(value.rstrip("/"), Url, "address such as https://store.example", self, param, ctx)
        path = Path(value)
        return path if path.is_dir() else EXISTING.convert(value, param, ctx)


class ModelName(click.ParamType[Any]):
    """A full name such as acme/door-1."""

    name = "brand/name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The name."""
        return _converted(value, FullName, "full name such as acme/door-1", self, param, ctx)


def _converted(
    value: Any,
    form: Any,
    what: str,
    kind: click.ParamType[Any],
    param: click.Parameter | None,
    ctx: click.Context | None,
) -> Any:
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError:
        return kind.fail(f"{value!a:.90} is no {what}", param, ctx)


@dataclass
class Material:
    """Everything that was read. `tuf` has the files of repositories by where they lay, not yet verified."""

    pieces: list[Piece] = field(default_factory=list)
    stores: list[StoreTuf] = field(default_factory=list)
    tuf: dict[str, Files] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def all_stores(self, world: World) -> list[StoreTuf]:
        """The TUF repositories, each judged from the `store` statement that pins it."""
        return [*self.stores, *(told for where, files in self.tuf.items() if (told := _told(where, files, world)))]


def read_places(places: Sequence[Any], anchor: bytes, models: Sequence[str], brands: Sequence[str] = ()) -> Material:
    """Read all of these.

    Args:
        anchor: the root that the person trusts.
        models, brands: what stores are asked for.

    Raises:
        SealringError, OSError: for what was named and can't be read; in folders, foreign files are passed over.
    """
    found = Material()
    for place in places:
        if isinstance(place, str):
            shown = read_store(place, anchor, models, brands)
            found.pieces += shown.pieces
            found.notes += shown.notes
            found.stores += [shown.tuf] if shown.tuf else []
        elif place.is_dir():
            _read_folder(place, found)
        else:
            _read_file(place, found, named=True)
    return found


def load_world(places: Sequence[Any], anchor: bytes, models: Sequence[str]) -> tuple[World, Material]:
    """What was read, and the world that follows from it."""
    material = read_places(places, anchor, models)
    return gather(anchor, material.pieces), material


def _read_folder(folder: Path, found: Material) -> None:
    for number, path in enumerate(_files_below(folder)):
        if number >= MAX_FILES:
            raise CantRead(folder, f"more than {MAX_FILES} files", "give the folders that matter, or a bundle")
        _read_file(path, found, named=False)


def _files_below(folder: Path) -> Iterator[Path]:
    """Plain files below a folder, in one order; no link is followed and nothing hidden is looked at."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files_below(path)
        elif path.is_file():
            yield path


def _read_file(path: Path, found: Material, *, named: bool) -> None:
    with open(path, "rb") as file:
        begin = file.read(len(MAGIC))
    if begin.startswith(MAGIC):
        _read_bundle(path, found)
    elif begin.startswith(ASSERTION[: len(begin)]) and begin:
        found.pieces.append(Piece(read_file(path, MAX_ENVELOPE), str(path)))
    elif _is_tuf(path):
        found.tuf.setdefault(str(path.parent), {})[path.name] = read_file(path, MAX_FILE)
    elif named:
        raise CantRead(path, "no assertion, bundle or TUF file", "`sealring show` tells what it is")


def _is_tuf(path: Path) -> bool:
    if path.suffix != ".json":
        return False
    if path.name.endswith(".catalogue.json"):
        return True
    with open(path, "rb") as file:
        return file.read(32).replace(b" ", b"").replace(b"\n", b"").startswith(TUF_BEGINNINGS)


def _read_bundle(path: Path, found: Material) -> None:
    with open(path, "rb") as stream:
        for entry in open_entries(stream, image_limit=ANY_SIZE):
            if isinstance(entry, StatementEntry):
                found.pieces.append(Piece(entry.envelope, str(path)))
            elif isinstance(entry, TufEntry):
                folder, _, name = entry.name.rpartition("/")
                found.tuf.setdefault(f"{path}/{folder}".rstrip("/"), {})[name] = entry.data
            elif isinstance(entry, ImageEntry):
                break  # images come last, and say nothing about who may sign


def _told(where: str, files: Files, world: World) -> StoreTuf | None:
    versions = sorted(int(name.split(".")[0]) for name in files if _is_root(name))
    if not versions:
        return None
    get: Callable[[str], bytes | None] = files.get
    candidates = [one.statement for one in world.held.values() if isinstance(one.statement, Store)]
    tried = [(store, read_tuf(get, store, whole=False)) for store in candidates if store.tuf.version in versions]
    for store, found in tried:
        if found.roles:  # its root is the one that this statement pins
            return found.told(store.name, where, pinned=True)
    return read_tuf(get, None, versions[0], whole=False).told(where, where, pinned=False)


def _is_root(name: str) -> bool:
    number, _, rest = name.partition(".")
    return rest == "root.json" and number.isdecimal() and len(number) < 10


def read_holders(path: Path | None) -> Mapping[str, str]:
    """Which person holds which key, from lines `KEY PERSON`: a key's name or fingerprint, a blank, the person.

    Raises:
        CantRead: at the first line of another form.
    """
    if path is None:
        return {}
    named: dict[str, str] = {}
    text = read_file(path, MAX_HOLDERS).decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split(maxsplit=1)
        if len(words) == 1:
            advice = "each line is a key's name or fingerprint, a blank, and a person: `alice-2 alice`"
            raise CantRead(path, f"line {number} names no person", advice)
        if words:
            named[KeyId(words[0])] = words[1].strip()
    return named


def shown_places(places: Iterable[Any]) -> str:
    """The places in words."""
    return ", ".join(str(place) for place in places)
