"""The ceremony for a store's TUF root: loaded, signed and assembled like every other request (SPEC TF-9, CE)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sealring.command.authority import ForeignKey
from sealring.command.files import read_file
from sealring.command.output import Output
from sealring.command.outside import Outside
from sealring.command.tuf_review import key_words, missing_keys, root_request_object, show_progress
from sealring.durable import write_durably
from sealring.errors import TrustError
from sealring.keys import PublicKey
from sealring.request.merge import OtherRequest
from sealring.request.tuf_root import (
    MAX_ROOT,
    MAX_TUF_REQUEST,
    RootFile,
    RootRequest,
    check_request,
    is_signed,
    merge_roots,
    parse_root,
    parse_root_request,
    verify_next,
)
from sealring.signing import Signer, UselessSignature
from sealring.tuf_keys import tuf_key, tuf_signature


@dataclass(eq=False)
class RootIncomplete(TrustError):
    """Not every threshold of the root is met yet (SPEC TF-9)."""

    missing: tuple[str, ...]
    rule: ClassVar[str] = "TF-9"
    exit_code: ClassVar[int] = 21

    def __str__(self) -> str:
        return "the TUF root is not complete, nothing was written"

    def hint(self) -> str:
        return f"signatures of these keys would count: {', '.join(self.missing)}"


def load_root_request(raw: bytes, roots: Sequence[Path]) -> RootRequest:
    """The request in these bytes, checked from the holder's own TUF roots."""
    found = parse_root_request(raw)
    check_request(found, [parse_root(read_file(one, MAX_ROOT), str(one)) for one in roots])
    return found


def sign_root_request(request: RootRequest, signer: Signer) -> RootRequest:
    """The request with this key's signature on its draft.

    Raises:
        ForeignKey: a signature of this key would count nowhere.
        UselessSignature: the key's signatures do not verify.
    """
    keys = _may_sign(request)
    ident = next((ident for ident, key in keys.items() if key.id == signer.public.id), None)
    if ident is None:
        raise ForeignKey("this TUF root", signer.public.name, tuple(map(key_words, keys.values())))
    sig = tuf_signature(signer.public, signer.sign(request.draft.signed_bytes))
    if not is_signed(tuf_key(signer.public), ident, sig, request.draft.signed_bytes):
        raise UselessSignature(signer.public.name)
    return request.with_signatures({**request.draft.signatures, ident: sig})


def check_may_sign(request: RootRequest, key: PublicKey) -> None:
    """Refuse a key that does not count, before its passphrase is asked for."""
    keys = _may_sign(request)
    if key.id not in {one.id for one in keys.values()}:
        raise ForeignKey("this TUF root", key.name, tuple(map(key_words, keys.values())))


def assemble_root(outside: Outside, copies: Sequence[Path], roots: Sequence[Path], place: Path, as_json: bool) -> None:
    """All copies as one root, in a new folder, once both thresholds are met.

    Raises:
        RootIncomplete, OtherRequest, TrustError: and nothing was written.
    """
    requests = [load_root_request(read_file(path, MAX_TUF_REQUEST), roots) for path in copies]
    for path, one in zip(copies, requests, strict=True):
        if one.id != requests[0].id:
            raise OtherRequest(str(path), one.id, requests[0].id)
    merged, dropped = merge_roots(requests)
    output, lacking = Output(outside), missing_keys(merged)
    found = {"complete": not lacking, "dropped": list(dropped)}
    if as_json and lacking:
        output.object({**found, **root_request_object(merged, outside.clock(), own=not roots)})
    if not as_json:
        show_progress(output, merged)
        for ident in dropped:
            output.line(f"dropped: the signature of {ident[:16]}: it does not verify, or may not sign this")
    if lacking:
        raise RootIncomplete(tuple(lacking))
    final = verify_next(merged.held, merged.draft.raw)  # by the code that the store will ask
    name = _write(place, final)
    if as_json:
        output.object({**found, "files": [name], **root_request_object(merged, outside.clock(), own=not roots)})
        return
    output.line(f"written: {name}")
    output.line(f"next: `sealring-store tuf publish DIR {name}` on the store")


def _write(place: Path, root: RootFile) -> str:
    place.mkdir()
    file = place / f"{root.signed.version}.root.json"
    write_durably(file, root.raw)
    return str(file)


def _may_sign(request: RootRequest) -> dict[str, PublicKey]:
    return {ident: key for root in request.voters for ident, key in root.keys("root").items()}
