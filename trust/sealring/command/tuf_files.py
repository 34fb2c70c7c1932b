"""A store's TUF files, as the security team meets them: to pin a root, to explain a file."""

from pathlib import Path

from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from sealring.command.files import read_file
from sealring.command.output import clean
from sealring.names import spell
from sealring.tuf_form import MAX_TUF_FILE, parse_any_tuf
from sealring.tuf_set import next_root


def load_tuf_root(path: Path) -> Root:
    """The TUF root in a file, signed by its own threshold.

    Raises:
        NotVouched, OSError.
    """
    return next_root(None, read_file(path, MAX_TUF_FILE))


def describe_tuf(raw: bytes) -> list[tuple[str, str]]:
    """What TUF metadata of any role says, as rows of harmless text."""
    found = parse_any_tuf(raw, name="TUF metadata")
    signed = found.signed
    rows = [("role", clean(signed.type)), ("version", str(signed.version)), ("expires", spell(signed.expires))]
    if isinstance(signed, Root):
        for name, role in signed.roles.items():
            rows.append((f"role {clean(name)}", f"{role.threshold} of {len(role.keyids)} keys"))
    if isinstance(signed, Timestamp):
        rows.append(("snapshot", f"version {signed.snapshot_meta.version}"))
    if isinstance(signed, Snapshot):
        rows += [(clean(name), f"version {meta.version}") for name, meta in signed.meta.items()]
    if isinstance(signed, Targets):
        rows += [(f"target {clean(name)}", f"{target.length} bytes") for name, target in signed.targets.items()]
    return rows + [("signature by key", clean(key)) for key in found.signatures]
