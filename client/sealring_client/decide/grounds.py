"""What every choice of one check rests on: the model, its brands, and what the device is (SPEC DV-10, SN-1)."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from sealring.approve import SerialMissing, check_revocations, check_serial
from sealring.authentic import Authentic, S, Verified, WrongStatement
from sealring.errors import TrustError
from sealring.moment import Expired
from sealring.revocation import Found
from sealring.statement import Brand, Model, RevisionStatement, SerialStatement
from sealring_client.decide.evidence import Disputes
from sealring_client.decide.times import Times
from sealring_client.decide.trusted import Trusted
from sealring_client.failures import Failure


@dataclass(frozen=True)
class Identity:
    """What sets this device apart: its secret and groups for rollouts, and its own key where it has one."""

    secret: bytes
    groups: tuple[str, ...] = ()
    public: bytes | None = None


@dataclass(frozen=True)
class Past:
    """What runs, or did until it was stopped: each package's revision, and the revocation that reaches it."""

    revisions: Mapping[str, RevisionStatement] = field(default_factory=dict)
    reached: Mapping[str, Found] = field(default_factory=dict)


@dataclass(frozen=True)
class Grounds:
    """What every choice of one check rests on.

    `ended` is set where the model or its brand has expired: then only a final release is taken (EL-2).
    """

    model: Authentic[Model]
    times: Times
    trusted: Trusted
    failures: Mapping[str, Failure]
    identity: Identity
    past: Past
    disputes: Disputes
    ended: Expired | None = None

    @property
    def architecture(self) -> str:
        """The model's."""
        return self.model.statement.architecture

    def brand(self, name: str) -> Authentic[Brand]:
        """A brand's certificate of today.

        Raises:
            WrongStatement.
        """
        found = self.trusted.brand(name)
        if found is None:
            raise WrongStatement(f"brand {name}", "no current certificate", "one", "BR-1")
        return found

    def current_brands(self) -> list[Verified[Brand]]:
        """The certificates that may be acted upon, of the model's brand and of each package's."""
        names = {self.model.statement.authority, *(w.package.partition("/")[0] for w in self.model.statement.packages)}
        found = []
        for name in sorted(names):
            # Another publisher's certificate that has ended ends his packages' updates, and nobody else's.
            with suppress(TrustError):
                found.append(self.times.verify(self.brand(name)))
        return found


def check_grounds(
    trusted: Trusted,
    times: Times,
    model_name: str,
    failures: Mapping[str, Failure],
    identity: Identity,
    past: Past,
    disputes: Disputes,
) -> Grounds:
    """Root, brand and model: nothing is installed by anything that does not count (SPEC DV-10).

    Raises:
        TrustError: which of them is missing, revoked or not certified; or this device is not one that counts.
    """
    times.verify(trusted.chain.root)
    authority = model_name.partition("/")[0]
    certificate = trusted.brand(authority)
    if certificate is None:
        raise WrongStatement(f"brand {authority}", "no current certificate", "one signed by the root", "BR-1")
    model = trusted.floors.get(Model, model_name)
    if model is None:
        raise WrongStatement(f"model {model_name}", "none held", "one signed by its brand", "MD-1")
    ended = _ended(times, certificate) or _ended(times, model)
    # RC-1: the model rests on its own brand, whoever's packages it lists.
    check_revocations(trusted.chain, certificate.statement)
    check_known(trusted, times, model.statement, identity.public)
    return Grounds(model, times, trusted, failures, identity, past, disputes, ended)


def check_known(trusted: Trusted, times: Times, model: Model, public: bytes | None) -> None:
    """Refuse to install where the model wants a serial that this device does not have (SN-1).

    Raises:
        SerialMissing: it says what was wrong with the serial that is held, if one is.
    """
    verified, why = None, ""
    for found in own_serials(trusted, model.name, public) if model.serial == "required" else []:
        try:
            verified = times.verify(found)
            break
        except TrustError as err:
            why = str(err)
    if verified is None and why:
        raise SerialMissing(model.name, why)
    check_serial(model, verified, public)


def own_serials(trusted: Trusted, model: str, public: bytes | None) -> list[Authentic[SerialStatement]]:
    """The serial statements held that are about this model and this key, whatever their state."""
    subjects = [s for kind, s in trusted.floors.highest if kind == "serial" and s.startswith(f"{model}/")]
    held = [one for s in subjects if (one := trusted.floors.get(SerialStatement, s)) is not None]
    return [one for one in held if one.statement.key.public == public]


def _ended(times: Times, found: Authentic[S]) -> Expired | None:
    """The end of its life, if that has come; what else stands against it is raised."""
    try:
        times.verify(found)
    except Expired as err:
        # EL-2: a final release may lift this, and nothing else.
        times.verify(found, final=frozenset((found.envelope.id,)))
        return err
    return None
