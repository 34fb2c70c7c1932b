"""A store's online keys, rotated by the store's own code and signed by the holder of its root (SPEC TF-9)."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import Signer

from sealring_server.here import open_store
from sealring_server.key_folder import ONLINE_ROLES, Role
from sealring_server.tuf_roots import Change, publish_root, request_root


def rotate(folder: Path, holder: Signer, at: datetime, roles: Sequence[Role] = ONLINE_ROLES) -> None:
    """After it returns these roles have new keys, and all metadata is signed anew."""
    here = open_store(folder, lambda: at)
    request = request_root(here, Change(dict.fromkeys(roles)))
    one = holder.sign(request.draft.signed_bytes)
    publish_root(here, request.with_signatures({one.keyid: one.signature}).draft.raw)
    here.online.close()
    here.database.close()
