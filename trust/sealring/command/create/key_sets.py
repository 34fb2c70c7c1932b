"""Options that hold a key set: its keys, and a threshold for each family (SPEC TH-2, TH-3)."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import click

from sealring.command.create.values import COUNT
from sealring.command.files import EXISTING, read_file
from sealring.keyfile import parse_public_file
from sealring.keys import FamilyThreshold, KeySet, Presence

CLASSICAL = "classical"
F = TypeVar("F", bound=Callable[..., Any])


def key_set_options(what: str, role: str = "") -> Callable[[F], F]:
    """`--key`, `--threshold` and `--family-threshold`, each with the role's name in front where there is one.

    Args:
        what: such as "of the brand", for the help.
        role: `root` or `brand`, for the two key sets of a root.
    """
    begin = f"--{role}-" if role else "--"

    def decorate(command: F) -> F:
        for option in reversed(
            [
                click.option(
                    f"{begin}key", type=EXISTING, multiple=True, help=f"A public key file {what}; repeat for each key."
                ),
                click.option(f"{begin}threshold", type=COUNT, help=f"How many classical keys {what} must sign."),
                click.option(
                    f"{begin}family-threshold",
                    multiple=True,
                    metavar="FAMILY=N[:PRESENCE]",
                    help="The same by family, such as ml-dsa=1:if_known; 0 takes a family out, others stay with"
                    " --replaces.",
                ),
            ]
        ):
            command = option(command)
        return command

    return decorate


def key_set(options: dict[str, Any], old: KeySet | None, role: str = "") -> KeySet | None:
    """The key set that these options say; what is not given comes from the old one."""
    begin = f"{role}_" if role else ""
    files, count = options[f"{begin}key"], options[f"{begin}threshold"]
    families = options[f"{begin}family_threshold"]
    if not files and count is None and not families:
        return old
    option = f"--{begin}key".replace("_", "-")
    keys = [parse_public_file(read_file(path, 8192)) for path in files] or (list(old.keys) if old else [])
    if not keys:
        raise click.UsageError(f"give {option} NAME.pub, once for each key")
    thresholds = family_thresholds(count, families, old.thresholds if old else [])
    if not thresholds:
        raise click.UsageError(f"give the threshold of {option} too: how many of these keys must sign")
    return KeySet(keys, thresholds)


def family_thresholds(
    classical: int | None, texts: Sequence[str], old: Sequence[FamilyThreshold]
) -> list[FamilyThreshold]:
    """The thresholds of before, with those that the options give in their place or behind them.

    A family that is named for the first time begins as `if_known`, so that devices of an older edition stay
    reachable until the brand says `required` (TH-2); `classical`, which every device knows, as `required`.
    """
    found = {one.family: one for one in old}
    if classical is not None:
        texts = [f"{CLASSICAL}={classical}", *texts]
    for text in texts:
        family, _, rest = text.partition("=")
        number, _, presence = rest.partition(":")
        if not number.isascii() or not number.isdigit() or len(number) > 4 or presence not in _PRESENCES:
            raise click.UsageError(f"a family's threshold is FAMILY=N or FAMILY=N:if_known, {text!a:.80} found")
        if int(number) == 0:
            found.pop(family, None)
            continue
        before = found[family].presence if family in found else "required" if family == CLASSICAL else "if_known"
        found[family] = FamilyThreshold(family, int(number), cast(Presence, presence or before))
    return list(found.values())


_PRESENCES = ("", "required", "if_known")
