"""Worlds of statements at random, and what the views of their models must be, said once more in plain Python."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, insert
from sqlalchemy.pool import StaticPool

from sealring.catalogue.leaf import Head
from sealring.catalogue.view import View, make_view
from sealring.envelope import Envelope, seal
from sealring.names import NO_ROOT
from sealring.statement import Common, Delegation, Model, Release, Stack
from sealring.statement.fleet import Wanted
from sealring.statement.software import StackPart, Target
from sealring.strict import encode
from sealring_server.prepared import insert_or_ignore, upsert
from sealring_server.schema import FORMAT, heads, metadata, statements, store
from tests.world import World

BRANDS = ("acme", "bolt")
ARCHITECTURES = ("amd64", "arm64")
CHANNELS = ("latest/stable", "latest/edge")


def empty_store(world: World) -> Engine:
    """A store's tables in memory, with nothing in them but the root's id."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(insert(store).values(one=1, format=FORMAT, root_id=world.root_id))
    return engine


@dataclass
class Held:
    """The statements that are current, by type, subject and format: the test's own memory of them."""

    heads: dict[tuple[str, str], dict[int, tuple[Common, Envelope]]] = field(default_factory=dict)

    def copy(self) -> "Held":
        return Held({about: dict(formats) for about, formats in self.heads.items()})

    def of(self, kind: str, subject: str) -> list[Common]:
        return [statement for statement, _ in self.heads.get((kind, subject), {}).values()]

    def put(self, connection: Connection, news: Iterable[Common], entry: int) -> None:
        """Write statements and heads as a publication does; a format's number stands in the row only."""
        for one in news:
            envelope = seal(encode(one_format(one)), {})
            self.heads.setdefault((one.type, one.subject), {})[one.format] = (one, envelope)
            row = {"type": one.type, "format": one.format, "subject": one.subject, "sequence": one.sequence}
            row |= {"id": envelope.id, "envelope": envelope.digest}
            connection.execute(insert_or_ignore(statements).values(**row, entry=entry, raw=envelope.raw))
            moved = upsert(heads, ["type", "subject", "format"], ["sequence", "id", "envelope"])
            connection.execute(moved.values(**row))


def one_format(statement: Common) -> Common:
    """The same in the format that this edition's parser reads, with a mark that keeps two formats' bytes apart."""
    members = {name: getattr(statement, name) for name in statement.__struct_fields__}
    mark = {} if members["format"] == 1 else {"x": {"format": str(statement.format)}}
    return type(statement)(**{**members, "format": 1, **mark})


def expected(world: World, held: Held) -> dict[str, View]:
    """VW-2, straight from its words: the view of every model."""
    names = {subject for kind, subject in held.heads if kind == "model"}
    return {name: _view(world, held, name) for name in names}


def _view(world: World, held: Held, name: str) -> View:
    wanted = {("root", max((s for k, s in held.heads if k == "root"), key=int))}
    for model in held.of("model", name):
        assert isinstance(model, Model)
        wanted |= set(_wanted(held, model))
    rows = {
        (kind, number, subject): Head(one.sequence, bytes.fromhex(envelope.id), bytes.fromhex(envelope.digest))
        for kind, subject in wanted
        for number, (one, envelope) in held.heads.get((kind, subject), {}).items()
    }
    return make_view(bytes.fromhex(world.root_id), name, rows)


def _wanted(held: Held, model: Model) -> Iterator[tuple[str, str]]:
    packages = {one.package for one in model.packages}
    brands = {model.authority} | {package.split("/")[0] for package in packages}
    yield "model", f"{model.authority}/{model.model}"
    yield from (("store", each) for each in model.stores)
    yield from (("brand", each) for each in brands)
    yield from (("revocations", f"{each}/{each}") for each in (*brands, "root"))
    for (kind, subject), formats in held.heads.items():
        for one, _ in formats.values():
            if kind == "delegation" and isinstance(one, Delegation) and one.authority in brands:
                theirs = {f"{model.authority}/{model.model}": one.models} | dict.fromkeys(packages, one.packages)
                if any(name in of or f"{name.split('/')[0]}/*" in of for name, of in theirs.items()):
                    yield from ((each, subject) for each in ("delegation", "revocations"))
    revisions = set()
    for take in model.packages:
        yield "release", f"{take.package}/{take.channel}"
        for release in held.of("release", f"{take.package}/{take.channel}"):
            assert isinstance(release, Release)
            for target in release.targets:
                if target.architecture == model.architecture:
                    revisions |= {(take.package, target.revision), (take.package, target.previous)}
    if isinstance(model.stack, str):
        yield "stack", model.stack
        for stack in held.of("stack", model.stack):
            assert isinstance(stack, Stack)
            revisions |= {(p.package, p.revision) for p in stack.parts if p.architecture == model.architecture}
    yield from (("revision", f"{package}/{number}/{model.architecture}") for package, number in revisions)


