"""What an operator decides about a store: `store.toml` in its folder, read once by each process.

It holds no secret: of these it says where they are. A store without the file has every default, and one with a member
that nobody knows is not opened: a misspelt bound would be no bound.
"""

import tomllib
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, get_type_hints
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Meta

from sealring.errors import SealringError

FILE: Final = "store.toml"
MAX_FILE: Final = 64 * 1024  # bytes
_MAX_URL: Final = 2000

Url = Annotated[str, Meta(max_length=_MAX_URL, pattern=r"\A[!-~]*\Z")]
Text = Annotated[str, Meta(max_length=200, pattern=r"\A[ -~]*\Z")]
Place = Annotated[str, Meta(max_length=500, pattern=r"\A(|file:/[ -~]+|credential:[A-Za-z0-9._-]+)\Z")]
Count = Annotated[int, Meta(ge=1, le=10**9)]
Amount = Annotated[int, Meta(ge=0, le=2**60)]
Seconds = Annotated[int, Meta(ge=1, le=366 * 24 * 3600)]
Which = Literal["all", "released", "none"]
Rate = Annotated[float, Meta(gt=0, le=10**6)]


@dataclass(eq=False)
class BadSettings(SealringError):
    """A `store.toml` that says something else than what can be said there."""

    file: Path
    member: str
    reason: str
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return f"{self.file}: {self.member}: {self.reason}" if self.member else f"{self.file}: {self.reason}"

    def hint(self) -> str:
        return "docs/operating.md lists every table and member of store.toml, with what each may hold"


@dataclass(frozen=True)
class Database:
    """Where the rows are."""

    url: Url = ""
    """`postgresql://USER@HOST/DATABASE`, without a password; empty for SQLite in the store's folder."""


@dataclass(frozen=True)
class Images:
    """Where the images are."""

    url: Url = ""
    """`s3://BUCKET/PREFIX`; empty for the folder `blobs` in the store's folder."""
    endpoint: Url = ""
    region: Text = ""
    credentials: Place = ""
    """`file:PATH` or `credential:NAME` (of systemd); never a secret itself."""


@dataclass(frozen=True)
class Limits:
    """How much may be under way at once, and be there at all; each authority has its own bounds (SPEC PB-7).

    What only delegations of a brand vouch for counts as the brand's, and fills at most half of each bound, so
    that a delegate can't keep the brand itself out.
    """

    open: Count = 8
    idle: Count = 16
    """Open publications without any news, of anybody: a stranger can open those."""
    pending_bytes: Amount = 16 * 1024**3
    seconds: Seconds = 24 * 3600
    subjects: Count = 1_000_000
    """Statements that are current, of one authority: most of them serials."""
    delegations: Count = 64
    """Of one brand, with a list for each: they may stand in the view of every model that runs its software."""


@dataclass(frozen=True)
class Strangers:
    """What anybody can make the store do, for each address from which he asks (SPEC PB-13)."""

    requests: Rate = 200.0
    """A second, of those that write or that no cache answers."""
    burst: Count = 4000
    uploads: Count = 12
    """Bodies under way at once, in each worker: fewer than its threads, so that others are answered too."""
    proxy: Text = ""
    """The address of the proxy whose `X-Forwarded-For` counts; empty for none."""


@dataclass(frozen=True)
class Reading:
    """Who may read images."""

    closed: bool = False
    """Only devices that sign their requests (SPEC RD-2)."""


@dataclass(frozen=True)
class Mirror:
    """What a mirror follows (SPEC MI-1), and which images it holds (SPEC MI-2)."""

    url: Annotated[str, Meta(min_length=1, max_length=_MAX_URL, pattern=r"\Ahttps?://[!-~]+\Z")]
    images: Which = "released"
    """Of every revision that the store shows, of those that a current release or stack names, or none."""
    models: Annotated[list[Text], Meta(max_length=1000)] = field(default_factory=list)
    """Only images that the views of these models list; of every model where there are none."""
    seconds: Seconds = 300
    """Between two looks, while it is served."""


@dataclass(frozen=True)
class Operator:
    """The listener for the operator (SPEC HT-6)."""

    bind: Text = ""
    """`ADDRESS:PORT`; empty for no such listener."""
    header: Annotated[str, Meta(max_length=80, pattern=r"\A[A-Za-z0-9-]*\Z")] = ""
    """Requests without this header, which the proxy sets, are refused."""


@dataclass(frozen=True)
class Settings:
    """All of `store.toml`."""

    database: Database = field(default_factory=Database)
    images: Images = field(default_factory=Images)
    limits: Limits = field(default_factory=Limits)
    strangers: Strangers = field(default_factory=Strangers)
    reading: Reading = field(default_factory=Reading)
    mirror: Mirror | None = None
    operator: Operator = field(default_factory=Operator)


