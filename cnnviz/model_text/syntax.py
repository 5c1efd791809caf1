"""The statements of a text, each of a kind that is known; nothing else gets beyond this file."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cnnviz.errors import ModelTextError
from cnnviz.model_text import bounds
from cnnviz.model_text.imports import ALIASES, canonical, imports_of
from cnnviz.model_text.places import Place, refusal
from cnnviz.model_text.tokens import check_tokens, tidy

MODULE: Final = "torch.nn.Module"

_EXPRESSIONS: Final = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.Call, ast.BinOp, ast.UnaryOp),
    *(ast.Tuple, ast.List, ast.Subscript, ast.Starred, ast.keyword),
    *(ast.Load, ast.Store, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
    *(ast.USub, ast.UAdd),
)
_CONSTANTS: Final = (int, float, str, bool, type(None))
_ANNOTATIONS: Final = frozenset({"int", "float", "bool", "str", "Tensor", "Module"})


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """`__init__` or `forward`."""

    parameters: tuple[str, ...]
    """Without self."""
    defaults: Mapping[str, ast.expr]
    body: tuple[ast.stmt, ...]
    """Without its docstring."""
    self_name: str
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class ClassText:
    """A class of the text, derived from nn.Module."""

    name: str
    init: Function
    forward: Function
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A text whose every statement is of a kind that is known."""

    text: str
    """As `tidy` gives it."""
    aliases: Mapping[str, str]
    """What stands for PyTorch: nn -> torch.nn."""
    classes: Mapping[str, ClassText]
    statements: tuple[ast.Assign | ast.Expr, ...]
    """Assignments and the expression that are not in a class."""


def read_program(text: str) -> Program:
    """The statements of a text; ModelTextError for any that is not read here."""
    text = tidy(text)
    if not text:
        raise ModelTextError("the text is empty: write nn.Sequential(...) or a class")
    check_tokens(text)
    try:
        module = ast.parse(text)
    except SyntaxError as error:
        raise ModelTextError(
            f"this is no Python: {error.msg}", error.lineno or 1, error.offset or 1
        ) from None
    except (ValueError, MemoryError, RecursionError, OverflowError) as error:
        raise ModelTextError(f"Python cannot read the text ({type(error).__name__})") from None
    _check_nesting(module)
    aliases = dict(ALIASES)
    classes: dict[str, ClassText] = {}
    statements: list[ast.Assign | ast.Expr] = []
    for statement in _without_docstring(module.body):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            if classes or statements:
                raise refusal(statement, "imports belong at the top")
            aliases |= imports_of(statement)
        elif isinstance(statement, ast.ClassDef):
            if len(classes) == bounds.MAX_CLASSES:
                raise refusal(statement, f"more than {bounds.MAX_CLASSES} classes")
            if statement.name in aliases or statement.name in classes:
                raise refusal(statement, f"the name {statement.name} is taken")
            classes[statement.name] = _class(statement, aliases)
        elif isinstance(statement, ast.Assign | ast.Expr):
            _check_statement(statement)
            statements.append(statement)
        else:
            raise refusal(statement, f"{_words(statement)} is not read here outside of a class")
    return Program(text, aliases, classes, tuple(statements))


