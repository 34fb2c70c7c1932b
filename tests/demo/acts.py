"""The three acts: keys and ceremony, everyday updates, and the attacks."""

from hashlib import sha256
from pathlib import Path

from tests.demo.images import Built, architecture, build
from tests.demo.shop import Shop
from tests.demo.story import Story

PEOPLE = ("alice", "bob", "carol")
PASS = "--passphrase-file pass"
REFRESH = "sealring-device refresh --state device"
LATER = "env DONT_FAKE_MONOTONIC=1 faketime -f +8d"


def ceremony(story: Story, shops: list[Shop]) -> None:
    """Keys, the chain from the root to the model, two stores, and a device that knows the root and its model."""
    story.chapter("Keys: three people hold the root, three the brand; two of three must sign")
    (story.folder / "pass").write_text("only for this demo\n")
    for name in (*(f"root-{p}" for p in PEOPLE), "certifier", *(f"acme-{p}" for p in PEOPLE), "tuf-main", "tuf-second"):
        story.run(f"sealring key create {name}.key --name {name} --kdf interactive {PASS}", quiet=True)
    story.tell("Nine encrypted key files are made. The root names its own keys and the key that certifies brands:")
    roots = " ".join(f"--root-key root-{p}.pub" for p in PEOPLE)
    story.run(
        f"sealring create root {roots} --root-threshold 2 --brand-key certifier.pub --brand-threshold 1 -o root.json"
    )
    _sign(story, "root.json", ["root-alice", "root-bob"], "--root root.json")
    keys = " ".join(f"--key acme-{p}.pub" for p in PEOPLE)
    story.run(f"sealring create brand --brand acme {keys} --threshold 2 --root root.json -o acme.json", quiet=True)
    _sign(story, "acme.json", ["certifier"], "--root root.json")
    story.tell("What a signer sees is the meaning, never a blob:")
    story.run("sealring review acme.json", says="acme")

    story.chapter("Two stores, and the statement in which the brand allows them")
    for shop in shops:
        story.run(f"sealring-store init {shop.name} --root root.json --tuf-root-key tuf-{shop.name}.key {PASS}")
        shop.open()
        tuf, packages = f"{shop.name}/1.root.json", '--packages "acme/*"'
        story.run(
            f"sealring create store --store acme/{shop.name} --url {shop.url} --tuf-root {tuf} {packages} "
            f"--root root.json -o store-{shop.name}.json",
            quiet=True,
        )
        _sign(story, f"store-{shop.name}.json", ["acme-alice", "acme-bob"], "--root root.json --brand acme.json")
    story.run(
        f"sealring create model --model acme/door-1 --architecture {architecture()} --package acme/ruff=latest/stable "
        f"--store acme/main --store acme/second --root root.json -o door-1.json",
        quiet=True,
    )
    _sign(story, "door-1.json", ["acme-alice", "acme-carol"], "--root root.json --brand acme.json")
    story.run("sealring verify acme.json door-1.json store-main.json --root root.json --brand acme.json")
    chain = "root.json acme.json door-1.json store-main.json store-second.json"
    for shop in shops:
        story.run(f"sealring publish {shop.url} {chain} --tuf-root {shop.name}/1.root.json", quiet=shop is not shops[0])

    story.chapter("A device, which trusts its root and its model's name, and nothing else")
    story.run(f"sealring bundle create -o seed.bundle {chain.removeprefix('root.json ')}", quiet=True)
    story.run(
        "sealring-device provision --state device --root root.json --model acme/door-1 --seed seed.bundle",
        says="acme/door-1",
    )


def everyday(story: Story, shops: list[Shop]) -> None:
    """A first version, an update, a bad one that goes back by itself, and the one that mends it."""
    story.chapter("The first version of real software: ruff 0.17.2")
    _release(story, shops, 1, build("0.17.2", story.folder))
    story.run(REFRESH, says="0.17.2")
    _program_says(story, "0.17.2")
    shops[0].close()
    shops[0].copy_to(story.folder / "main-as-it-was")
    shops[0].open()

    story.chapter("An update: ruff 0.17.3")
    _release(story, shops, 2, build("0.17.3", story.folder))
    story.run("sealring-device check --state device", exits=3)
    story.run(REFRESH, says="0.17.3")
    _program_says(story, "0.17.3")
    story.run("sealring-device check --state device")

    story.chapter("A bad update: the build server packed the program for another processor")
    _release(story, shops, 3, build("0.17.4", story.folder, wrong_machine=True))
    story.tell("It is signed and released by the brand, so the device takes it, tries it, and goes back by itself:")
    story.run(REFRESH, exits=27, says="HC-1")
    _program_says(story, "0.17.3")
    story.run("sealring-device status --state device", says="0.17.3")

    story.chapter("The build is mended, and released as a revision of its own")
    _release(story, shops, 4, build("0.17.4", story.folder))
    story.run(REFRESH, says="0.17.4")
    _program_says(story, "0.17.4")


