"""The whole rehearsal, in its order."""

from collections.abc import Iterator

from sealring.rehearsal.below import MALLORY, below_threshold
from sealring.rehearsal.brand_loss import brand_keys
from sealring.rehearsal.ceremony import SECRET
from sealring.rehearsal.delegate_loss import delegate_keys
from sealring.rehearsal.first import TUF_ROOT, World, first_ceremony
from sealring.rehearsal.plan import Holder, Plan
from sealring.rehearsal.role_loss import role_keys
from sealring.rehearsal.root_loss import root_keys
from sealring.rehearsal.steps import Handed, Section, Situation, Typed, key_file

STORE = Holder("rehearsal-store")
WEAK = ("--kdf", "interactive")  # 64 MiB a guess: quick, and enough for keys that end with the rehearsal


def course(plan: Plan) -> Iterator[Situation]:
    """Every situation; each loss begins where the first ceremony ended, so that none rests on another."""
    world = World(plan)
    yield _keys(plan)
    yield first_ceremony(plan)
    yield from below_threshold(plan)
    for brand in plan.brands:
        yield brand_keys(world, brand)
        yield delegate_keys(world, brand)
    yield role_keys(world)
    yield root_keys(world)


def _keys(plan: Plan) -> Situation:
    holders = dict.fromkeys((*plan.holders(), MALLORY, STORE))
    steps = tuple(
        Typed(
            ("sealring", "key", "create", key_file(one), "--name", one.name, *_kind(one), *WEAK, *SECRET),
            by=one.name,
        )
        for one in holders
    )
    operator = Handed(TUF_ROOT, key_file(STORE), "the store's operator")
    return Situation(
        "keys",
        "Keys for everybody",
        "nothing",
        ("each holder alone, on the machine that never goes online", "the store's operator, for the store's TUF root"),
        (Section("A key each, a successor for each key that will be lost, and one for the thief", (*steps, operator)),),
        checks=(
            "that a product's keys are made without --kdf interactive, each under a passphrase of its own",
            "each fingerprint, which the holder writes down and hands round on another way than the .pub file",
        ),
        devices=("nothing",),
        undone=("nothing: a key that nobody lists signs nothing",),
        ends="done",
    )


def _kind(one: Holder) -> tuple[str, ...]:
    return () if one.type == "ed25519" else ("--type", one.type)
