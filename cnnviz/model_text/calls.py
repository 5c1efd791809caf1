"""What a call hands over, and the names with which a function of the text begins."""

from __future__ import annotations

import ast
from typing import Any

from cnnviz.model_text.expressions import Expressions
from cnnviz.model_text.places import Place, meant, refusal
from cnnviz.model_text.syntax import Function


def arguments_of(expressions: Expressions, node: ast.Call) -> tuple[list[Any], dict[str, Any]]:
    """The values of a call's arguments, by place and by name."""
    positional = expressions.values(node.args)
    keywords: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise refusal(node, "two stars in a call are not read here")
        keywords[keyword.arg] = expressions.value(keyword.value)
    return positional, keywords


def bound_names(
    expressions: Expressions,
    name: str,
    where: ast.AST | Place,
    function: Function,
    positional: list[Any],
    keywords: dict[str, Any],
) -> dict[str, Any]:
    """The names with which a function of the text begins."""
    known = function.parameters
    if len(positional) > len(known):
        raise refusal(
            where, f"{name} takes {len(known)} arguments, but {len(positional)} are given"
        )
    names = dict(zip(known, positional, strict=False))
    for key, value in keywords.items():
        if key not in known or key in names:
            raise refusal(where, f"{name} has no room for {key}{meant(key, known)}")
        names[key] = value
    for key in known:
        if key not in names:
            if key not in function.defaults:
                raise refusal(where, f"{name} needs {key}, which is not given")
            outside = Expressions(expressions.program, {}, expressions.outer or expressions.names)
            outside.work = expressions.work
            names[key] = outside.value(function.defaults[key])
    return names
