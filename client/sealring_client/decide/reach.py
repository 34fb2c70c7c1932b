"""What revocations and minimums mean for what is installed: the only reasons to act on it (SPEC RK-6, RO-3)."""

from collections.abc import Iterable, Mapping

from sealring.installed import reached
from sealring.names import spell
from sealring.revocation import Action, Found
from sealring.statement import Model, Release, RevisionStatement
from sealring_client.decide.trusted import Trusted
from sealring_client.part import Part
from sealring_client.report import Vulnerable


def reach(trusted: Trusted, parts: Iterable[Part]) -> dict[Part, Found]:
    """The strongest line in force that reaches each part; those that none reaches are left out."""
    if not trusted.chain.revocations.lists:
        return {}
    known = trusted.envelopes()
    found: dict[Part, Found] = {}
    for part in parts:
        claim = known.get(part.statement)
        line = reached(trusted.chain, trusted.others, claim.envelope) if claim is not None else None
        if line is not None:
            found[part] = line
    return found


def stopped_by(trusted: Trusted, parts: Iterable[Part]) -> dict[Part, Found]:
    """The parts that may no longer run, and the line that says so."""
    return {part: line for part, line in reach(trusted, parts).items() if line.action == "stop"}


def revisions_of(trusted: Trusted, parts: Iterable[Part]) -> dict[str, RevisionStatement]:
    """What each package's part says of itself."""
    known = trusted.envelopes()
    claims = {part.package: known[part.statement].statement for part in parts if part.statement in known}
    return {package: said for package, said in claims.items() if isinstance(said, RevisionStatement)}


def vulnerable(trusted: Trusted, model: str, parts: Iterable[Part]) -> list[Vulnerable]:
    """What runs and was taken back, or lies below the minimum of the release that is held."""
    held, parts = trusted.floors.get(Model, model), list(parts)
    lines = reach(trusted, parts)
    found = []
    for part in parts:
        if part in lines:
            found.append(Vulnerable(part.package, part.revision, lines[part].action, in_words(lines[part])))
            continue
        channel = next((w.channel for w in held.statement.packages if w.package == part.package), "") if held else ""
        release = trusted.floors.get(Release, f"{part.package}/{channel}")
        target = release.statement.target(part.architecture) if release is not None else None
        if target is not None and part.revision < target.minimum:
            why = f"below the minimum {target.minimum} of release {release.statement.sequence}" if release else ""
            found.append(Vulnerable(part.package, part.revision, "replace", why))
    return found


def stopped_lines(trusted: Trusted, parts: Mapping[str, Part]) -> list[Vulnerable]:
    """What no longer runs, and why."""
    lines = reach(trusted, parts.values())
    return [
        Vulnerable(one.package, one.revision, "stop", in_words(lines[one])) for one in parts.values() if one in lines
    ]


def in_words(found: Found) -> str:
    """Who took it back, since when and why."""
    action: Action = found.action
    return f"revoked by {found.issuer} since {spell(found.line.since)} ({action}): {found.line.why}"
