"""`sealring-device tuf`: any TUF repository, read by the code that reads the stores (SPEC TF-12).

The options stand before the action, and the exit code is 0 or 1, as suites that try many TUF clients call them.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sealring.errors import SealringError
from sealring.words import Program, Usage, visible

NAME = "sealring-device tuf"
PROGRAM = Program("sealring-device", "sealring-client")
INIT = f"{NAME} --metadata-dir trusted init root.json"
REFRESH = f"{NAME} --metadata-dir trusted --metadata-url https://example.org/metadata refresh"
DOWNLOAD = (
    f"{NAME} --metadata-dir trusted --metadata-url https://example.org/metadata "
    "--target-base-url https://example.org/targets --target-name docs/file.txt --target-dir files download"
)


def add_tuf(commands: Any) -> None:
    """Add `tuf init`, `tuf refresh` and `tuf download` to the command line."""
    text = "read any TUF repository, by the code that reads the stores; exit 0 or 1"
    top = commands.add_parser("tuf", help=text, description=f"{text[0].upper()}{text[1:]}.")
    top.examples = (INIT, REFRESH, DOWNLOAD)
    top.add_argument("--metadata-dir", type=Path, metavar="DIR", help="what is trusted of this repository: ROLE.json")
    top.add_argument("--metadata-url", metavar="URL", help="the address below which the metadata lies")
    top.add_argument("--target-name", metavar="NAME", help="the target that is wanted, folders included")
    top.add_argument("--target-base-url", metavar="URL", help="the address below which the targets lie")
    top.add_argument("--target-dir", type=Path, metavar="DIR", help="where the target becomes a file")
    top.add_argument("--json", action="store_true", help="one object on stdout; errors as one object on stderr")
    actions = top.add_subparsers(dest="action", required=True, metavar="ACTION")
    text = "trust this root, and what it leads to; asks nobody"
    init = actions.add_parser("init", help=text, description=f"{text[0].upper()}{text[1:]}.")
    init.examples = (INIT,)
    init.add_argument("file", type=Path, metavar="ROOT", help="the repository's root.json, from a source you trust")
    init.set_defaults(run=_guarded(_init, ("metadata_dir",)))
    text = "bring the repository's metadata up to date"
    refresh = actions.add_parser("refresh", help=text, description=f"{text[0].upper()}{text[1:]}.")
    refresh.examples = (REFRESH,)
    refresh.set_defaults(run=_guarded(_refresh, ("metadata_dir", "metadata_url")))
    text = "the same, and bring one target, unless the right file is there already"
    download = actions.add_parser("download", help=text, description=f"{text[0].upper()}{text[1:]}.")
    download.examples = (DOWNLOAD,)
    needed = ("metadata_dir", "metadata_url", "target_name", "target_base_url", "target_dir")
    download.set_defaults(run=_guarded(_download, needed))


def _guarded(run: Callable[[argparse.Namespace], int], needed: tuple[str, ...]) -> Callable[[argparse.Namespace], int]:
    """The action with its options there, and every refusal as 1."""

    def guarded(args: argparse.Namespace) -> int:
        missing = [f"--{name.replace('_', '-')}" for name in needed if getattr(args, name) is None]
        if missing:
            raise Usage(f"needs {', '.join(missing)} before the action", f"`{NAME} --help` begins with examples")
        try:
            return run(args)
        except SealringError as err:
            return PROGRAM.fail(args.json, err.rule, str(err), _hint(err), 1)
        except OSError as err:
            what = f"{err.filename or 'disk'}: {(err.strerror or str(err)).lower()}"
            return PROGRAM.fail(args.json, "", what, "check the path, its permissions and the free space", 1)

    return guarded


def _hint(err: SealringError) -> str:
    """What to do next; the refusals' own words are about stores, of which a device has others."""
    from sealring.errors import TrustError, Unreachable
    from sealring_client.decide.tuf.errors import BadName, NoSuchTarget

    if isinstance(err, Unreachable):
        return "check the address and the network, then try again; what is trusted stays as it is"
    if isinstance(err, TrustError) and not isinstance(err, BadName | NoSuchTarget):
        return "what was verified before is kept; check this machine's clock, then ask the repository's operator"
    return err.hint()


def _init(args: argparse.Namespace) -> int:
    from sealring_client.command.files import read_file
    from sealring_client.decide.tuf import ANY_REPOSITORY
    from sealring_client.tuf_folder import begin_folder

    version = begin_folder(args.metadata_dir, read_file(args.file, ANY_REPOSITORY.root))
    _show(args, {"schema": 1, "root": version}, f"trusts root {version}")
    return 0


def _refresh(args: argparse.Namespace) -> int:
    from sealring_client.tuf_repository import refresh

    found = refresh(args.metadata_dir, args.metadata_url, _now())
    _show(args, found.as_json(), str(found))
    return 0


def _download(args: argparse.Namespace) -> int:
    from sealring_client.tuf_repository import download

    found = download(
        args.metadata_dir, args.metadata_url, args.target_name, args.target_base_url, args.target_dir, _now()
    )
    _show(args, found.as_json(), str(found))
    return 0


def _now() -> Any:
    from sealring_client.outside import real_outside

    return real_outside(lambda *_: None).clock()


def _show(args: argparse.Namespace, found: dict[str, Any], line: str) -> None:
    sys.stdout.write((json.dumps(found) if args.json else visible(line)) + "\n")
