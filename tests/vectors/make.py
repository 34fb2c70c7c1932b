"""Writes every vector from fixed keys: `python -m tests.vectors.make`. Running it again changes nothing.

A vector that has no case any more is removed.
"""

from tests.vectors.cases import (
    alone,
    authority,
    bundles,
    chain,
    contradictions,
    delegates_lists,
    delegation,
    device,
    differences,
    ecdsa,
    edwards,
    envelope,
    families,
    keysets,
    maps,
    members,
    memory,
    mldsa,
    reached,
    reports,
    revocation,
    roots,
    scope,
    statement,
    times,
)
from tests.vectors.form import HERE, Vector, files

AREAS = (
    envelope,
    statement,
    contradictions,
    keysets,
    families,
    edwards,
    ecdsa,
    mldsa,
    roots,
    authority,
    chain,
    delegation,
    scope,
    revocation,
    delegates_lists,
    reached,
    times,
    device,
    members,
    alone,
    memory,
    maps,
    differences,
    bundles,
    reports,
)


def vectors() -> dict[str, Vector]:
    """Every vector by its path below this folder."""
    made: dict[str, Vector] = {}
    for area in AREAS:
        for path, vector in area.cases():
            assert path not in made, f"two cases are called {path}"
            made[path] = vector
    return made


def main() -> None:
    """Write the files."""
    made = vectors()
    for path, vector in made.items():
        target = HERE / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(vector.to_text())
    for known in files():
        if str(known.relative_to(HERE)) not in made:
            known.unlink()
    print(f"{len(made)} vectors, {sum(1 for v in made.values() if v.refused)} of them refusals")


if __name__ == "__main__":
    main()
