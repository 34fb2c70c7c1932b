"""What `--json` says: one object a command, whose members keep their names and meanings from version to version."""

import json
from collections.abc import Sequence
from typing import Any

from sealring.chain import Claim
from sealring.command.meaning import describe
from sealring.keys import PublicKey

Object = dict[str, Any]


def statement_object(claim: Claim) -> Object:
    """An assertion, unverified: its names, its meaning in words, its signed content, and which keys have signed.

    Whether a signature counts is not said here: `sealring verify` decides that.
    """
    said, envelope = claim.statement, claim.envelope
    return {
        "type": said.type,
        "subject": said.subject,
        "sequence": said.sequence,
        "id": envelope.id,
        "envelope": envelope.digest,
        "means": dict(describe(said))["means"],
        # These bytes were read by the strict parser before: there is one way to understand them.
        "content": json.loads(envelope.payload),
        "signatures": list(envelope.signatures),
    }


def key_object(key: PublicKey) -> Object:
    """A public key; `id` is the fingerprint that two people compare."""
    return {"name": key.name, "type": key.type, "public": key.public.hex(), "id": key.id}


def rows_object(rows: Sequence[tuple[str, ...]]) -> Object:
    """Rows of (label, text) as members; a label that stands several times becomes a list."""
    found: dict[str, list[str]] = {}
    for label, text, *_ in rows:
        found.setdefault(label.replace(" ", "_").lower(), []).append(text)
    return {label: texts[0] if len(texts) == 1 else texts for label, texts in found.items()}
