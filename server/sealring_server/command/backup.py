"""`sealring-store backup`, `restore` and `resume` (SPEC BK-1 to BK-3)."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sealring.durable import write_durably
from sealring.envelope import MAX_ENVELOPE
from sealring.words import Usage
from sealring_server.command.given import Outside, check_url, kept_keys, open_signer, public_keys, read_file, show
from sealring_server.command.init import add_kept, pin_words

BACKUP = (
    "sealring-store backup shop /mnt/backup/shop",
    "sealring-store backup verify /mnt/backup/shop --root root.json",
)
RESTORE = (
    "sealring-store restore /mnt/backup/shop shop --root root.json --keys old/shop/keys",
    "sealring-store restore /mnt/backup/shop shop --root root.json --database postgresql://store@db/sealring",
)
RESUME = (
    "sealring-store resume shop --nothing-newer",
    "sealring-store resume shop --from https://mirror.example",
    "sealring-store resume shop --new-tuf-root --tuf-root-key tuf-root.key",
    "sealring-store resume shop --new-tuf-root --tuf-root-pub ann.pub --tuf-root-pub bob.pub --out root.request",
    "sealring-store resume shop --tuf-root signed/1.root.json",
)


def cmd_backup(args: argparse.Namespace, outside: Outside) -> None:
    """Save all that a store holds but its keys into a folder, or verify such a folder from the root alone."""
    if len(args.places) != 2:
        raise Usage(f"{len(args.places)} folders", "`backup DIR TO`, or `backup verify TO --root FILE`")
    if args.places[0] == "verify":
        _verify(args, outside)
    else:
        _take(args, outside)


def _take(args: argparse.Namespace, outside: Outside) -> None:
    from sealring_server.backup.take import back_up
    from sealring_server.here import open_store

    if args.root is not None:
        raise Usage("--root without verify", "a backup is verified by `backup verify TO --root FILE`")
    to, here = Path(args.places[1]), open_store(Path(args.places[0]), outside.clock)
    try:
        taken = back_up(here, to)
    finally:
        here.database.close()
    said, rows = taken.manifest, sum(table.rows for table in taken.manifest.tables)
    found = {"backup": str(to), "entry": said.entry, "rows": rows, "images": said.images}
    found |= {"image_bytes": said.image_bytes, "lacking": said.lacking, "new_parts": taken.new_parts}
    found |= {"new_images": taken.new_images, "new_bytes": taken.new_bytes}
    line = f"backup of entry {said.entry} in {to}: {rows} rows, {said.images} images; {taken.new_bytes} bytes were new"
    show(args, found, f"{line}\nthe private keys are not in it: keep them apart")


def _verify(args: argparse.Namespace, outside: Outside) -> None:
    from sealring_server.backup.verify import verify_backup

    if args.root is None:
        raise Usage("no --root", "a backup is verified from the root that you give, and from nothing else")
    place = args.places[1]
    found = verify_backup(Path(place), read_file(args.root, MAX_ENVELOPE), outside.clock())
    said = found.report.as_object(place, found.manifest.entry)
    said |= {"heads_that_count": found.judged.good, "heads_that_lapsed": found.judged.lapsed_in_all}
    counted = ", ".join(f"{number} {name}" for name, number in said["checked"].items())
    lines = [f"backup of entry {found.manifest.entry}: checked {counted}"]
    lines += [f"wrong: {one['part']}: {one['what']}" for one in said["wrong"]]
    lines += [f"told: {what}" for what in said["told"]]
    show(
        args, said, "\n".join([*lines, "all of it is right" if not said["wrong"] else f"{said['wrong_in_all']} wrong"])
    )
    error = found.report.error(place)
    if error is not None:
        raise error


def cmd_restore(args: argparse.Namespace, outside: Outside) -> None:
    """Make a store of a backup that verifies from --root; it signs nothing until `sealring-store resume`."""
    from sealring_server.backup.restore import restore
    from sealring_server.images.chosen import images_of
    from sealring_server.settings import load_settings

    settings = load_settings(args.dir)
    settings = replace(settings, database=replace(settings.database, url=args.database or settings.database.url))
    if args.images:
        settings = replace(settings, images=replace(settings.images, url=args.images))
    images = images_of(settings.images, args.dir)
    anchor = read_file(args.root, MAX_ENVELOPE)
    done = restore(args.backup, args.dir, settings, images, anchor, outside.clock, args.keys)
    entry = done.found.manifest.entry
    found = {"store": str(args.dir), "entry": entry, "key_files": done.keys, "told": done.found.report.told}
    lines = [f"restored {args.dir} at entry {entry}; it can be read, signs nothing and takes nothing"]
    lines += [f"told: {what}" for what in done.found.report.told]
    if done.keys:
        lines.append(f"{done.keys} key files came along from {args.keys}")
    else:
        lines.append("private keys are in no backup: bring the folder `keys`, or resume with a new TUF root")
    lines.append(f"was nothing shown after entry {entry}? then `sealring-store resume {args.dir} --nothing-newer`")
    lines.append("whoever can't be sure resumes with a new TUF root (`--new-tuf-root`; docs/backup.md says when)")
    show(args, found, "\n".join(lines))


def cmd_resume(args: argparse.Namespace, outside: Outside) -> None:
    """Let a store that was restored sign and take again."""
    from sealring_server.here import open_store

    chosen = [args.nothing_newer, args.shown is not None, args.new_tuf_root, args.tuf_root is not None]
    if sum(chosen) != 1:
        raise Usage("one way is needed", "--nothing-newer, --from URL, --new-tuf-root, or --tuf-root FILE")
    here = open_store(args.dir, outside.clock)
    try:
        _resume(args, outside, here)
    finally:
        here.online.close()
        here.database.close()


def _resume(args: argparse.Namespace, outside: Outside, here: Any) -> None:
    from sealring.request.tuf_root import MAX_ROOT, parse_root
    from sealring_server.backup.resume import request_new_root, resume_as_it_was, resume_with_key, resume_with_root

    if args.shown is not None:
        _resume_from(args, here)
        return
    if args.nothing_newer:
        done = resume_as_it_was(here)
    elif args.tuf_root is not None:
        done = resume_with_root(here, parse_root(read_file(args.tuf_root, MAX_ROOT)))
    elif args.tuf_root_pub:
        keys = public_keys(args.tuf_root_pub)
        threshold = args.tuf_root_threshold or len(keys) // 2 + 1
        request = request_new_root(here, keys, threshold, kept_keys(args))
        out = args.out or args.dir.parent / f"{args.dir.name}-new-tuf-root.request"
        write_durably(out, request.raw)
        words = f"request {request.id} in {out}: {threshold} of {len(keys)} holders run `sealring sign {out} --key KEY`"
        after = (
            "then `sealring assemble COPIES -o signed`, and `sealring-store resume DIR --tuf-root signed/1.root.json`"
        )
        show(args, {"request": str(out), "id": request.id}, f"{words}\n{after}")
        return
    elif args.tuf_root_key is not None:
        with open_signer(args.tuf_root_key, args, outside) as signer:
            done = resume_with_key(here, signer, kept_keys(args))
    else:
        raise Usage("--new-tuf-root", "with --tuf-root-key KEY, or --tuf-root-pub FILE for each holder")
    found: dict[str, Any] = {"store": str(args.dir), "entry": done.entry}
    lines = [f"{args.dir} goes on from entry {done.entry}"]
    if done.pin is not None:
        found |= {"version": done.pin.version, "sha256": done.pin.sha256}
        lines.append(pin_words(done.pin.version, done.pin.sha256))
        lines.append("until that is published, devices take nothing from here")
    show(args, found, "\n".join(lines))


def _resume_from(args: argparse.Namespace, here: Any) -> None:
    """BK-2: a mirror's word is signed by the store's own keys: it stops a store, and what it shows brings it back."""
    from sealring_server.backup.catch_up import look_for_later, resume_from
    from sealring_server.backup.stopped import find_stop

    check_url(args.shown)
    later = look_for_later(here, args.shown)
    with here.database.reading() as connection:
        found = find_stop(connection)
    if found is None:
        show(args, {"store": str(args.dir), "later": None}, f"{args.shown} shows nothing later than {args.dir} has")
        return
    if args.check and later is not None:
        raise found
    done = resume_from(here, args.shown)
    said: dict[str, Any] = {"store": str(args.dir), "entry": done.resumed.entry, "entries": done.entries}
    said |= {"images": done.images, "lacking": list(done.lacking)}
    lines = [f"took up {done.entries} entries; {args.dir} goes on from entry {done.resumed.entry}"]
    lines += [f"told: nobody shows the image {digest}: publish it again" for digest in done.lacking]
    show(args, said, "\n".join(lines))


def add_backup(commands: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    """The arguments of all three."""
    backup = command(commands, "backup", cmd_backup, *BACKUP)
    backup.add_argument("places", nargs="+", metavar="DIR|verify TO", help="the store's folder and the backup's")
    backup.add_argument("--root", type=Path, metavar="FILE", help="with verify: the root assertion that you trust")
    restore = command(commands, "restore", cmd_restore, *RESTORE)
    restore.add_argument("backup", type=Path, metavar="FROM", help="the backup's folder")
    restore.add_argument("dir", type=Path, metavar="DIR", help="the new store's folder")
    restore.add_argument("--root", type=Path, required=True, metavar="FILE", help="the root assertion that you trust")
    restore.add_argument("--database", metavar="URL", help="postgresql://...; SQLite in DIR unless given")
    images_help = "s3://BUCKET/PREFIX, with the other members of [images] in DIR/store.toml; DIR/blobs unless given"
    restore.add_argument("--images", metavar="URL", help=images_help)
    keys_help = "the folder `keys` of the store that was; private keys are in no backup"
    restore.add_argument("--keys", type=Path, metavar="FOLDER", help=keys_help)
    _add_resume(command(commands, "resume", cmd_resume, *RESUME))


def _add_resume(resume: argparse.ArgumentParser) -> None:
    resume.add_argument("dir", type=Path, metavar="DIR", help="the restored store's folder")
    nothing_help = "you know that nobody was shown a later entry; a wrong word makes devices refuse the store"
    resume.add_argument("--nothing-newer", action="store_true", help=nothing_help)
    from_help = "a mirror of this store, or another copy: what it kept is taken up, if this store's keys signed it"
    resume.add_argument("--from", dest="shown", metavar="URL", help=from_help)
    check_help = "with --from: only stop the store where something later is shown, and say so"
    resume.add_argument("--check", action="store_true", help=check_help)
    new_help = "whatever was shown counts no more: a new TUF root, which a newer `store` assertion must pin"
    resume.add_argument("--new-tuf-root", action="store_true", help=new_help)
    resume.add_argument("--tuf-root", type=Path, metavar="FILE", help="that root, as its holders signed it")
    resume.add_argument("--tuf-root-key", metavar="FILE|URI", help="signs that root at once")
    pub_help = "public half of a key of that root; repeat for each holder, who then sign the request that is made"
    resume.add_argument("--tuf-root-pub", type=Path, action="append", default=[], metavar="FILE", help=pub_help)
    threshold_help = "how many of these holders must sign; more than half of them unless given"
    resume.add_argument("--tuf-root-threshold", type=int, metavar="N", help=threshold_help)
    resume.add_argument("--out", type=Path, metavar="FILE", help="where the request goes; beside DIR unless given")
    add_kept(resume)
    secret_help = "holds the passphrase, or PIN, of --tuf-root-key in one line; asked for otherwise"
    resume.add_argument("--passphrase-file", type=Path, metavar="FILE", help=secret_help)
