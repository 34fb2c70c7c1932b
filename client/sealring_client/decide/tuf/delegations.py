"""What a delegation may look like, and which roles it sends a search to (SPEC TF-12; TUF's specification, 5.6.7).

A delegator is signed, but maybe by a thief, and how long a search takes is in its hands: roles, patterns and their
lengths are bounded here, before any of them is compared with a name.
"""

from tuf.api.metadata import DelegatedRole, Delegations

from sealring_client.decide.tuf.errors import BadMetadata
from sealring_client.decide.tuf.names import role_file

MAX_ROLES = 32_768  # in one file; PEP 458 names 16,384 bins one by one
MAX_PATTERNS = 8_192  # in one file
MAX_CHARACTERS = 262_144  # of all patterns of one file: with the worst of them a search takes less than 2 s
MAX_PREFIXES = 131_072  # in one file


def check_delegations(found: Delegations, file: str) -> None:
    """Return only if these delegations can be searched.

    Raises:
        BadMetadata: a role that no file can be named after, or more of anything than a search takes.
    """
    if (bins := found.succinct_roles) is not None:
        if type(bins.bit_length) is not int:
            raise BadMetadata(file, "bins without a number of bits")
        role_file(f"{bins.name_prefix}-{'0' * bins.suffix_len}", file)
    roles = list((found.roles or {}).values())
    patterns = [pattern for role in roles for pattern in role.paths or ()]
    prefixes = sum(len(role.path_hash_prefixes or ()) for role in roles)
    if len(roles) > MAX_ROLES or len(patterns) > MAX_PATTERNS or prefixes > MAX_PREFIXES:
        raise BadMetadata(file, f"{len(roles)} roles with {len(patterns)} patterns and {prefixes} prefixes: too many")
    if sum(map(len, patterns)) > MAX_CHARACTERS:
        raise BadMetadata(file, f"path patterns of more than {MAX_CHARACTERS} characters together")
    for role in roles:
        _check_role(role, file)


def _check_role(role: DelegatedRole, file: str) -> None:
    role_file(role.name, file)
    # Any other value would count as true or false by Python's rules, and by another reader's as the opposite.
    if type(role.terminating) is not bool:
        raise BadMetadata(file, "a delegation whose `terminating` is neither true nor false")


def next_roles(found: Delegations | None, target: str) -> tuple[list[str], bool]:
    """The roles that may speak for `target`, in the delegator's order, and whether they end the search (5.6.7.2).

    After a terminating one nothing counts, neither in this list nor in those of the roles above.
    """
    names: list[str] = []
    for name, terminating in found.get_roles_for_target(target) if found is not None else ():
        names.append(name)
        if terminating:
            return names, True
    return names, False
