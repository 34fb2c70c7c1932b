"""Which changes are tried: cosmic-ray's operators that say something here, and five of our own.

An own operator looks as cosmic-ray's do: `mutation_positions` tells where a node can be changed, `mutate` changes it.
Left out of cosmic-ray's are those that only ever make what can't be imported (a decorator less, `+` for `**`), and of
those that replace one comparison by another all but the nearest.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Protocol

Position = tuple[tuple[int, int], tuple[int, int]]

_COMPARISONS = {
    "Eq": ("NotEq", "LtE", "GtE"),
    "NotEq": ("Eq", "Lt", "Gt"),
    "Lt": ("LtE", "GtE"),
    "LtE": ("Lt", "Gt"),
    "Gt": ("GtE", "LtE"),
    "GtE": ("Gt", "Lt"),
    "Is": ("IsNot",),
    "IsNot": ("Is",),
}
_BINARY = {
    "Add": "Sub",
    "Sub": "Add",
    "Mul": "Add",
    "FloorDiv": "Mul",
    "Mod": "FloorDiv",
    "Pow": "Mul",
    "RShift": "LShift",
    "LShift": "RShift",
    "BitOr": "BitAnd",
    "BitAnd": "BitOr",
    "BitXor": "BitOr",
}
CHOSEN = (
    *(f"core/ReplaceComparisonOperator_{one}_{other}" for one, others in _COMPARISONS.items() for other in others),
    *(f"core/ReplaceBinaryOperator_{one}_{other}" for one, other in _BINARY.items()),
    "core/ReplaceUnaryOperator_Delete_Not",
    "core/ReplaceUnaryOperator_Delete_USub",
    "core/AddNot",
    "core/NumberReplacer",
    "core/ReplaceBreakWithContinue",
    "core/ReplaceContinueWithBreak",
    "core/ReplaceFalseWithTrue",
    "core/ReplaceTrueWithFalse",
    "core/ZeroIterationForLoop",
)
"""Names of cosmic-ray's operators."""


class Operator(Protocol):
    """What the visitor of cosmic-ray asks of one; nodes are parso's."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Where this node can be changed, once for each way."""

    def mutate(self, node: Any, index: int) -> Any:
        """The node after change number `index`."""


class DropStatement:
    """A call for what it does or refuses, or a raise, that is no longer made."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """A call that stands alone, or a raise."""
        if node.type == "raise_stmt" or (node.type == "atom_expr" and node.parent.type == "simple_stmt"):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002
        """Nothing is done in its place."""
        return _text(node, "pass")


class DropOperand:
    """One of the conditions of an `and` or `or` that is no longer asked."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Each operand."""
        if node.type in ("and_test", "or_test"):
            for operand in node.children[::2]:
                yield operand.start_pos, operand.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """The others remain."""
        word = f" {node.children[1].value} "
        left = [one.get_code(include_prefix=False) for n, one in enumerate(node.children[::2]) if n != index]
        return _text(node, word.join(left))


class SwapIn:
    """`in` for `not in`, and the other way round."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Each such comparison; `in` of a loop is none."""
        if node.type == "comparison" and _word(node.children[1]) in ("in", "not in"):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002
        """The opposite."""
        left, word, right = node.children[:3]
        other = "not in" if _word(word) == "in" else "in"
        return _text(node, f"{left.get_code(include_prefix=False)} {other} {right.get_code(include_prefix=False)}")


class DropElse:
    """Of `a if b else c` only `a`, or only `c`."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """Both ways, for a conditional expression."""
        if node.type == "test":
            yield from [(node.start_pos, node.end_pos)] * 2

    def mutate(self, node: Any, index: int) -> Any:
        """One of the two."""
        return _text(node, node.children[0 if index == 0 else 4].get_code(include_prefix=False))


class CatchNothing:
    """An `except` that lets through what it was there for."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        """The error's name, or the names, after `except`."""
        if node.type == "except_clause":
            yield node.children[1].start_pos, node.children[1].end_pos

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002
        """What is never raised is caught."""
        node.children[1] = _text(node.children[1], "ZeroDivisionError")
        return node


OWN: dict[str, type[Operator]] = {
    "own/CatchNothing": CatchNothing,
    "own/DropElse": DropElse,
    "own/DropOperand": DropOperand,
    "own/DropStatement": DropStatement,
    "own/SwapIn": SwapIn,
}


def _text(node: Any, text: str) -> Any:
    """These words in the place of a node, with the blanks before it."""
    name: Any = import_module("parso.python.tree").Name
    return name(text, node.start_pos, prefix=node.get_first_leaf().prefix)


def _word(node: Any) -> str:
    return " ".join(node.get_code(include_prefix=False).split())
