"""An authority's whole life, step by step, on a device and in a much simpler model of it (SPEC AU, BR, TM, FL, RK).

`make sweep-life` makes the same run long.
"""

from collections import Counter
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.unit.trust.authority_model import Model
from tests.unit.trust.authority_words import Names, Said, Signed, highest
from tests.unit.trust.life import Life, day

ANYBODY = st.lists(
    st.sampled_from(["brand", "others", "one", "before", "next", "partner", "builder", "root", "role", "stolen"]),
    min_size=1,
    max_size=3,
    unique=True,
)
"""Whose keys sign together, in the words of `Lives.signers`."""
SIGNERS = st.sampled_from([["brand"], ["brand"], ["partner"], ["brand", "next"], ["partner", "builder"]]) | ANYBODY
CEREMONY = (
    st.sampled_from([["brand", "role"], ["brand", "role"], ["root", "role"], ["brand", "next", "role"]]) | ANYBODY
)
STEP = st.sampled_from([1, 1, 0, -1, 2, 1000])
PACKAGES = st.frozensets(st.sampled_from(["tool", "gear"]), min_size=1)
DELEGATE = st.sampled_from(["partner", "builder"])
ROLES = st.frozensets(st.sampled_from(["release", "list"]), min_size=1)
AGE = st.sampled_from([0, 0, -20, 3])
LIFE = st.sampled_from([60, 10, 2])
LINES = st.lists(st.tuples(st.integers(0, 15), st.booleans(), st.sampled_from(["stop", "keep", "replace"])), max_size=3)
SHOWN = 12  # statements that are judged again after each step


def of(name: str, generation: int) -> list[str]:
    """The three keys of one generation."""
    return [f"{name}-{n}{generation}" for n in "abc"]


