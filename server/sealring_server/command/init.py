"""`sealring-store init`: one key signs the store's TUF root at once, or the request for it goes to several holders."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealring.durable import write_durably
from sealring.envelope import MAX_ENVELOPE
from sealring.words import Usage
from sealring_server.command.given import (
    Outside,
    kept_keys,
    open_signer,
    public_keys,
    read_file,
    show,
    tuf_root_key,
)

if TYPE_CHECKING:
    from sealring_server.settings import Images, Settings


def cmd_init(args: argparse.Namespace, outside: Outside) -> None:
    """Make a store: its folder, its online keys, and the TUF root that the security team pins."""
    from sealring.chain import root_id
    from sealring_server.making import check_roots

    raws = [read_file(path, MAX_ENVELOPE) for path in args.root]
    root = root_id(check_roots(args.dir, raws, outside.clock(), _settings(args))[0])
    if args.tuf_root_pub and args.tuf_root_key is not None:
        raise Usage("--tuf-root-pub and --tuf-root-key", "one key signs at once, or several holders are asked")
    if args.dry_run:
        show(args, {"would_make": str(args.dir), "root_id": root}, f"would make {args.dir} under root {root}")
    elif args.tuf_root_pub:
        _begin(args, outside, raws, root)
    else:
        _make(args, outside, raws, root)


def _make(args: argparse.Namespace, outside: Outside, raws: list[bytes], root: str) -> None:
    from sealring_server.making import make_store

    place, is_new = tuf_root_key(args, outside)
    with open_signer(place, args, outside) as signer:
        pin = make_store(args.dir, raws, signer, outside.clock, kept_keys(args), _settings(args))
    found = {"store": str(args.dir), "tuf_root": str(args.dir / "1.root.json"), "version": pin.version}
    found |= {"sha256": pin.sha256, "tuf_root_key": place, "root_id": root}
    lines = [f"store made in {args.dir}", pin_words(pin.version, pin.sha256)]
    if is_new:
        lines.append(f"now take {place} offline: move it to a medium that is kept away from this machine")
    show(args, found, "\n".join(lines))


def _begin(args: argparse.Namespace, outside: Outside, raws: list[bytes], root: str) -> None:
    from sealring_server.making import begin_store

    keys = public_keys(args.tuf_root_pub)
    threshold = args.tuf_root_threshold or len(keys) // 2 + 1
    request = begin_store(args.dir, raws, keys, threshold, outside.clock, kept_keys(args), _settings(args))
    out = args.out or args.dir.parent / f"{args.dir.name}-tuf-root-1.request"
    write_durably(out, request.raw)
    found = {"store": str(args.dir), "request": str(out), "id": request.id, "root_id": root}
    lines = [
        f"store begun in {args.dir}: it waits for its TUF root, which {threshold} of {len(keys)} holders sign",
        f"request {request.id} in {out}",
        f"next: every holder runs `sealring sign {out} --key KEY`",
        f"then `sealring assemble COPIES -o signed`, and `sealring-store tuf publish {args.dir} signed/1.root.json`",
    ]
    show(args, found, "\n".join(lines))


def _settings(args: argparse.Namespace) -> "Settings":
    """What `store.toml` says, or where there is none, what the options say; never both."""
    from sealring_server.settings import FILE, Database, Settings, check_database_url, load_settings

    found, file = load_settings(args.dir), args.dir / FILE
    check_database_url(args.database or "", Path("--database"))
    if not file.exists():
        return Settings(database=Database(args.database or ""), images=_images(args))
    if args.database is not None and found.database.url != args.database:
        raise Usage(f"--database, and {file} says another one", "leave one of them out")
    if args.images is not None and found.images != _images(args):
        raise Usage(f"--images, and {file} says otherwise", "leave one of them out")
    return found


def _images(args: argparse.Namespace) -> "Images":
    """Where the options say that the images are."""
    from sealring_server.settings import Images

    if args.images is None:
        if args.s3_endpoint or args.s3_credentials:
            raise Usage("--s3-endpoint and --s3-credentials", "--images s3://BUCKET/PREFIX belongs to them")
        return Images()
    if args.s3_credentials is None:
        raise Usage("--images", "--s3-credentials FILE belongs to it")
    return Images(args.images, args.s3_endpoint or "", "", f"file:{args.s3_credentials.absolute()}")


def pin_words(version: int, sha256: str) -> str:
    """What the security team writes into the `store` assertion."""
    return f"pin this in the store assertion: TUF root version {version}, sha256 {sha256}"


def add_options(init: Any) -> None:
    """Its options."""
    init.add_argument("dir", type=Path, metavar="DIR", help="the store's folder, made when it is not there")
    root_help = "the root assertion that the store's devices trust; repeat for its history, versions in any order"
    init.add_argument("--root", type=Path, required=True, action="append", metavar="FILE", help=root_help)
    key_help = "key file, or URI, for the TUF root, needed this once; without it one is made beside DIR"
    init.add_argument("--tuf-root-key", metavar="FILE|URI", help=key_help)
    pub_help = "public half of a key of the TUF root; repeat for each holder, who then sign the request that is made"
    init.add_argument("--tuf-root-pub", type=Path, action="append", default=[], metavar="FILE", help=pub_help)
    threshold_help = "how many of these holders must sign; more than half of them unless given"
    init.add_argument("--tuf-root-threshold", type=int, metavar="N", help=threshold_help)
    init.add_argument("--out", type=Path, metavar="FILE", help="where that request goes; beside DIR unless given")
    database_help = "postgresql://USER@HOST/DATABASE for the rows, without a password; SQLite in DIR unless given"
    init.add_argument("--database", metavar="URL", help=database_help)
    images_help = "s3://BUCKET/PREFIX for the images, of this store alone; a folder in DIR unless given"
    init.add_argument("--images", metavar="URL", help=images_help)
    init.add_argument("--s3-endpoint", metavar="URL", help="where that bucket is; Amazon's unless given")
    credentials_help = "holds access_key_id and secret_access_key of the bucket, mode 600"
    init.add_argument("--s3-credentials", type=Path, metavar="FILE", help=credentials_help)
    add_kept(init)
    secret_help = "holds the passphrase, or PIN, of --tuf-root-key in one line; asked for otherwise"
    init.add_argument("--passphrase-file", type=Path, metavar="FILE", help=secret_help)
    init.add_argument("--dry-run", action="store_true", help="check the root and the folder, and change nothing")


def add_kept(parser: Any) -> None:
    """The options for online keys that are not files of the store's own making."""
    online_help = "keep the key of timestamp, snapshot or targets elsewhere: a URI such as hsm:2?label=shop, or a file"
    parser.add_argument("--online", action="append", default=[], metavar="ROLE=PLACE", help=online_help)
    secret_help = "where its passphrase or PIN is: file:PATH or credential:NAME (of systemd); none unless given"
    parser.add_argument("--online-secret", action="append", default=[], metavar="ROLE=WHERE", help=secret_help)
