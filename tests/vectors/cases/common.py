"""What the cases share: one way to write a case, and one world."""

from collections.abc import Iterator
from typing import TypeAlias

from sealring.names import spell
from tests.vectors.form import Vector
from tests.world import NOW, World

Case: TypeAlias = tuple[str, Vector]
Cases: TypeAlias = Iterator[Case]
WORLD = World()
AT = spell(NOW)
ACCEPTED = ""


def case(path: str, rule: str, comment: str, check: str, *parts: tuple[str, bytes], **headers: str) -> Case:
    """One case: `rule` refuses it, or it is accepted where that is empty; headers are written with hyphens."""
    expect = f"refused {rule}" if rule else "accepted"
    known = {"expect": expect, "comment": comment, "check": check}
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return f"{path}.vec", Vector({**known, **more}, parts)