class Lives(RuleBasedStateMachine):
    """Honest signers and thieves alike: whoever has keys signs what he likes, and a device is shown all of it."""

    steps = 0
    offers: ClassVar[Counter[str]] = Counter()
    """Statements that were accepted, and refused, by what they are; of all runs together."""

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.brands, self.roots = 0, 1, 1
        self.stolen: set[str] = set()
        self.shown: list[Signed] = []
        keys = of("root", 1)
        root = Said("root", "root", 1, expires=1000, keys=frozenset(keys), certifiers=frozenset({"role-1"}))
        first = Signed(root, frozenset(keys[:2]))
        self.life = Life(first)
        self.model = Model(first, order=lambda one: self.life.identity(one.said))
        self.offer(Signed(Said("brand", "acme", 1, keys=frozenset(of("acme", 1))), frozenset({"role-1"})))

    def signers(self, who: list[str]) -> Names:
        """The keys that these words mean today."""
        brand = sorted(self.model.brand.said.keys) if self.model.brand else []
        known = {
            "brand": brand[:2],
            "others": brand[1:],
            "one": brand[:1],
            "before": of("acme", self.brands - 1)[:2],
            "next": of("acme", self.brands + 1)[:2],
            "partner": ["partner-a"],
            "builder": ["builder-a"],
            "root": sorted(self.model.root.said.keys)[:2],
            "role": sorted(self.model.root.said.certifiers),
            "stolen": sorted(self.stolen),
        }
        return frozenset(name for one in who for name in known[one])

    def number(self, kind: str, name: str, step: int) -> int:
        """That many above the floor.

        Of a delegation above all that were ever accepted: which of two with one number, signed by keys since replaced,
        bounds a list that nobody vouches for, no rule says.
        """
        held = highest(self.model.about(kind, name)) if kind == "delegation" else self.model.floor(kind, name)
        return max(1, (held.said.number if held else 0) + step)

    def offer(self, one: Signed) -> None:
        """Let the device and the model judge it, and look whether what may never happen has."""
        device, floors, lists = self.life.device, self.own_floors(), self.model.own_lists()
        nobody = not self.model.is_met(one)
        refusal, accepted = self.life.offer(one), self.model.offer(one)
        assert accepted == (refusal is None), f"{one}: model {accepted}, device {refusal!r}"
        self.offers[f"{one.said.kind} {'accepted' if accepted else 'refused'}"] += 1
        # TH-1, FL-1: who is below every threshold, or is refused, changes nothing at all.
        if nobody or refusal is not None:
            assert refusal is not None
            assert self.life.device is device
        if one not in self.shown:
            self.shown = [*self.shown, one][-SHOWN:]
        if one.said.kind not in ("root", "brand"):
            # FL-1: while the keys stay, no floor that they made ever falls.
            assert all(self.number_of(subject) >= number for subject, number in floors.items())
            # RK-2: and no list goes but before a higher one of the same issuer.
            assert all(self.model.stays_or_is_followed(listed) for listed in lists)

    def own_floors(self) -> dict[tuple[str, str], int]:
        """Floors of the device that the authority's own keys vouch for."""
        found = {subject: self.life.floor(subject) for subject in self.model.subjects()}
        return {subject: one.statement.sequence for subject, one in found.items() if one and not one.under}

    def number_of(self, subject: tuple[str, str]) -> int:
        """The floor of one subject, whoever made it."""
        held = self.life.floor(subject)
        return 0 if held is None else held.statement.sequence

    @rule(name=st.sampled_from(["tool", "gear"]), step=STEP, age=AGE, life=LIFE, who=SIGNERS)
    def release(self, name: str, step: int, age: int, life: int, who: list[str]) -> None:
        said = Said("release", name, self.number("release", name, step), self.clock + age, self.clock + age + life)
        self.offer(Signed(said, self.signers(who)))

    @rule(name=DELEGATE, step=STEP, packages=PACKAGES, roles=ROLES, age=AGE, life=LIFE, who=SIGNERS)
    def delegate(
        self, name: str, step: int, packages: Names, roles: Names, age: int, life: int, who: list[str]
    ) -> None:
        """Also again, wider or narrower."""
        said = Said(
            "delegation",
            name,
            self.number("delegation", name, step),
            self.clock + age,
            self.clock + age + life,
            keys=frozenset({f"{name}-a", f"{name}-b"}),
            packages=packages,
            roles=roles,
        )
        self.offer(Signed(said, self.signers(who)))

    @rule(issuer=st.sampled_from(["acme", "root"]) | DELEGATE, step=STEP, lines=LINES, age=AGE, who=SIGNERS)
    def revoke(self, issuer: str, step: int, lines: list[tuple[int, bool, str]], age: int, who: list[str]) -> None:
        """A list that names what was shown, each by its id or by its subject; without lines it lifts."""
        told: dict[Said | tuple[str, str], str] = {}
        for number, by_id, how in lines:
            one = self.shown[number % len(self.shown)].said
            if one.kind not in ("list", "root") and (one.kind == "brand") == (issuer == "root"):
                told[one if by_id else one.subject] = "keep" if issuer in ("partner", "builder") else how
        number, start = self.number("list", issuer, step), self.clock + age
        said = Said("list", issuer, number, start, start + 60, lines=tuple(told.items()))
        self.offer(Signed(said, self.signers(["root"] if issuer == "root" and who == ["brand"] else who)))

    @rule(
        step=st.sampled_from([1, 1, 1, 2, 0]),
        keys=st.sampled_from(["next", "next", "same", "mixed"]),
        listed=st.integers(0, 3),
        who=CEREMONY,
    )
    def rotate_brand(self, step: int, keys: str, listed: int, who: list[str]) -> None:
        held, new = self.model.brand, of("acme", self.brands + 1)
        if held is None:
            return
        chosen = {"next": new, "same": sorted(held.said.keys), "mixed": [*sorted(held.said.keys)[:1], *new[:2]]}[keys]
        said = Said(
            "brand",
            "acme",
            held.said.number + step,
            self.clock,
            self.clock + 300,
            keys=frozenset(chosen),
            list_number=listed,
        )
        self.offer(Signed(said, self.signers(who)))
        if self.model.brand is not held and keys != "same":
            self.brands += 1

    @rule(root=st.booleans(), role=st.booleans(), new=st.sampled_from([2, 2, 1]), who=st.just(["root"]) | ANYBODY)
    def rotate_root(self, root: bool, role: bool, new: int, who: list[str]) -> None:
        """`new` of the new keys sign too: one is too few."""
        held = self.model.root.said
        keys = of("root", self.roots + 1) if root else sorted(held.keys)
        certifiers = frozenset({f"role-{self.roots + 1}"}) if role else held.certifiers
        number, end = held.number + 1, self.clock + 1000
        said = Said("root", "root", number, self.clock, end, keys=frozenset(keys), certifiers=certifiers)
        self.offer(Signed(said, self.signers(who) | frozenset(keys[:new])))
        self.roots += self.model.root.said == said

    @rule(number=st.integers(0, 15), who=SIGNERS | CEREMONY)
    def countersign(self, number: int, who: list[str]) -> None:
        one = self.shown[number % len(self.shown)]
        self.offer(Signed(one.said, one.by | self.signers(who)))

    @rule(number=st.integers(0, 15))
    def replay(self, number: int) -> None:
        self.offer(self.shown[number % len(self.shown)])

    @rule(name=st.sampled_from(["acme-a", "acme-c", "root-a", "partner-b"]))
    def steal(self, name: str) -> None:
        now = {"acme": self.brands, "root": self.roots}.get(name.partition("-")[0])
        self.stolen.add(f"{name}{now or ''}")

    @rule(days=st.sampled_from([1, 5, 30, -3]))
    def wait(self, days: int) -> None:
        self.clock += days

    @rule()
    def restart(self) -> None:
        """FL-4: the device keeps what is worth keeping and begins again from that; the model has forgotten nothing."""
        self.life.forget()

    @invariant()
    def both_agree(self) -> None:
        """Floors, lists in force, floors of time; and of each statement what is done because of it, and to it."""
        Lives.steps += 1
        for subject in self.model.subjects():
            held, found = self.model.floor(*subject), self.life.floor(subject)
            assert (found and found.envelope.id) == (held and self.life.identity(held.said)), f"{subject}: {held}"
        assert self.life.lists() == {self.life.expected(one) for one in self.model.lists()}
        times = self.life.times(self.clock).issued
        assert times == {who: day(when) for who, when in self.model.time_floors().items()}
        for one in self.shown:
            assert self.life.action(one.said) == self.model.action(one.said), f"action on {one}"
            if one.said.kind != "root" and (one.said.kind != "brand" or one == self.model.certificate):
                assert self.life.acts_on(one, self.clock) == self.model.acts_on(one, self.clock), f"acting on {one}"


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=40, stateful_step_count=20)
