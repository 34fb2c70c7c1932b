"""Reports, halts and a device's own key, as a device meets who holds them (SPEC section 16, column "forge a report").

What a store makes of forged reports is played at its doors, in `test_reports`. Here a real device meets what they are
good for, a halt, from whoever can forge that; and the thief of its own key.
"""

from pathlib import Path

from sealring.bundle import (
    Entry,
    HaltEntry,
    ProofEntry,
    ReportEntry,
    StatementEntry,
    TufEntry,
    ViewEntry,
)
from sealring.envelope import Envelope, seal
from sealring.halt import Halt, halt_bytes
from sealring.keys import PublicKey
from sealring.report import Report, report_bytes
from sealring.statement import Common
from sealring.statement.fleet import Wanted
from sealring.statement.software import Rollout
from sealring.strict import encode
from sealring_client.serial import install_serial, load_key, own_key
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.stage import DAY, MODEL, Play, Stage, rules
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import image_of
from tests.sticks import write_stick

OLD, NEW = ["app 1", "tool 1", "gadget 1"], ["app 2", "tool 2", "gadget 1"]
HALT_DAYS = 2


def in_phases(stage: Stage, *, may_halt: bool = True) -> tuple[list[Envelope], Envelope]:
    """Both stores may halt, and `acme/app` goes out in phases: all that a view lists then, and that release."""
    plan = Rollout("5e" * 32, 10_000, [], stage.at - DAY, 500, 3600, HALT_DAYS * 86_400)
    sign = stage.world.signed
    release = sign(stage.release("acme/app", 2, sequence=3, rollout=plan))
    stores = [sign(stage.store_statement(shop, sequence=2, may_halt=may_halt)) for shop in stage.shops.values()]
    first = [stage.world.root, *stage.chain[:3], *stores]
    return [*first, stage.second_software[0], release, *stage.latest[2:]], release


def halt_of(stage: Stage, release: Envelope, day: int = 0) -> bytes:
    """A halt of it, dated so many days from now."""
    said = Halt(
        format=1,
        root=stage.world.root_id,
        release="acme/app/latest/stable",
        id=release.id,
        reason="made up",
        time=stage.at + day * DAY,
    )
    return halt_bytes(said)


@cell("all store keys", "forge a report", says="bounded")
@cell("the store's machine", "forge a report", says="bounded")
def test_who_has_the_store_needs_no_report_and_gains_two_days(
    stage: Stage, yesterday: Play, thieves: list[Forger]
) -> None:
    """He claims a halt, and dates it anew each day; from when the device met it first the plan counts: HL-3."""
    statements, release = in_phases(stage)
    for day in range(HALT_DAYS + 1):
        yesterday.rig.at = stage.at + day * DAY
        for thief in thieves:
            thief.list_halted(statements, release, halt_of(stage, release, day), at=yesterday.rig.at)
        report = yesterday.refresh()
        app = next(one for one in report.packages if one.package == "acme/app")
        assert app.rollout == ("chosen" if day == HALT_DAYS else "halted"), (day, rules(report))
    assert yesterday.runs() == NEW


@cell("all store keys", "forge a report", says="bounded")
def test_where_the_brand_did_not_let_it_a_store_halts_nothing(
    stage: Stage, yesterday: Play, thieves: list[Forger]
) -> None:
    """The brand's own statement says `may_halt`: false, and no device asks: HL-3."""
    statements, release = in_phases(stage, may_halt=False)
    for thief in thieves:
        thief.list_halted(statements, release, halt_of(stage, release))
    assert yesterday.refresh().outcome == "installed"
    assert yesterday.runs() == NEW


@cell("a bundle", "forge a report")
def test_a_halt_or_a_report_that_lies_in_a_bundle_is_nobody_s_word(
    stage: Stage, yesterday: Play, thieves: list[Forger], tmp_path: Path
) -> None:
    """He adds a halt that no map has, and reports of this device's installation: BN-3, HL-3, RP-1."""
    statements, release = in_phases(stage)
    files: dict[str, bytes] = {}
    for shop, thief in zip(stage.shops.values(), thieves, strict=True):
        thief.list_halted(statements, release, None)
        files |= {
            f"acme/{shop.name}{name.removeprefix('/tuf')}": raw for name, raw in thief.files.items() if "/tuf/" in name
        }
        files[f"acme/{shop.name}/1.root.json"] = (shop.store.folder / "1.root.json").read_bytes()
    report = Report(
        format=1, root=stage.world.root_id, store="acme/main", model=MODEL, device="ab" * 32, number=9, at=stage.at,
        package="acme/app", ground=release.id, revision=2, event="failed",
    )  # fmt: skip
    entries: list[Entry] = [TufEntry(name, raw) for name, raw in files.items()]
    entries += [HaltEntry(halt_of(stage, release)), ReportEntry(report_bytes(report))]
    for name, raw in {name: raw for thief in thieves for name, raw in thief.files.items()}.items():
        _, _, kind, *rest = name.split("/")
        if kind == "statements":
            entries.append(StatementEntry(raw))
        if kind == "views":
            entries.append(ViewEntry(raw))
        if kind == "proofs":
            entries.append(ProofEntry(bytes.fromhex(rest[0]), (bytes.fromhex(rest[1]),), raw))
    for shop, thief in zip(stage.shops.values(), thieves, strict=True):
        entries.append(TufEntry(f"acme/{shop.name}/log/0", b"".join(one.leaf for one in thief.log)))
    images = [image_of(f"{name} 2") for name in ("app", "tool")]
    found = yesterday.rig.by_hand(write_stick(tmp_path / "stick", entries, images))
    assert (found.outcome, yesterday.runs()) == ("installed", NEW), rules(found)


class Stolen:
    """The key from a device's folder, and what its thief signs with it."""

    def __init__(self, play: Play) -> None:
        self.stage, rig = play.stage, play.rig
        public = own_key(rig.device, None)
        serial = play.stage.world.serial(public, issued=play.stage.at - DAY)
        install_serial(rig.device, play.stage.world.signed(serial).raw, rig.at)
        key = load_key(rig.folder)
        assert key is not None
        self.key = key

    @property
    def public(self) -> PublicKey:
        return self.key.public

    def sign(self, said: Common) -> Envelope:
        payload = encode(said)
        return seal(payload, {self.public.id: self.key.sign(seal(payload, {}).pae)})


@cell("a device's serial key", "install anything")
@cell("a device's serial key", "stop what runs")
def test_a_device_s_own_key_signs_nothing_that_a_device_does(stage: Stage, today: Play, thieves: list[Forger]) -> None:
    """With it and both stores he signs software, a model, a delegation to himself, and a list that stops: TH-1."""
    stolen, world = Stolen(today), stage.world
    image = image_of("thief")
    forged = [
        stage.revision("acme/app", 3, "thief"),
        stage.release("acme/app", 3),
        stage.model(sequence=9, packages=[Wanted("acme/app", "latest/stable", "app", "required")]),
        world.revocations(1, ("revision acme/tool/2/amd64", "stop")),
    ]
    before = today.picture()
    for thief in thieves:
        thief.files[f"/v1/blobs/{forged[0].image.sha256}"] = image
        thief.list(*stage.statements(*stage.latest), *map(stolen.sign, forged))
    report = today.refresh()
    assert {"TH-1"} <= rules(report)
    assert today.runs() == NEW
    assert today.picture()["links"] == before["links"]