class Chance:
    """Statements at random in one world: each new one has the next sequence of its subject."""

    def __init__(self, seed: int) -> None:
        self.world = World()
        self.random = random.Random(seed)
        self._sequences: dict[tuple[str, str], int] = {}

    def first(self) -> list[Common]:
        """What a store begins with."""
        return [self.world.root_statement()]

    def publication(self) -> list[Common]:
        """One to four statements of any types."""
        kinds = ("root", "brand", "model", "release", "revision", "stack", "store", "delegation", "lists", "serial")
        weights = (1, 2, 5, 9, 7, 3, 2, 5, 4, 1)
        return [self._one(kind) for kind in self.random.choices(kinds, weights, k=self.random.randint(1, 4))]

    def _one(self, kind: str) -> Common:
        draft: Common = getattr(self, f"_{kind}")(self.random.choice(BRANDS))
        about = (draft.type, draft.subject)
        if kind == "root":
            return draft
        self._sequences[about] = self._sequences.get(about, 0) + 1
        members = {name: getattr(draft, name) for name in draft.__struct_fields__}
        number = 2 if self.random.random() < 0.1 else 1
        return type(draft)(**{**members, "sequence": self._sequences[about], "format": number})

    def _root(self, _brand: str) -> Common:
        number = self._sequences["root", ""] = self._sequences.get(("root", ""), 1) + 1
        return self.world.root_statement(sequence=number, root=self.world.root_id if number > 1 else NO_ROOT)

    def _brand(self, brand: str) -> Common:
        return self.world.brand(brand)

    def _model(self, brand: str) -> Common:
        packages = sorted({self._package(self.random.choice(BRANDS)) for _ in range(self.random.randint(1, 4))})
        wanted = [Wanted(name, self.random.choice(CHANNELS), "app", "required") for name in packages]
        more: dict[str, Any] = {"stack": f"{brand}/line-1"} if self.random.random() < 0.4 else {}
        more["stores"] = sorted({f"{brand}/{self.random.choice(('main', 'spare'))}"})
        more["architecture"] = self.random.choice(ARCHITECTURES)
        return self.world.model(f"door-{self.random.randint(1, 3)}", brand, packages=wanted, **more)

    def _release(self, brand: str) -> Common:
        targets = []
        for architecture in sorted(self.random.sample(ARCHITECTURES, self.random.randint(1, 2))):
            number = self.random.randint(1, 4)
            before = {"previous": self.random.randint(1, number)} if self.random.random() < 0.5 else {}
            targets.append(Target(architecture, number, 1, **before))
        name = self._package(brand).partition("/")[2]
        channel = self.random.choice(CHANNELS)
        return self.world.release(1, brand, package=name, channel=channel, targets=targets)

    def _revision(self, brand: str) -> Common:
        name, architecture = self._package(brand).partition("/")[2], self.random.choice(ARCHITECTURES)
        return self.world.revision(self.random.randint(1, 4), b"", brand, package=name, architecture=architecture)

    def _stack(self, brand: str) -> Common:
        each = sorted({f"{self._package(brand)}/{self.random.choice(ARCHITECTURES)}" for _ in range(4)})
        named = [one.rpartition("/") for one in each]
        parts = [StackPart(package, architecture, self.random.randint(1, 4)) for package, _, architecture in named]
        return self.world.stack(brand=brand, stack=f"line-{self.random.randint(1, 2)}", parts=parts)

    def _store(self, brand: str) -> Common:
        return self.world.store(brand=brand, store=self.random.choice(("main", "spare")))

    def _delegation(self, brand: str) -> Common:
        packages = [self._package(brand), f"{brand}/*"][: self.random.randint(0, 2)]
        models = [f"{brand}/door-{self.random.randint(1, 3)}", f"{brand}/*"][: self.random.randint(0, 2)]
        name = f"partner-{self.random.randint(1, 2)}"
        shuffled = {"packages": sorted(packages), "models": sorted(models)}
        return self.world.delegation(name, brand, **{k: self._some(v) for k, v in shuffled.items()})

    def _lists(self, brand: str) -> Common:
        issuer = self.random.choice((brand, "root", "partner-1", "partner-2"))
        if issuer == "root":
            return self.world.revocations(1, authority="root", issuer="root")
        return self.world.revocations(1, brand=brand, issuer=issuer)

    def _serial(self, brand: str) -> Common:
        return self.world.serial(self.world.key("device").public, brand=brand)

    def _some(self, values: list[str]) -> list[str]:
        return [value for value in values if self.random.random() < 0.7]

    def _package(self, brand: str) -> str:
        return f"{brand}/{self.random.choice(('tool', 'tool-kit', 'kernel'))}"
