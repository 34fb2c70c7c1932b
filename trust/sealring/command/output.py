"""What people read: a table on a terminal, plain aligned lines everywhere else."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sealring.command.outside import Outside

Row = tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """A title and rows of text; the first column names, the others say."""

    title: str
    rows: list[Row]
    heads: Row = field(default=())


def clean(text: object, limit: int = 300) -> str:
    """Text of a stranger, made harmless for a terminal: printable ASCII only, bounded."""
    shown = str(text)[: limit + 1].encode("ascii", "backslashreplace").decode("ascii")
    shown = "".join(c if " " <= c <= "~" else f"\\x{ord(c):02x}" for c in shown)
    return shown if len(shown) <= limit else shown[:limit] + "..."


def counted(number: int, what: str) -> str:
    """A number of things, such as `1 signature` or `2 signatures`."""
    return f"{number} {what}" + ("" if number == 1 else "s")


def visible(text: str, limit: int = 1000) -> str:
    """One bounded line whatever the text: what moves a cursor, turns the writing round or is no text is spelt out.

    For words of which a part, such as the name of a file, is not ours.
    """
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:limit])
    return shown if len(text) <= limit else shown + "..."


class Output:
    """Results go to `out`, notes to `err`; nothing that it is given is read as markup."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self.is_terminal = outside.out.isatty()

    def sheet(self, sheet: Sheet) -> None:
        """Show a sheet."""
        if self.is_terminal:
            self._table(sheet)
        else:
            self._plain(sheet)

    def line(self, text: str) -> None:
        """One line of result."""
        print(visible(text), file=self._outside.out)

    def note(self, text: str) -> None:
        """One line that is no result."""
        print(visible(text), file=self._outside.err)

    def object(self, value: object) -> None:
        """The one object that `--json` prints."""
        print(json.dumps(value), file=self._outside.out)

    def _table(self, sheet: Sheet) -> None:
        console = Console(file=self._outside.out, no_color=not self._outside.color, highlight=False, markup=False)
        table = Table(box=SIMPLE, title=self._title(sheet), title_justify="left", show_header=bool(sheet.heads))
        for number in range(max((len(row) for row in sheet.rows), default=1)):
            head = sheet.heads[number] if number < len(sheet.heads) else ""
            table.add_column(Text(head), style="cyan" if number == 0 else "", overflow="fold")
        for row in sheet.rows:
            table.add_row(*(Text(visible(cell)) for cell in row))
        console.print(table)

    def _title(self, sheet: Sheet) -> Text:
        return Text(visible(sheet.title), "bold" if self._outside.color else "")

    def _plain(self, sheet: Sheet) -> None:
        self.line(sheet.title)
        rows = ([sheet.heads] if sheet.heads else []) + sheet.rows
        widths = _widths(rows)
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            self.line(("  " + "  ".join(cells)).rstrip())


def _widths(rows: Iterable[Row]) -> list[int]:
    widths: list[int] = []
    for row in rows:
        for number, cell in enumerate(row):
            if number == len(widths):
                widths.append(0)
            widths[number] = max(widths[number], len(cell))
    return widths
