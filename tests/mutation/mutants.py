"""Every mutant of one file: one small change each, named so that it is found again when lines move."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.mutation.operators import CHOSEN, OWN, Operator

FILES = (
    *("authentic", "chain", "speaking", "succession", "delegation", "revocation", "furnished", "floors", "installed"),
    *("end_of_life", "rollout", "agreement", "requirements", "approve", "time_floors", "moment", "threshold", "keys"),
    *("algorithm", "envelope", "strict", "catalogue/proof", "catalogue/follows", "catalogue/log", "catalogue/view"),
    *("catalogue/view_difference", "bundle/read", "bundle/form", "bundle/entries", "bundle/parts"),
)
"""What decides whether a statement counts, below trust/sealring."""


@dataclass(frozen=True)
class Mutant:
    """One change. `where` is the function, `before` and `after` the changed line, without its indentation."""

    file: str
    where: str
    line: int
    operator: str
    before: str
    after: str
    source: str

    @property
    def name(self) -> str:
        """What names it in explanations; the same change of two equal lines of one function is told once."""
        return f"{self.file} | {self.where} | {self.before} | {self.after}"


def mutants(folder: Path, file: str) -> list[Mutant]:
    """The mutants of one file, each once, in the order of its lines.

    Args:
        folder: what contains `sealring`.
    """
    source = (folder / "sealring" / f"{file}.py").read_text()
    outline = _Outline(source)
    found: dict[str, Mutant] = {}
    for operator, changed in _changes(source):
        line, column, before, after = _difference(source, changed)
        if outline.is_told(line, column):
            # Two operators that make the same program are one mutant.
            found.setdefault(changed, Mutant(file, outline.where(line), line, operator, before, after, changed))
    return sorted(found.values(), key=lambda mutant: (mutant.line, mutant.after))


def _changes(source: str) -> Iterator[tuple[str, str]]:
    """Each operator's name with each program that it makes."""
    # Typed as anything: the sweep's environment alone has it (the group `mutation` of pyproject.toml).
    visitor: Any = import_module("cosmic_ray.mutating").MutationVisitor
    get_operator: Any = import_module("cosmic_ray.plugins").get_operator
    operators: dict[str, Operator] = {name: get_operator(name)() for name in CHOSEN}
    operators |= {name: kind() for name, kind in OWN.items()}
    for name, operator in operators.items():
        occurrence = 0
        while (changed := visitor.mutate_code(source, operator, occurrence)) is not None:
            yield name, changed
            occurrence += 1


def _difference(source: str, changed: str) -> tuple[int, int, str, str]:
    """Where the first difference is (line from 1, column from 0), and what was and is there, on one line."""
    old, new = source.splitlines(), changed.splitlines()
    first = next(n for n, (one, other) in enumerate(zip(old, new, strict=False)) if one != other)
    last = next(n for n, (one, other) in enumerate(zip(old[::-1], new[::-1], strict=False)) if one != other)
    before, after = old[first : len(old) - last], new[first : len(new) - last]
    pairs = enumerate(zip(old[first], new[first], strict=False))
    column = next((n for n, (one, other) in pairs if one != other), 0)
    return first + 1, column, " ".join(map(str.strip, before)), " ".join(map(str.strip, after))


class _Outline:
    """Which function a line is in, and the places at which a change would say nothing."""

    def __init__(self, source: str) -> None:
        self._spans: list[tuple[int, int, str]] = []
        self._untold: list[tuple[tuple[int, int], tuple[int, int]]] = []
        self._walk(ast.parse(source), "")

    def where(self, line: int) -> str:
        """The innermost function or class, such as `Chain.with_root`; `-` outside of all."""
        spans = [(end - first, name) for first, end, name in self._spans if first <= line <= end]
        return min(spans)[1] if spans else "-"

    def is_told(self, line: int, column: int) -> bool:
        """Whether a change here matters: types and decorators are the type checker's, words the sessions'."""
        return not any(first <= (line, column) < end for first, end in self._untold)

    def _walk(self, node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                name = f"{prefix}.{child.name}" if prefix else child.name
                self._spans.append((child.lineno, child.end_lineno or child.lineno, name))
                for one in child.decorator_list:
                    self._leave_out(one)
                if child.name in ("__str__", "hint"):
                    self._leave_out(child)
            if isinstance(child, ast.FunctionDef):
                self._untold.append(((child.lineno, 0), (child.body[0].lineno, child.body[0].col_offset)))
            if isinstance(child, ast.AnnAssign):
                self._leave_out(child.annotation)
            if isinstance(child, ast.Raise) and isinstance(child.exc, ast.Call):
                for argument in child.exc.args:
                    self._leave_out(argument)
            self._walk(child, name)

    def _leave_out(self, node: ast.expr | ast.stmt) -> None:
        end = (node.end_lineno or node.lineno, node.end_col_offset or 0)
        self._untold.append(((node.lineno, node.col_offset), end))
