"""A small world with fixed keys: a root, brands, models, software, and the way to sign any of it.

Keys come from a name, so that every run makes the same ones; statements are built by the same types that the
product uses, with ordinary defaults, and any member can be given another value to make a bad one.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from nacl.signing import SigningKey

from sealring.envelope import Envelope, seal
from sealring.keys import FamilyThreshold, KeySet, Presence, PublicKey
from sealring.names import NO_ROOT, ROOT, KeyId, instant
from sealring.statement import (
    Brand,
    Common,
    Delegation,
    Model,
    Release,
    RevisionStatement,
    Revocations,
    Root,
    SerialStatement,
    Stack,
    Store,
)
from sealring.statement.authorities import RootRoles
from sealring.statement.fleet import Revoked, TufPin, Wanted
from sealring.statement.software import Image, StackPart, Target
from sealring.strict import encode
from tests.signers import signing_with

NOW = instant("2026-03-01T12:00:00Z")
DAY = timedelta(days=1)


class Key:
    """A throw-away key that is the same in every run; so are its signatures, of whatever type it is."""

    def __init__(self, name: str, type: str = "ed25519") -> None:
        self.name = name
        self.secret = SigningKey(sha256(f"sealring throw-away key {name}".encode()).digest())
        """The Ed25519 key; one of another type is made from the same seed."""
        public, self.sign = signing_with(type, bytes(self.secret))
        self.public = PublicKey(name, type, public)

    @property
    def id(self) -> KeyId:
        return self.public.id


def key_set(threshold: int, *keys: Key) -> KeySet:
    """A classical threshold over these keys."""
    return KeySet([key.public for key in keys], [FamilyThreshold("classical", threshold, "required")])


def hybrid_set(classical: int, ml_dsa: int, *keys: Key, presence: Presence = "required") -> KeySet:
    """A threshold of each family over these keys; `presence` is that of ml-dsa."""
    thresholds = [FamilyThreshold("classical", classical, "required"), FamilyThreshold("ml-dsa", ml_dsa, presence)]
    return KeySet([key.public for key in keys], thresholds)


def sign(payload: Common | bytes, *keys: Key) -> Envelope:
    """An envelope around a statement (or any bytes), signed by these keys."""
    raw = payload if isinstance(payload, bytes) else encode(payload)
    draft = seal(raw, {})
    return seal(raw, {key.id: key.sign(draft.pae) for key in keys})


def merge(envelopes: Iterable[Envelope]) -> Envelope:
    """One envelope with the signatures of all, which carry one payload: what counter-signing makes."""
    found = list(envelopes)
    return seal(found[0].payload, {key: sig for one in reversed(found) for key, sig in one.signatures.items()})


class World:
    """One root and what it certifies. Keys: root-a, root-b, root-c (2 of 3), brands (1), and 2 of 3 for each brand."""

    def __init__(self, *, at: datetime = NOW, salt: str = "") -> None:
        self.at = at
        self.salt = salt
        self.root_keys = [self.key(f"root-{n}") for n in "abc"]
        self.brand_role = [self.key("brands")]
        self.root = sign(self.root_statement(), *self.root_keys[:2])
        self.root_id = self.root.id

    def key(self, name: str) -> Key:
        return Key(f"{name}-{self.salt}" if self.salt else name)

    def brand_keys(self, brand: str, generation: int = 1) -> list[Key]:
        """The three keys of a brand's key set number `generation`."""
        return [self.key(f"{brand}-{n}{generation}") for n in "abc"]

    def common(self, authority: str, days: float, **more: Any) -> dict[str, Any]:
        """The members that every statement has; `more` replaces any of them."""
        issued = more.pop("issued", self.at)
        base = {"format": 1, "root": getattr(self, "root_id", NO_ROOT), "authority": authority, "sequence": 1}
        return {**base, "issued": issued, "expires": issued + timedelta(days=days), **more}

    def root_statement(self, **more: Any) -> Root:
        roles = more.pop("roles", None) or RootRoles(key_set(2, *self.root_keys), key_set(1, *self.brand_role))
        return Root(roles=roles, **self.common(ROOT, 365, **more))

    def brand(self, brand: str = "acme", **more: Any) -> Brand:
        more.setdefault("keys", key_set(2, *self.brand_keys(brand)))
        more.setdefault("revocations", 0)
        return Brand(brand=brand, **self.common(ROOT, 365, **more))

    def model(self, name: str = "door-1", brand: str = "acme", **more: Any) -> Model:
        base: dict[str, Any] = {
            "architecture": "amd64",
            "packages": [Wanted(f"{brand}/tool", "latest/stable", "app", "required")],
            "stores": [f"{brand}/main"],
            "agree": 1,
            "offline_age": 0,
            "serial": "none",
            "end_of_support": self.at + 3650 * DAY,
            "revocations": 0,
        }
        return Model(model=name, **{**self.common(brand, 365), **base, **self._own(brand, 365, more)})

    def revision(self, number: int = 1, image: bytes = b"", brand: str = "acme", **more: Any) -> RevisionStatement:
        base: dict[str, Any] = {
            "package": "tool",
            "revision": number,
            "architecture": "amd64",
            "kind": "app",
            "version": f"1.{number}",
            "epoch": 0,
            "image": Image(sha256(image).hexdigest(), max(len(image), 1), "squashfs"),
            "purpose": "feature",
        }
        return RevisionStatement(**{**base, **self._own(brand, 365, more)})

    def release(self, number: int = 1, brand: str = "acme", **more: Any) -> Release:
        """A release of revision `number`; its sequence is that number too, unless said otherwise."""
        more.setdefault("sequence", number)
        base: dict[str, Any] = {
            "package": "tool",
            "channel": "latest/stable",
            "targets": [Target("amd64", number, 1)],
            "revocations": 0,
        }
        return Release(**{**base, **self._own(brand, 90, more)})

    def store(self, url: str = "http://127.0.0.1:1", tuf: tuple[int, str] = (1, "0" * 64), **more: Any) -> Store:
        brand = more.pop("brand", "acme")
        base: dict[str, Any] = {
            "store": "main",
            "urls": [url],
            "tuf": TufPin(*tuf),
            "max_age": 7 * 24 * 3600,
            "packages": [f"{brand}/*"],
            "may_halt": False,
            "revocations": 0,
        }
        return Store(**{**base, **self._own(brand, 300, more)})

    def delegate_keys(self, name: str = "partner", generation: int = 1) -> list[Key]:
        """The two keys of a delegation's key set number `generation`; one of them is enough."""
        return [self.key(f"{name}-{n}{generation}") for n in "ab"]

    def delegation(self, name: str = "partner", brand: str = "acme", **more: Any) -> Delegation:
        """The delegation of apps named `tool` to a partner: he builds and releases them."""
        base: dict[str, Any] = {
            "delegation": name,
            "keys": key_set(1, *self.delegate_keys(name)),
            "roles": ["release", "revision"],
            "packages": [f"{brand}/tool"],
            "models": [],
            "kinds": ["app"],
        }
        return Delegation(**{**base, **self._own(brand, 300, more)})

    def revocations(self, sequence: int = 1, *lines: tuple[str, str], brand: str = "acme", **more: Any) -> Revocations:
        """The list of an authority (its own, unless `issuer` says another); each line is (what, action)."""
        revoked = [Revoked(what, self.at, "found out", action) for what, action in sorted(lines)]  # type: ignore[arg-type]
        base: dict[str, Any] = {"issuer": brand, "revoked": revoked}
        return Revocations(**{**base, **self._own(brand, 300, {"sequence": sequence, **more})})

    def stack(self, *parts: tuple[str, int], brand: str = "acme", **more: Any) -> Stack:
        """The stack `line` of these packages (names without the brand) and revisions, for amd64."""
        listed = [StackPart(f"{brand}/{name}", "amd64", number) for name, number in sorted(parts)]
        base: dict[str, Any] = {"stack": "line", "parts": listed, "revocations": 0}
        return Stack(**{**base, **self._own(brand, 90, more)})

    def serial(self, key: PublicKey, name: str = "SN-1", brand: str = "acme", **more: Any) -> SerialStatement:
        """The serial of one device of `door-1`, with its own key."""
        base: dict[str, Any] = {"model": "door-1", "serial": name, "key": key}
        return SerialStatement(**{**base, **self._own(brand, 7000, more)})

    def signed(self, statement: Common) -> Envelope:
        """The statement signed by the threshold that may sign it in this world."""
        if isinstance(statement, Root):
            return sign(statement, *self.root_keys[:2])
        if isinstance(statement, Brand):
            return sign(statement, *self.brand_role, *self.brand_keys(statement.brand)[:2])
        if statement.authority == ROOT:
            return sign(statement, *self.root_keys[:2])
        return sign(statement, *self.brand_keys(statement.authority)[:2])

    def _own(self, brand: str, days: float, more: dict[str, Any]) -> dict[str, Any]:
        known = {"format", "root", "authority", "sequence", "issued", "expires", "not_before", "x"}
        common = {name: value for name, value in more.items() if name in known}
        rest = {name: value for name, value in more.items() if name not in known}
        return {**self.common(common.pop("authority", brand), days, **common), **rest}