def _check_nesting(module: ast.Module) -> None:
    """Also looks at every name and number, wherever it stands."""
    waiting: list[tuple[ast.AST, int]] = [(module, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > bounds.MAX_NESTING:
            raise refusal(node, "this is nested too deeply")
        if isinstance(node, ast.Constant) and not isinstance(node.value, _CONSTANTS):
            raise refusal(node, f"{node.value!r:.20} is not read here")
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            is_init = node.attr == "__init__" and _is_super(node.value)
            if not is_init:
                raise refusal(node, f"the attribute {node.attr} is not allowed")
        waiting += [(child, depth + 1) for child in ast.iter_child_nodes(node)]


def _class(node: ast.ClassDef, aliases: Mapping[str, str]) -> ClassText:
    if node.decorator_list or node.keywords:
        raise refusal(node, "decorators and keywords of a class are not read here")
    if len(node.bases) != 1 or canonical(node.bases[0], aliases) != MODULE:
        raise refusal(node, f"write class {node.name}(nn.Module):")
    functions: dict[str, Function] = {}
    for statement in _without_docstring(node.body):
        if isinstance(statement, ast.Pass):
            continue
        if not isinstance(statement, ast.FunctionDef):
            raise refusal(statement, f"{_words(statement)} is not read here in a class")
        if statement.name not in ("__init__", "forward"):
            raise refusal(
                statement, f"the method {statement.name} is not read: only __init__ and forward are"
            )
        if statement.name in functions:
            raise refusal(statement, f"{statement.name} is written twice")
        functions[statement.name] = _function(statement, aliases)
    for name, what in (("__init__", "makes the layers"), ("forward", "passes x through them")):
        if name not in functions:
            raise refusal(node, f"{node.name} has no {name}, which {what}")
    init, forward = functions["__init__"], functions["forward"]
    _check_init(node, init)
    _check_forward(node, forward)
    return ClassText(node.name, init, forward, Place.of(node))


def _function(node: ast.FunctionDef, aliases: Mapping[str, str]) -> Function:
    given = node.args
    if node.decorator_list:
        raise refusal(node, "decorators are not read here")
    if given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs:
        raise refusal(node, f"{node.name} takes only plain arguments here: no * and no /")
    if not given.args:
        raise refusal(node, f"{node.name} needs self as its first argument")
    for annotation in (*(argument.annotation for argument in given.args), node.returns):
        _check_annotation(annotation, aliases)
    names = [argument.arg for argument in given.args]
    for name in names:
        if name in aliases:
            raise refusal(node, f"{name} is PyTorch's own name here: call the argument otherwise")
    for default in given.defaults:
        _check_expression(default)
    defaults = dict(zip(names[len(names) - len(given.defaults) :], given.defaults, strict=True))
    body = _without_docstring(node.body)
    return Function(tuple(names[1:]), defaults, tuple(body), names[0], Place.of(node))


def _check_annotation(node: ast.expr | None, aliases: Mapping[str, str]) -> None:
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return
    name = node.id if isinstance(node, ast.Name) else canonical(node, aliases) or ""
    if name.rpartition(".")[2] not in _ANNOTATIONS:
        raise refusal(node, "this annotation is not read: leave it out, or write torch.Tensor")


def _check_init(node: ast.ClassDef, init: Function) -> None:
    first = init.body[0] if init.body else None
    if not (first is not None and _is_super_init(first, node.name, init.self_name)):
        raise refusal(first or init.place, "__init__ must begin with super().__init__()")
    for statement in init.body[1:]:
        if not isinstance(statement, ast.Pass):
            _check_statement(statement)


def _check_forward(node: ast.ClassDef, forward: Function) -> None:
    if not forward.parameters:
        raise refusal(forward.place, "forward needs an argument beside self: the picture, x")
    for number, statement in enumerate(forward.body, start=1):
        is_last = number == len(forward.body)
        if isinstance(statement, ast.Return) and statement.value is not None:
            if not is_last:
                raise refusal(statement, "what comes after return is never reached")
            _check_expression(statement.value)
        elif is_last:
            raise refusal(statement, f"forward of {node.name} must end with return x")
        elif not isinstance(statement, ast.Pass):
            _check_statement(statement)
    if not forward.body:
        raise refusal(forward.place, f"forward of {node.name} must end with return x")


def _check_statement(statement: ast.stmt) -> None:
    """An assignment, or an expression."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            _check_target(target)
        _check_expression(statement.value)
    elif isinstance(statement, ast.AugAssign):
        _check_target(statement.target)
        _check_expression(statement.value)
        if not isinstance(statement.target, ast.Name):
            raise refusal(statement, "this assignment is not read here: write x += y")
    elif isinstance(statement, ast.Expr):
        _check_expression(statement.value)
    else:
        raise refusal(statement, f"{_words(statement)} is not read here")


def _check_target(target: ast.expr) -> None:
    if isinstance(target, ast.Tuple):
        for part in target.elts:
            if not isinstance(part, ast.Name):
                raise refusal(target, "this assignment is not read here")
    elif isinstance(target, ast.Attribute):
        if not isinstance(target.value, ast.Name):
            raise refusal(target, "this assignment is not read here: write self.name = ...")
    elif not isinstance(target, ast.Name):
        raise refusal(target, "this assignment is not read here")


def _check_expression(node: ast.expr) -> None:
    for part in ast.walk(node):
        if not isinstance(part, _EXPRESSIONS):
            raise refusal(part if hasattr(part, "lineno") else node, f"{_words(part)} is not read")


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """Without any text that stands alone: it does nothing."""
    return [
        statement
        for statement in body
        if not (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
            and isinstance(statement.value.value, str)
        )
    ]


def _is_super(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "super"
        and not node.keywords
    )


def _is_super_init(statement: ast.stmt, class_name: str, self_name: str) -> bool:
    """super().__init__() or super(Net, self).__init__()."""
    if not (isinstance(statement, ast.Expr) and isinstance(call := statement.value, ast.Call)):
        return False
    init = call.func
    if not (isinstance(init, ast.Attribute) and init.attr == "__init__" and _is_super(init.value)):
        return False
    given = init.value.args if isinstance(init.value, ast.Call) else []
    names = [each.id for each in given if isinstance(each, ast.Name)]
    return not call.args and not call.keywords and names in ([], [class_name, self_name])


def _words(node: ast.AST) -> str:
    """A kind of statement or expression as a student calls it."""
    return _KINDS.get(type(node).__name__, f"this ({type(node).__name__})")


_KINDS: Final = {
    "FunctionDef": "a function",
    "Return": "return",
    "AugAssign": "this assignment",
    "AnnAssign": "an assignment with an annotation",
    "Slice": "a slice",
    "Compare": "a comparison",
    "Pass": "pass",
    "Import": "an import",
    "ImportFrom": "an import",
}
