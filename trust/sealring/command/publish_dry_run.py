"""`sealring publish --dry-run`: what a store says that a publication would change (SPEC PB-12).

It is the store's word, and nothing rests on it: the publication itself is proved by its receipt.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from sealring.chain import Claim
from sealring.command.kept_token import MAX_MISSING, Missing
from sealring.command.output import Sheet, clean, counted
from sealring.command.outside import Outside
from sealring.command.sending import BUNDLE_TYPE, outrun, post, statements_bundle
from sealring.command.store_http import BadAnswer, StoreClient, StoreRefused
from sealring.command.terms import Terms
from sealring.command.uploading import ImageFile
from sealring.names import spell
from sealring.statement import Release
from sealring.statement.software import Rollout

Number = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Text = Annotated[str, Meta(max_length=512)]


class Target(msgspec.Struct, frozen=True):
    """What a release means for a model: the revision for its architecture, before and after."""

    architecture: Text
    before: Number | None
    after: Number | None


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """One statement in a model's view that changes: its sequences before and after."""

    type: Text
    format: Number
    subject: Text
    before: Number | None
    after: Number | None
    target: Target | UnsetType = UNSET


class ModelChange(msgspec.Struct, frozen=True):
    """What changes for one model."""

    model: Text
    rows: Annotated[list[Row], Meta(max_length=20_000)]


class DryRun(msgspec.Struct, frozen=True):
    """A store's answer; `others` is how many more models may change."""

    missing: Annotated[list[Missing], Meta(max_length=MAX_MISSING)]
    news: Number
    models: Annotated[list[ModelChange], Meta(max_length=10_000)]
    others: Number


_answer = msgspec.json.Decoder(DryRun)


def ask(outside: Outside, store: StoreClient, claims: Sequence[Claim], terms: Terms) -> DryRun:
    """What this store would change; nothing does.

    Raises:
        StoreUnreachable, BadAnswer; StoreRefused, Outrun: what would refuse the publication.
    """
    path, bundle = f"/v1/publications{terms.query_with('dry-run=yes')}", statements_bundle(claims, terms)
    try:
        raw = post(outside, store, path, bundle, (200,), only_if_wished=True)[1]
    except StoreRefused as err:
        raise outrun(err, claims) from None
    try:
        return _answer.decode(raw)
    except (msgspec.MsgspecError, ValueError):
        raise BadAnswer(f"no word on what would change, where a {BUNDLE_TYPE} was sent") from None


def sheet(url: str, found: DryRun, claims: Sequence[Claim], images: dict[str, ImageFile], terms: Terms) -> Sheet:
    """The answer for people: what is new, which images are missing, and what each model's devices would see."""
    titles = [("statement", f"{c.statement.title}, sequence {c.statement.sequence}") for c in claims]
    titles += [
        ("announced, not published", f"{c.statement.title}, sequence {c.statement.sequence}") for c in terms.following
    ]
    titles += [("a cut is meant", "what nobody vouches for any more falls")] if terms.cut else []
    rows = [*titles, ("new to the store", f"{found.news} of {counted(len(claims), 'statement')}")]
    for missing in found.missing:
        image = images.get(missing.sha256)
        given = str(image.path) if image is not None else "not given: --image FILE is needed"
        rows.append(("image to be sent", f"{missing.sha256[:16]}, {missing.size} bytes, {given}"))
    rollouts = _rollouts(claims)
    for one in found.models:
        rows += [(clean(one.model, 100), line) for line in _lines(one, rollouts)]
    if not found.models:
        rows.append(("models", "none would see a difference"))
    if found.others:
        rows.append(("models", f"{found.others} more may see a difference"))
    return Sheet(f"would be published at {url}; nothing was", list(rows))


def as_object(
    url: str, found: DryRun, claims: Sequence[Claim], images: dict[str, ImageFile], terms: Terms
) -> dict[str, object]:
    """The same for programs."""
    return {
        "dry_run": True,
        "store": url,
        "statements": [
            {"type": c.statement.type, "subject": c.statement.subject, "id": c.envelope.id, "size": len(c.envelope.raw)}
            for c in claims
        ],
        "next": [c.envelope.id for c in terms.following],
        "cut": terms.cut,
        "images": [{"file": str(i.path), "sha256": i.sha256, "size": i.size} for i in images.values()],
        "new": found.news,
        "missing": [{"sha256": m.sha256, "size": m.size, "given": m.sha256 in images} for m in found.missing],
        "models": msgspec.to_builtins(found.models),
        "other_models": found.others,
    }


def _lines(of: ModelChange, rollouts: dict[tuple[str, int], Rollout]) -> Iterator[str]:
    for row in of.rows:
        said = clean(row.subject, 200)
        if row.target is not UNSET:
            package, _, channel = said.partition("/")[2].partition("/")
            name = f"{said.partition('/')[0]}/{package} {channel}"
            line = f"{name} {_moves(row.target.before, row.target.after)} ({clean(row.target.architecture, 40)})"
            rollout = rollouts.get((row.subject, row.after or 0))
            yield line + (f", {_share(rollout)}" if rollout is not None else ", every device")
        elif row.type != "revision":  # a release or a stack leads to it, and says so itself
            yield f"{clean(row.type, 40)} {said}: sequence {_moves(row.before, row.after)}"


def _moves(before: int | None, after: int | None) -> str:
    return f"{'none' if before is None else before} -> {'none' if after is None else after}"


def _share(rollout: Rollout) -> str:
    groups = f" and {', '.join(rollout.groups)}" if rollout.groups else ""
    return f"{rollout.share / 100:g} % of devices{groups} from {spell(rollout.start)}"


def _rollouts(claims: Sequence[Claim]) -> dict[tuple[str, int], Rollout]:
    """The plans of the releases among the statements, which the store need not be asked for."""
    return {
        (c.statement.subject, c.statement.sequence): c.statement.rollout
        for c in claims
        if isinstance(c.statement, Release) and isinstance(c.statement.rollout, Rollout)
    }
