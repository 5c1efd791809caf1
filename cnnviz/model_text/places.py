"""Where something stands in a text, and the refusal that names the line."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from cnnviz.errors import ModelTextError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a text: lines from 1, columns from 0, the end excluded, as `ast` counts them."""

    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def of(cls, node: ast.AST) -> Place:
        """Where a node stands; one without a place of its own (a module) stands in the first line.

        Columns count bytes; names are ASCII here, so that only a text in a string may differ.
        """
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        end_line = getattr(node, "end_lineno", None) or line
        end_column = getattr(node, "end_col_offset", None) or column
        return cls(line, column, end_line, end_column)


def refusal(where: ast.AST | Place, reason: str) -> ModelTextError:
    """The error that names the line, to be raised."""
    place = where if isinstance(where, Place) else Place.of(where)
    return ModelTextError(reason, place.line, place.column + 1)


def meant(name: str, known: Iterable[str]) -> str:
    """` (did you mean X?)`, where there is one of nearly that name."""
    near = get_close_matches(name, list(known), 1)
    return f" (did you mean {near[0]}?)" if near else ""
