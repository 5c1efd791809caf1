"""Values of expressions: numbers, arithmetic within bounds, names. No tensors yet."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from cnnviz.model_text import bounds
from cnnviz.model_text.imports import canonical
from cnnviz.model_text.places import meant, refusal
from cnnviz.model_text.syntax import Program
from cnnviz.settings import shown

Number = int | float
PLAIN: Final = (int, float, str, bool, tuple, list, type(None))


class Work:
    """Counts what was worked out, so that no text keeps a server busy."""

    def __init__(self) -> None:
        self.left = bounds.MAX_WORK

    def take(self, node: ast.AST) -> None:
        """One part more; ModelTextError if there were too many."""
        self.left -= 1
        if self.left < 0:
            raise refusal(node, f"the text asks for more than {bounds.MAX_WORK:,} steps")


class Expressions:
    """Works out expressions. What calls and attributes mean is said by those who derive from it."""

    def __init__(self, program: Program, names: dict[str, Any], outer: Mapping[str, Any]) -> None:
        """names: those of the function, which grow; outer: those of the text around it."""
        self.program = program
        self.names = names
        self.outer = outer
        self.work = Work()

    def value(self, node: ast.expr) -> Any:
        """What the expression is."""
        self.work.take(node)
        return _HANDLERS[type(node)](self, node)

    def values(self, nodes: list[ast.expr]) -> list[Any]:
        """Of several, with `*layers` laid out."""
        found = []
        for value in self._laid_out(nodes):
            found.append(value)
            if len(found) > bounds.MAX_LAYERS:
                raise refusal(nodes[0], f"more than {bounds.MAX_LAYERS} values in a row")
        return found

    def _laid_out(self, nodes: list[ast.expr]) -> Iterator[Any]:
        for node in nodes:
            if isinstance(node, ast.Starred):
                several = self.value(node.value)
                if not isinstance(several, list | tuple):
                    raise refusal(node, "a star needs a list or a tuple behind it")
                yield from several
            else:
                yield self.value(node)

    def assign(self, target: ast.expr, value: Any) -> None:
        """To a name, or to several at once."""
        if isinstance(target, ast.Name):
            if target.id in self.program.aliases or target.id in self.program.classes:
                raise refusal(target, f"{target.id} stands for something else: use another name")
            self.names[target.id] = value
        elif isinstance(target, ast.Tuple):
            several = list(value) if isinstance(value, list | tuple) else []
            if len(several) != len(target.elts):
                raise refusal(target, f"{len(target.elts)} names need as many values")
            for part, each in zip(target.elts, several, strict=True):
                self.assign(part, each)
        else:
            raise refusal(target, "this assignment is not read here")

    def canonical(self, node: ast.expr) -> str | None:
        """The full name of what is PyTorch's; None for all else."""
        return canonical(node, self.program.aliases)

    def call(self, node: ast.Call) -> Any:
        """A call."""
        raise refusal(node, "this call is not read here")

    def attribute(self, node: ast.Attribute) -> Any:
        """A dot and a name behind it."""
        raise refusal(node, f"the attribute {node.attr} is not read here")

    def operate(self, node: ast.BinOp | ast.AugAssign, left: Any, right: Any) -> Any:
        """The sum left + right, and the like."""
        if not (is_number(left) and is_number(right)):
            raise refusal(node, "arithmetic is read of numbers only")
        return _arithmetic(node, left, right)

    def negate(self, node: ast.UnaryOp, value: Any) -> Any:
        """The value with its sign."""
        if not is_number(value):
            raise refusal(node, "a sign is read before numbers only")
        return -value if isinstance(node.op, ast.USub) else value

    def _constant(self, node: ast.Constant) -> Any:
        value = node.value
        if is_number(value) and not abs(value) <= bounds.MAX_NUMBER:  # type: ignore[arg-type]
            raise refusal(node, f"the number {shown(value)} is too large")
        return value

    def _name(self, node: ast.Name) -> Any:
        for names in (self.names, self.outer):
            if node.id in names:
                return names[node.id]
        if node.id in self.program.aliases or node.id in self.program.classes:
            raise refusal(node, f"{node.id} is no value: call it, as in {node.id}(...)")
        known = [*self.names, *self.outer, *self.program.aliases, *self.program.classes]
        raise refusal(node, f"there is no {node.id} here{meant(node.id, known)}")

    def _list(self, node: ast.List) -> list[Any]:
        return _shallow(node, self.values(node.elts))

    def _tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return tuple(_shallow(node, self.values(node.elts)))

    def _sign(self, node: ast.UnaryOp) -> Any:
        return self.negate(node, self.value(node.operand))

    def _operator(self, node: ast.BinOp) -> Any:
        return self.operate(node, self.value(node.left), self.value(node.right))

    def _subscript(self, node: ast.Subscript) -> Any:
        of, index = self.value(node.value), self.value(node.slice)
        is_index = isinstance(index, int) and not isinstance(index, bool)
        if not isinstance(of, list | tuple) or not is_index:
            raise refusal(node, "square brackets are read behind a shape or a list only")
        if not -len(of) <= index < len(of):
            raise refusal(node, f"there is no number {index} among {len(of)}")
        return of[index]


def _shallow(node: ast.expr, values: list[Any]) -> list[Any]:
    """The values, unless they hold lists of lists: those could grow beyond all bounds."""
    for value in values:
        if isinstance(value, list | tuple) and any(isinstance(v, list | tuple) for v in value):
            raise refusal(node, "lists within lists within lists are not read here")
    return values


def is_number(value: object) -> bool:
    """Whether it is one; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _arithmetic(node: ast.BinOp | ast.AugAssign, left: Number, right: Number) -> Number:
    work = _OPERATORS.get(type(node.op))
    if work is None:
        raise refusal(node, "this arithmetic is not read here")
    if isinstance(node.op, ast.Pow) and not (
        isinstance(right, int) and 0 <= right <= bounds.MAX_EXPONENT and abs(left) <= 1024
    ):
        raise refusal(node, "this power is too large: use a smaller number")
    if isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod) and right == 0:
        raise refusal(node, "this divides by 0")
    result = work(left, right)
    if not (abs(result) <= bounds.MAX_NUMBER and math.isfinite(result)):
        raise refusal(node, f"a number beyond {bounds.MAX_NUMBER:,} comes out of this")
    return result


_OPERATORS: Final[Mapping[type[ast.operator], Callable[[Any, Any], Number]]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
    ast.Pow: lambda a, b: a**b,
}


def _star(expressions: Expressions, node: ast.Starred) -> Any:
    raise refusal(node, "a star is read in the arguments of a call only")


_HANDLERS: Final[Mapping[type[ast.expr], Callable[[Any, Any], Any]]] = {
    ast.Constant: Expressions._constant,
    ast.Name: Expressions._name,
    ast.List: Expressions._list,
    ast.Tuple: Expressions._tuple,
    ast.UnaryOp: Expressions._sign,
    ast.BinOp: Expressions._operator,
    ast.Subscript: Expressions._subscript,
    ast.Call: lambda self, node: self.call(node),
    ast.Attribute: lambda self, node: self.attribute(node),
    ast.Starred: _star,
}