def load_settings(folder: Path) -> Settings:
    """What `store.toml` in this folder says; every default where there is none.

    Raises:
        BadSettings, OSError.
    """
    file = folder / FILE
    try:
        with file.open("rb") as source:
            raw = source.read(MAX_FILE + 1)
    except FileNotFoundError:
        return Settings()
    return parse_settings(raw, file)


def parse_settings(raw: bytes, file: Path) -> Settings:
    """These settings, whole and within their bounds.

    Args:
        file: for the words of an error.

    Raises:
        BadSettings.
    """
    if len(raw) > MAX_FILE:
        raise BadSettings(file, "", f"longer than {MAX_FILE} bytes")
    try:
        found = tomllib.loads(raw.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as err:
        raise BadSettings(file, "", f"not TOML: {str(err)[:200]}") from None
    _check_members(file, "", found, Settings)
    try:
        settings = msgspec.convert(found, Settings)
    except msgspec.ValidationError as err:
        # msgspec says where in its own words: "Expected `int` >= 1 - at `$.limits.open`".
        reason, _, place = str(err).partition(" - at ")
        raise BadSettings(file, place.strip("`$.").replace("]", ""), _in_toml(reason)) from None
    check_database_url(settings.database.url, file)
    return settings


def check_database_url(url: str, file: Path) -> None:
    """Refuse what names no PostgreSQL database, or holds a password: arguments and this file are read by many.

    Raises:
        BadSettings.
    """
    if not url:
        return
    try:
        parts = urlsplit(url)
        asked = parse_qs(parts.query, keep_blank_values=True)
        _ = parts.port
    except ValueError:
        raise BadSettings(file, "database.url", "no URL such as postgresql://store@/sealring needed") from None
    # Its words must not repeat the URL: a password may stand anywhere in it.
    if parts.password is not None or {"password", "sslpassword"} & asked.keys():
        where = (
            "a password belongs into a file that only the store's user reads: ~/.pgpass, PGPASSFILE, or a credential"
        )
        raise BadSettings(file, "database.url", f"holds a password; {where} of systemd that PGPASSFILE names")
    if len(url) > _MAX_URL or parts.scheme != "postgresql" or len(parts.path) < 2 or parts.fragment:
        raise BadSettings(file, "database.url", "postgresql://USER@HOST/DATABASE needed, or none for SQLite")


def _check_members(file: Path, place: str, found: dict[str, Any], kind: type[Any]) -> None:
    """Of dataclasses msgspec takes members that it does not know; here nobody may."""
    types = get_type_hints(kind)
    allowed = [each.name for each in fields(kind)]
    for name, value in found.items():
        if name not in types:
            what = "tables" if kind is Settings else "members"
            raise BadSettings(file, f"{place}{name[:80]}", f"not known; {what} here are {', '.join(allowed)}")
        below = Mirror if kind is Settings and name == "mirror" else types[name]
        if is_dataclass(below) and isinstance(value, dict):
            assert isinstance(below, type)
            _check_members(file, f"{place}{name}.", value, below)


def _in_toml(reason: str) -> str:
    """What msgspec says, in the words of this kind of file."""
    return (reason[:1].lower() + reason[1:]).replace("object", "table").replace("field", "member")


DOCUMENTED: Final = """\
# What the operator of this store has decided. Lines that begin with # show the defaults. No secret belongs in here.

[database]
# PostgreSQL, such as "postgresql://store@/sealring?host=/run/postgresql"; left out: SQLite, store.db in this folder.
# The password, where one is needed, is in a file that PGPASSFILE names, or in ~/.pgpass.
{database}

[images]
# An object store, such as "s3://bucket/prefix"; left out: the folder `blobs` in this folder.
{images}

[limits]
# open = 8
# idle = 16
# pending_bytes = 17179869184
# seconds = 86400
# subjects = 1000000
# delegations = 64

[strangers]
# requests = 200.0
# burst = 4000
# uploads = 12
# proxy = ""

[reading]
# closed = false

[operator]
# bind = "127.0.0.1:8081"
# header = ""
"""


def documented(database: Database, images: Images) -> str:
    """The text of a new `store.toml` that says these, and shows every other default."""

    def lines(said: Any) -> str:
        found = [(each.name, getattr(said, each.name)) for each in fields(said)]
        return "\n".join(f'{name} = "{value}"' if value else f'# {name} = ""' for name, value in found)

    return DOCUMENTED.format(database=lines(database), images=lines(images))
