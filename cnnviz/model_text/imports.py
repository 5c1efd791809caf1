"""The names under which a text knows PyTorch, and what it may import."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Final

from cnnviz.model_text.places import refusal

ALIASES: Final = {
    "torch": "torch",
    "nn": "torch.nn",
    "F": "torch.nn.functional",
    "OrderedDict": "collections.OrderedDict",
}
"""What a text may use without importing it."""
_IMPORTED: Final = ("torch", "torch.nn", "torch.nn.functional", "collections")
_FROM: Final = {
    "torch": ("nn", "Tensor", "flatten", "cat", "relu"),
    "collections": ("OrderedDict",),
}
"""Module -> what of it may be imported by name; from torch.nn and its functional anything may,
since only what is known can be called."""


def canonical(node: ast.expr, aliases: Mapping[str, str]) -> str | None:
    """`nn.Conv2d` as torch.nn.Conv2d; None if it does not begin with a name of PyTorch's."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in aliases:
        return None
    return ".".join((aliases[node.id], *reversed(names)))


def imports_of(statement: ast.Import | ast.ImportFrom) -> dict[str, str]:
    """Name -> what it stands for; ModelTextError for an import that is not allowed."""
    found = {}
    for name in statement.names:
        if isinstance(statement, ast.Import):
            known = name.name in _IMPORTED
            whole = name.name
            alias = name.asname or name.name.partition(".")[0]
            meaning = whole if name.asname else alias
        else:
            module = statement.module or ""
            allowed = _FROM.get(module)
            by_name = module in ("torch.nn", "torch.nn.functional") and name.name != "*"
            known = not statement.level and (by_name or name.name in (allowed or ()))
            whole = meaning = f"{module}.{name.name}"
            alias = name.asname or name.name
        if not known:
            raise refusal(
                statement,
                f"the import of {whole} is not allowed: only torch, torch.nn as nn, "
                "torch.nn.functional as F and OrderedDict are, and none of them is needed",
            )
        found[alias] = meaning
    return found
