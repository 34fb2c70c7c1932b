"""The bundle: everything that answers one question, in one bounded file (SPEC BN-1 to BN-5).

The same bytes come from a store, a mirror or a stick, and none of them is trusted: each entry is
verified by its own rules as if a stranger had sent it. Statements, metadata and proofs stand before
the images, so a reader knows what it needs before it writes one byte of an image; images are streamed.
"""

from sealring.bundle.entries import (
    Entry,
    HaltEntry,
    ImageEntry,
    PathEntry,
    ProofEntry,
    Reader,
    ReportEntry,
    StatementEntry,
    TufEntry,
    ViewDifferenceEntry,
    ViewEntry,
)
from sealring.bundle.form import BadBundleEntry, BadBundleOrder, BundleTooLarge, NotABundle, UnknownBundleKind
from sealring.bundle.parts import BadParts, envelope_of_parts, parts_of_envelope
from sealring.bundle.read import open_entries, read_bundle
from sealring.bundle.write import bundle_chunks, in_order, write_bundle

__all__ = [
    "BadBundleEntry",
    "BadBundleOrder",
    "BadParts",
    "BundleTooLarge",
    "Entry",
    "HaltEntry",
    "ImageEntry",
    "NotABundle",
    "PathEntry",
    "ProofEntry",
    "Reader",
    "ReportEntry",
    "StatementEntry",
    "TufEntry",
    "UnknownBundleKind",
    "ViewDifferenceEntry",
    "ViewEntry",
    "bundle_chunks",
    "envelope_of_parts",
    "in_order",
    "open_entries",
    "parts_of_envelope",
    "read_bundle",
    "write_bundle",
]
