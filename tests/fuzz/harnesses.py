"""The table of fuzzers: one line a parser of bytes that no signature vouches for yet."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from sealring.errors import SealringError
from tests.fuzz import answers, bundles, catalogue, device, seeds, shown, signed, tuf
from tests.fuzz.bundle_mutator import change_bundle, change_bundle_after
from tests.fuzz.harness import Harness, pure

HARNESSES: Mapping[str, Harness] = MappingProxyType(
    {
        "envelope": Harness(pure(signed.envelope), seeds.envelopes),
        "statement": Harness(pure(signed.statement), seeds.statements),
        "report": Harness(pure(signed.report), seeds.reports, largest=8300),
        "halt": Harness(pure(signed.halt), seeds.halts, largest=1100),
        "request": Harness(pure(signed.request), seeds.requests),
        "key-file": Harness(pure(signed.key_file), seeds.key_files, largest=4200),
        "public-key-file": Harness(
            pure(signed.public_key_file), seeds.public_key_files, mend=signed.mend_public_key_file
        ),
        "entry": Harness(pure(catalogue.entry), seeds.entries, largest=1100),
        "view": Harness(pure(catalogue.view), seeds.views),
        "proof": Harness(pure(catalogue.proof), seeds.proofs, mutate=catalogue.change_proof),
        "log-path": Harness(pure(catalogue.log_path), seeds.log_paths, largest=2048),
        "log-frontier": Harness(pure(catalogue.frontier), seeds.frontiers, largest=2048),
        "bundle": Harness(pure(bundles.bundle), seeds.bundles, mutate=partial(change_bundle_after, 2)),
        "publication": Harness(bundles.publication, seeds.publications, mutate=change_bundle),
        "receipt": Harness(pure(bundles.receipt), seeds.receipts, mutate=change_bundle),
        "statement-parts": Harness(
            pure(shown.parts), lambda: shown.parts_seeds(seeds.envelopes()), mutate=shown.change_parts
        ),
        "view-difference": Harness(pure(shown.difference), shown.differences, mutate=shown.change_difference),
        "question": Harness(pure(shown.question), shown.questions, mutate=shown.change_question),
        "tuf": Harness(pure(device.tuf), seeds.tuf_files),
        "tuf-delegator": Harness(pure(tuf.delegator), tuf.delegators),
        "http-answer": Harness(
            pure(answers.answer), answers.answers, mutate=answers.change_answer, refusals=SealringError
        ),
        "device-trust": Harness(device.trust_copy, device.trust_copies, mend=device.mend_copy, refusals=SealringError),
        "device-generation": Harness(
            pure(device.generation), seeds.generations, mend=device.mend_generation, refusals=SealringError
        ),
        "device-failures": Harness(device.failures, seeds.failures, refusals=SealringError),
        "device-file": Harness(device.device_file, seeds.device_files, refusals=SealringError),
        "device-poll": Harness(device.poll_file, seeds.poll_files, refusals=SealringError),
    }
)
