"""Every member that SPEC section 3 defines can be given by an option, and comes back from `show --json`."""

import types
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
import pytest

from sealring.statement import TYPES, Common
from tests.unit.command.creating import WORLD, Desk
from tests.unit.command.members import COMMON, GIVEN, Given

BY_COMMAND = {"type", "format"}  # said by the command's name; there is one format


# These two begin with sequence 1; what they replace gives them another.
FIRST = {"root": {"--root", "--sequence"}, "revocations": {"--sequence"}}


def _common(kind: str) -> list[Given]:
    left_out = FIRST.get(kind, set())
    given = [(words, said) for words, said in COMMON if words[0] not in left_out]
    first = {"root": "0" * 64, "sequence": 1} if kind == "root" else {"sequence": 1}
    return [*given, ([], first)] if left_out else given


def _leaves(kind: Any, at: str = "") -> Iterator[str]:
    """The path of every member that a type has, through its structs and lists."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _leaves(get_args(kind)[0], at)
    elif origin in (Union, types.UnionType):
        for one in get_args(kind):
            if one is not msgspec.UnsetType:
                yield from _leaves(one, at)
    elif origin is list and _is_struct(get_args(kind)[0]):
        yield from _leaves(get_args(kind)[0], f"{at}[]")
    elif _is_struct(kind):
        for field in msgspec.structs.fields(kind):
            yield from _leaves(field.type, f"{at}.{field.encode_name}".removeprefix("."))
    else:
        assert origin in (None, list, dict, Literal), kind
        yield at


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _at(content: Any, path: str) -> Any:
    for part in path.split("."):
        name = part.removesuffix("[]")
        content = [one[name] for one in content] if isinstance(content, list) else content[name]
    return content


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A folder with all files that the options above name."""
    found = Desk(tmp_path)
    found.fill()
    found.keep("brand.json", WORLD.brand())
    found.keep("model.json", WORLD.model())
    found.keep("amd64.json", WORLD.revision(6))
    found.keep("arm64.json", WORLD.revision(9, architecture="arm64"))
    found.tuf_root().rename(tmp_path / "tuf")
    return found


def _expected(desk: Desk, value: Any) -> Any:
    """The value, with the id (or, of a TUF root, the digest) of a file in the place of its name."""
    if isinstance(value, list):
        found = [_expected(desk, one) for one in value]
        return sorted(found) if found != value else found
    if not isinstance(value, str) or not value.startswith("of "):
        return value
    path = desk.folder / value.removeprefix("of ")
    if path.suffix != ".json":
        return sha256(path.read_bytes()).hexdigest()
    return Desk.sealring(desk, "show", str(path), "--json")[1].split('"id": "')[1][:64]


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
def test_every_member_has_an_option(kind: type[Common]) -> None:
    """A member that no option gives can't be signed by anybody without an editor, and editors make no one spelling."""
    name = str(kind.__struct_config__.tag)
    given = {path for _, said in [*GIVEN[name], *_common(name)] for path in said}
    assert given == set(_leaves(kind)) - BY_COMMAND


@pytest.mark.parametrize("name", GIVEN)
def test_every_member_comes_back_as_it_was_given(name: str, desk: Desk) -> None:
    """SPEC ST-1: what the options say is what is signed, in the one order of each list."""
    given = [*GIVEN[name], *_common(name)]
    content = desk.content(desk.create(name, *(word for words, _ in given for word in words)))
    assert (content["type"], content["format"]) == (name, 1)
    for _, said in given:
        for path, value in said.items():
            assert _at(content, path) == _expected(desk, value), path


@pytest.mark.parametrize("name", GIVEN)
def test_what_is_not_given_comes_from_what_is_replaced(name: str, desk: Desk) -> None:
    """The next issue differs in what the person says, and in its dates and sequence; never by a word forgotten."""
    given = [*GIVEN[name], *_common(name)]
    first = desk.create(name, *(word for words, _ in given for word in words))
    before, after = desk.content(first), desk.content(desk.create(name, "--replaces", str(first)))
    assert after.pop("sequence") == before.pop("sequence") + 1
    for content in (before, after):
        for member in ("issued", "expires", "not_before", "root"):
            content.pop(member, None)
    assert after == before


OPTIONAL = [
    (str(kind.__struct_config__.tag), field.encode_name)
    for kind in TYPES.values()
    for field in msgspec.structs.fields(kind)
    if not field.required and field.name != "not_before"
]


@pytest.mark.parametrize(("name", "member"), OPTIONAL)
def test_every_optional_member_can_be_left_out_again(name: str, member: str, desk: Desk) -> None:
    """Or a stack, a plan or an end of life that was signed once could never end. `not_before` is never taken over."""
    given = [*GIVEN[name], *_common(name)]
    first = desk.create(name, *(word for words, _ in given for word in words))
    assert member in desk.content(first)
    after = desk.content(desk.create(name, "--replaces", str(first), f"--no-{member}"))
    assert member not in after
    others = {path.split(".")[0].removesuffix("[]") for _, said in given for path in said}
    assert set(after) >= others - {member, "not_before"}