def attacks(story: Story, shops: list[Shop]) -> None:
    """What a thief, a hostile store and a frozen store get: a refusal with the rule's id."""
    main, second = shops
    story.chapter("Attack: somebody signs a revision with keys of his own")
    for name in ("mallory", "mallet"):
        story.run(f"sealring key create {name}.key --name {name} --kdf interactive {PASS}", quiet=True)
    story.run("sealring create revision --replaces revision-4.json --revision 9 -o forged.json", quiet=True)
    _sign(story, "forged.json", ["mallory", "mallet"])
    story.run("sealring verify forged.json --root root.json --brand acme.json", exits=21, says="TH-1")
    story.run(f"sealring publish {main.url} forged.json", exits=21, says="TH-1")

    story.chapter("Attack: the stores are broken into, and an image is altered there")
    image = build("0.17.5", story.folder)
    _release(story, shops, 5, image)
    kept = _alter(main, second, digest=_digest(image))
    story.run(REFRESH, exits=26, says="IM-2")
    _program_says(story, "0.17.4")
    story.tell("The true image is put back; the device goes on where it was:")
    for path, raw in kept.items():
        path.write_bytes(raw)
    story.run(REFRESH, says="0.17.5")
    _program_says(story, "0.17.5")

    story.chapter("Attack: an old release is shown again")
    story.run(f"sealring publish {main.url} release-1.json", exits=23, says="FL-1")
    story.tell("So the thief of the store's machine, who has all its keys, puts the whole store back to its first day:")
    main.close()
    main.copy_to(story.folder / "main-as-it-is")
    main.put_back(story.folder / "main-as-it-was")
    main.open()
    story.run(REFRESH, says="TF-4")
    _program_says(story, "0.17.5")
    main.close()
    main.put_back(story.folder / "main-as-it-is")
    main.open()

    story.chapter("Attack: one store is frozen; the other is fresh")
    _release(story, [second], 6, build("0.17.6", story.folder))
    story.tell("The main store answers as yesterday. The newest release wins, wherever it comes from:")
    story.run(REFRESH, says="0.17.6")
    _program_says(story, "0.17.6")
    story.tell("Eight days later (by faketime) the frozen store's answers no longer count; the other has signed daily:")
    story.run(f"{LATER} sealring-store sign second", quiet=True)
    story.run(f"{LATER} sealring-device refresh --state device", says="TF-6")
    story.tell("And if a store is simply gone, nothing is held up:")
    main.close()
    story.run(f"{LATER} sealring-device check --state device", says="unreachable")
    _program_says(story, "0.17.6")
    main.open()


def _sign(story: Story, name: str, keys: list[str], known: str = "") -> None:
    """Each holder adds a signature; the last command says whether they are enough."""
    for key in keys:
        story.run(
            f"sealring sign {name} --key {key}.key {PASS} --yes {known}", quiet=key != keys[-1] or not known, last=1
        )


def _release(story: Story, shops: list[Shop], number: int, image: Built) -> None:
    """Sign revision and release `number`, and publish both with the image."""
    shape, shown = f"revision-{number}.json", f"{image.path.name}, {image.size / 1e6:.1f} MB"
    story.run(
        f"sealring create revision --package acme/ruff --revision {number} --architecture {architecture()} "
        f"--version {image.version} --image {image.path} --health bin/check --health-timeout 30 --root root.json "
        f"-o {shape}",
        quiet=True,
    )
    before = f"--replaces release-{number - 1}.json" if number > 1 else "--package acme/ruff --channel latest/stable"
    target = f"--revision {architecture()}={number}" + (f":1:{number - 1}" if number > 1 else "")
    story.run(f"sealring create release {before} {target} --root root.json -o release-{number}.json", quiet=True)
    for name in (shape, f"release-{number}.json"):
        for key in ("acme-bob", "acme-carol"):
            story.run(f"sealring sign {name} --key {key}.key {PASS} --yes", quiet=True)
    story.tell(f"Revision {number} ({shown}) and its release are signed by two of three, and published:")
    for shop in shops:
        statements = f"{shape} release-{number}.json --image {image.path} --tuf-root {shop.name}/1.root.json"
        story.run(f"sealring publish {shop.url} {statements}", quiet=shop is not shops[0])


def _program_says(story: Story, version: str) -> None:
    """The device runs the program from the mounted image."""
    story.run("device/current/acme/ruff/bin/ruff --version", says=f"ruff {version}")


def _digest(image: Built) -> str:
    return sha256(image.path.read_bytes()).hexdigest()


def _alter(*shops: Shop, digest: str) -> dict[Path, bytes]:
    """Change one byte of an image in these stores; the true bytes come back as the result."""
    kept = {}
    for shop in shops:
        path = shop.blob(digest)
        raw = path.read_bytes()
        kept[path] = raw
        path.chmod(0o644)
        path.write_bytes(raw[:5000] + bytes([raw[5000] ^ 1]) + raw[5001:])
    return kept
