"""Who may do what, told a second time and more simply: sets of names instead of keys and envelopes (SPEC AU to TM).

Nothing here is shared with the product: a statement is a record, its signatures are names of keys, time is counted in
days, and every question is answered by looking through all that was ever accepted. One root, and one brand `acme`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.unit.trust.authority_words import ListInForce, Names, Said, Signed, highest, tops

STRENGTH = {"keep": 0, "replace": 1, "stop": 2}


@dataclass
class Model:
    """What one device has accepted, and what follows from it. It forgets nothing."""

    root: Signed
    order: Callable[[Signed], str]
    """The one thing that it is told of bytes: which of two with one number comes first where nothing else decides."""
    brand: Signed | None = None
    memory: list[Signed] = field(default_factory=list)

    # Who vouches.

    @property
    def certified(self) -> bool:
        """Whether the role `brand` of today's root vouches for the brand's statement (BR-1)."""
        return self.brand is not None and bool(self.brand.by & self.root.said.certifiers)

    @property
    def certificate(self) -> Signed | None:
        """The brand's statement in force."""
        return self.brand if self.certified else None

    def is_met(self, one: Signed) -> bool:
        """Whether any set of keys that was ever given a say has signed it by its threshold."""
        given = [one.said for one in self.memory if one.said.kind == "delegation"]
        sets = [(self.root.said.keys, 2), (self.root.said.certifiers, 1), *((said.keys, 1) for said in given)]
        sets += [(self.brand.said.keys, 2)] if self.brand is not None else []
        return any(len(one.by & keys) >= enough for keys, enough in sets)

    def own(self, one: Signed) -> bool:
        """Whether the keys of the authority itself vouch for it."""
        if one.said.subject == ("list", "root"):
            return len(one.by & self.root.said.keys) >= 2
        return self.brand is not None and self.certified and len(one.by & self.brand.said.keys) >= 2

    def about(self, kind: str, name: str) -> list[Signed]:
        """All that was accepted about one subject."""
        return [one for one in self.memory if one.said.subject == (kind, name)]

    def delegations(self) -> list[Signed]:
        """Of each delegation the highest that the brand vouches for, unless it is taken back (AU-6, FL-5)."""
        found = []
        for name in sorted({one.said.name for one in self.memory if one.said.kind == "delegation"}):
            counting = [one for one in self.about("delegation", name) if self.own(one)]
            top = highest(counting)
            # FL-5: where two stand for one place, the one that is not taken back by its id.
            beside = [one for one in counting if top is not None and one.said.number == top.said.number]
            found += [one for one in beside if self.action(one.said, self.own_lists()) is None][:1]
        return found

    def may_sign(self, delegation: Signed, said: Said) -> bool:
        """Whether a delegation covers a statement (AU-3, AU-5)."""
        given = delegation.said
        if said.kind == "list":
            subjects = [what for what, _ in said.lines if isinstance(what, tuple)]
            inside = all(kind == "release" and name in given.packages for kind, name in subjects)
            return "list" in given.roles and said.name == given.name and inside
        return said.kind == "release" and "release" in given.roles and said.name in given.packages

    def vouchers(self, one: Signed) -> list[Signed] | None:
        """Nobody else where the authority's own keys vouch for it, else the delegations that do; None if none does."""
        if self.own(one):
            return []
        if one.said.kind not in ("release", "list") or one.said.name == "root" or not self.certified:
            return None
        return [d for d in self.delegations() if d.said.keys & one.by and self.may_sign(d, one.said)] or None

    def signers(self, one: Signed) -> Names:
        """The keys whose signatures count today."""
        keys = [d.said.keys for d in self.vouchers(one) or ()]
        if self.own(one):
            keys = [self.root.said.keys if one.said.name == "root" else self.brand.said.keys if self.brand else Names()]
        return one.by & Names().union(*keys)

    # What has been taken back.

    def own_lists(self) -> list[ListInForce]:
        """The lists in force of the root and the brand (RK-2, RK-3)."""
        found = []
        for issuer in ("root", "acme"):
            counting = highest(one for one in self.about("list", issuer) if self.own(one))
            if counting is not None:
                found.append(ListInForce(counting, True))
            silent = tops(one for one in self.about("list", issuer) if not self.own(one))
            found += [ListInForce(one, False) for one in silent if not self._lifted(issuer, one, counting)]
        return found

    def _lifted(self, issuer: str, silent: Signed, counting: Signed | None) -> bool:
        if counting is None:
            return False
        named_number = self.brand.said.list_number if self.brand is not None and issuer == "acme" else 0
        return counting.said.number > silent.said.number or 1 <= named_number <= counting.said.number

    def lists(self) -> list[ListInForce]:
        """All lists in force; a delegation's is limited to what it covers (RK-3, RK-4)."""
        found = self.own_lists()
        for name in sorted({one.said.name for one in self.memory if one.said.kind == "list"} - {"root", "acme"}):
            counting = highest(one for one in self.about("list", name) if self.vouchers(one) is not None)
            silent = tops(self.about("list", name))
            scope = self.scope(name)
            if counting is not None and scope is not None:
                found.append(ListInForce(counting, True, scope.said.packages))
            elif counting is None and scope is not None and self.action(scope.said, self.own_lists()) is None:
                found += [ListInForce(one, False, scope.said.packages) for one in silent]
        return found

    def scope(self, name: str) -> Signed | None:
        """The delegation that limits a delegate's list: the one that counts, else the highest that ever did."""
        known = self.about("delegation", name)
        counting = [one for one in self.delegations() if one.said.name == name]
        return highest(counting) or highest(filter(self.own, known)) or min(tops(known), key=self.order, default=None)

    def action(self, said: Said, lists: list[ListInForce] | None = None, *, by_id: bool = False) -> str | None:
        """The strongest that a list in force says of a statement (RK-1, RK-3 to RK-5)."""
        found = []
        for one in self.lists() if lists is None else lists:
            if (said.kind == "brand") != (one.signed.said.name == "root") or said.kind in ("list", "root"):
                continue
            inside = one.limit is None or (said.kind == "release" and said.name in one.limit)
            names = {said} if by_id else {said, said.subject}
            found += [how if one.counts else "keep" for what, how in one.signed.said.lines if inside and what in names]
        return max(found, key=STRENGTH.__getitem__, default=None)

    # Floors.

    def floor(self, kind: str, name: str) -> Signed | None:
        """The highest that counts today, expired or not (FL-2); of two for one place, FL-5 says which."""
        best: Signed | None = None
        for one in self.about(kind, name):
            if self.vouchers(one) is not None and (
                best is None or one.said.number > best.said.number or self._gives_way(best, one)
            ):
                best = one
        return best

    def _gives_way(self, held: Signed, other: Signed) -> bool:
        if held.said == other.said or held.said.number != other.said.number:
            return False
        return self.action(held.said, by_id=True) is not None and self.action(other.said, by_id=True) is None

    def subjects(self) -> set[tuple[str, str]]:
        """All that anything was accepted about."""
        return {one.said.subject for one in self.memory}

    def stays_or_is_followed(self, listed: ListInForce) -> bool:
        """Whether a list is in force still, or one that counts is as high, or the one that is named (RK-2, RK-3)."""
        now = [one for one in self.own_lists() if one.signed.said.name == listed.signed.said.name]
        named = self.brand.said.list_number if self.brand is not None and listed.signed.said.name == "acme" else 0
        wanted = min(listed.signed.said.number, named or listed.signed.said.number)
        above = [one for one in now if one.counts and one.signed.said.number >= wanted]
        return listed.signed.said in [one.signed.said for one in now] or bool(above)

    # What is taken into memory.

    def offer(self, one: Signed) -> bool:
        """Whether a device accepts this, expired or not; then it is remembered."""
        if one.said.kind == "root":
            return self._offer_root(one)
        if one.said.kind == "brand":
            return self._offer_brand(one)
        held = self.floor(*one.said.subject)
        if self.vouchers(one) is None or (held is not None and not self._above(held, one)):
            return False
        # The same changes nothing, unless it has more signers, or the same and more signatures for another day.
        if held is None or held.said != one.said or self._adds(one, held):
            self.memory.append(one)
        return True

    def _adds(self, one: Signed, held: Signed) -> bool:
        mine, others = self.signers(one), self.signers(held)
        return mine > others or (mine == others and one.by > held.by)

    def _above(self, held: Signed, one: Signed) -> bool:
        return one.said.number > held.said.number or one.said == held.said or self._gives_way(held, one)

    def _offer_root(self, one: Signed) -> bool:
        old, new = self.root.said, one.said
        if new.number != old.number + 1 or len(one.by & old.keys) < 2 or len(one.by & new.keys) < 2:  # RT-1, RT-2
            return False
        self.root = one
        return True

    def _offer_brand(self, one: Signed) -> bool:
        held, certifiers = self.brand, one.by & self.root.said.certifiers
        if not certifiers or (held is not None and held.said != one.said and not self._follows(held, one)):  # BR-1
            return False
        same = held is not None and self.certified and held.said == one.said
        if held is None or not same or certifiers > held.by & self.root.said.certifiers:
            self.brand = one
        return True

    def _follows(self, held: Signed, one: Signed) -> bool:
        """BR-2: by the keys before, one step; else by the role `root`, forward, and from a former one anywhere."""
        if len(one.by & held.said.keys) >= 2 and one.said.number == held.said.number + 1:
            return True
        forward = not self.certified or one.said.number > held.said.number
        return len(one.by & self.root.said.keys) >= 2 and forward

    # What may be acted upon.

    def time_floors(self) -> dict[str, int]:
        """The latest `issued` of what is held, by who said it (TM-4)."""
        said = [("root", self.root.said.issued)]
        if self.brand is not None and self.certified:
            said.append(("acme", self.brand.said.issued))
        for subject in self.subjects():
            held = self.floor(*subject)
            if held is not None:
                own = "root" if subject == ("list", "root") else "acme"
                who = [f"acme/{d.said.name}" for d in self.vouchers(held) or ()] or [own]
                said += [(one, held.said.issued) for one in who]
        return {who: max(day for other, day in said if other == who) for who, _ in said}

    def acts_on(self, one: Signed, clock: int) -> bool:
        """Whether anything new is done because of it at this instant of the clock."""
        vouchers = [] if one.said.kind == "brand" else self.vouchers(one)
        if vouchers is None or self.action(one.said) is not None:
            return False
        held = self.floor(*one.said.subject)
        if held is not None and held.said != one.said and held.said.number >= one.said.number:
            return False
        floors = self.time_floors()
        bounds = [floors.get("root", 0), 0 if one.said.subject == ("list", "root") else floors.get("acme", 0)]
        by_delegates = [floors.get(f"acme/{d.said.name}") for d in vouchers]
        if by_delegates and None not in by_delegates:
            bounds.append(min(day for day in by_delegates if day is not None))
        now = max(clock, *bounds)
        proven = now == clock
        if now >= one.said.expires or (proven and one.said.issued > now):
            return False
        return not vouchers or any(now < d.said.expires and self.action(d.said) is None for d in vouchers)
