"""A change of a text that makes a layer fit."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnviz.model_text.catalogue import FUNCTIONS, LAYERS
from cnnviz.model_text.places import Place

if TYPE_CHECKING:
    from cnnviz.model_text.arguments import Signature
    from cnnviz.model_text.steps import Misfit


@dataclass(frozen=True, slots=True)
class Mend:
    """A change of the text that makes the layer fit."""

    place: Place
    replacement: str

    def apply(self, text: str) -> str:
        """The text with the change."""
        lines = text.split("\n")
        place = self.place
        before = lines[place.line - 1][: place.column]
        after = lines[place.end_line - 1][place.end_column :]
        changed = f"{before}{self.replacement}{after}"
        return "\n".join([*lines[: place.line - 1], changed, *lines[place.end_line :]])


def with_argument(
    misfit: Misfit, text: str, name: str, value: int
) -> tuple[str | None, Mend | None]:
    """The call with another value of an argument, and that as a change of the text.

    Nothing where the argument is not written as a number: it then comes from elsewhere.
    """
    node = _argument(misfit, name)
    if node is None or not isinstance(misfit.call, ast.Call):
        return None, None
    if any(isinstance(part, ast.Name | ast.Call) for part in ast.walk(node)):
        return None, None
    mend = Mend(Place.of(node), str(value))
    whole = Place.of(misfit.call)
    if whole.line != whole.end_line:
        return None, mend
    line = mend.apply(text).split("\n")[whole.line - 1]
    grown = len(line) - len(text.split("\n")[whole.line - 1])
    return line[whole.column : whole.end_column + grown], mend


def _argument(misfit: Misfit, name: str) -> ast.expr | None:
    if not isinstance(misfit.call, ast.Call):
        return None
    for keyword in misfit.call.keywords:
        if keyword.arg == name:
            return keyword.value
    known: Signature = LAYERS.get(misfit.kind) or FUNCTIONS.get(misfit.kind, ())
    names = [parameter.name for parameter in known]
    at = names.index(name) if name in names else len(misfit.call.args)
    given = misfit.call.args
    if at >= len(given) or any(isinstance(each, ast.Starred) for each in given[: at + 1]):
        return None
    return given[at]
