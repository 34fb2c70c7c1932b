"""What one publication writes about views: the rows that change, and what they were until now (SPEC VW-3, MP-6)."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, null, update

from sealring.catalogue.view import Subjects
from sealring_server.prepared import Prepared, insert_or_ignore, upsert
from sealring_server.schema import view_models, view_past, view_rows, view_wants, views
from sealring_server.views.rules import About

# A parameter with the name of a column would be taken for its new value.
_PLACE = ("model", "type", "format", "subject")
_PUT = upsert(view_rows, _PLACE, ("since", "value"))
_REMOVE = delete(view_rows).where(*[view_rows.c[name] == bindparam(f"at_{name}") for name in _PLACE])
_SAME_ENTRY = delete(views).where(
    views.c.model == bindparam("of"), views.c.until.is_(None), views.c.entry == bindparam("now")
)
_END = update(views).where(views.c.model == bindparam("of"), views.c.until.is_(None)).values(until=bindparam("now"))
# A view that came back is named by its newest entry: the rows of then and now are the same.
_BEGIN = upsert(views, ["digest"], {"entry": bindparam("now"), "until": null()}).values(
    digest=bindparam("named"), model=bindparam("of"), entry=bindparam("now")
)
_WANT = insert_or_ignore(view_wants)
_WANT_NO_MORE = delete(view_wants).where(
    view_wants.c.model == bindparam("of"),
    view_wants.c.type == bindparam("kind"),
    view_wants.c.subject == bindparam("about"),
)
_WANT_NOTHING = delete(view_wants).where(view_wants.c.model == bindparam("of"))
_MODEL = upsert(view_models, ["model"], ("architecture", "stack"))


class Written:
    """The changes that entry `sequence` makes, gathered for some models and written together."""

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        self._todo: dict[str, list[dict[str, Any]]] = {}

    def rows(self, model: str, before: Mapping[Subjects, tuple[int, bytes]], after: Mapping[Subjects, bytes]) -> bool:
        """Note what differs; whether anything does. What stands in neither stays as it is."""
        changed = [about for about, value in after.items() if about not in before or before[about][1] != value]
        ended = [about for about in before if about not in after]
        for about in changed:
            if about in before:
                self._past(model, about, *before[about])
            self._do("put", {**_place(model, about), "since": self.sequence, "value": after[about]})
        for about in ended:
            self._past(model, about, *before[about])
            self._do("remove", _place(model, about, "at_"))
        return bool(changed or ended)

    def view(self, model: str, digest: bytes, *, is_again: bool) -> None:
        """Note the digest of the model's view from this entry on.

        Args:
            is_again: whether this very entry has given it another one already, which then never was.
        """
        if is_again:
            self._do("same entry", {"of": model, "now": self.sequence})
        self._do("view", {"of": model, "now": self.sequence, "named": digest.hex()})

    def model(self, model: str, architecture: str | None, stack: str | None) -> None:
        """Note how the model's releases are read; what it wanted before is forgotten."""
        self._do("model", {"model": model, "architecture": architecture, "stack": stack})
        self._do("want nothing", {"of": model})

    def wants(self, model: str, wants: Mapping[About, bool]) -> None:
        """Note what the view would list if it was there, and what it no longer waits for."""
        for (kind, subject), is_wanted in wants.items():
            if is_wanted:
                self._do("want", {"model": model, "type": kind, "subject": subject})
            else:
                self._do("want no more", {"of": model, "kind": kind, "about": subject})

    def write(self, connection: Connection) -> None:
        """Write all that was noted."""
        for name, statement in _ORDER:
            if todo := self._todo.get(name):
                statement.run(connection, todo)

    def _past(self, model: str, about: Subjects, since: int, value: bytes) -> None:
        # What this very entry had put there stood in no entry's view.
        if since != self.sequence:
            self._do("past", {**_place(model, about), "since": since, "until": self.sequence, "value": value})

    def _do(self, name: str, parameters: dict[str, Any]) -> None:
        self._todo.setdefault(name, []).append(parameters)


_ORDER: Sequence[tuple[str, Prepared]] = [
    (name, Prepared(statement))
    for name, statement in (
        ("past", insert(view_past)),
        ("remove", _REMOVE),
        ("put", _PUT),
        ("same entry", _SAME_ENTRY),
        ("view", _END),
        ("view", _BEGIN),
        ("model", _MODEL),
        ("want nothing", _WANT_NOTHING),
        ("want no more", _WANT_NO_MORE),
        ("want", _WANT),
    )
]


def _place(model: str, about: Subjects, prefix: str = "") -> dict[str, Any]:
    return dict(zip([prefix + name for name in _PLACE], (model, *about), strict=True))
