"""How long, deep and large a text and its network may be."""

from __future__ import annotations

from typing import Final

MAX_CHARACTERS: Final = 10_000
MAX_LINES: Final = 400
MAX_TOKENS: Final = 4_000
"""Words, numbers and signs."""
MAX_BRACKETS: Final = 16
"""Brackets within brackets."""
MAX_RUN: Final = 120
"""Words and signs without a comma, a bracket or a new line between: a chain of operators or dots,
which a parser follows by calling itself."""
MAX_NESTING: Final = 60
"""Expressions within expressions."""
MAX_INDENTS: Final = 4
MAX_NAME: Final = 40
MAX_DIGITS: Final = 20
"""Characters of one number."""
MAX_NUMBER: Final = 2**31
"""Of any number that comes out of arithmetic, in size."""
MAX_EXPONENT: Final = 31
MAX_COUNT: Final = 2**20
"""Channels or features."""
MAX_WINDOW: Final = 1024
"""Side of a kernel, a stride, a padding."""
MAX_CLASSES: Final = 20
"""Classes that a text defines."""
MAX_DEPTH: Final = 8
"""Networks within networks."""
MAX_LAYERS: Final = 300
MAX_UNFOLDED: Final = 1_000
"""Layers and networks, one that is in several others counted in each."""
MAX_CALLS: Final = 3_000
"""Layers, networks and functions that one picture passes."""
MAX_WORK: Final = 20_000
"""Parts of expressions that are worked out: of all that makes the layers, and of one forward."""
MAX_PARAMETERS: Final = 200_000_000
MAX_TRAINED_PARAMETERS: Final = 50_000_000
"""Of a network that is trained, or comes with a checkpoint."""
MAX_CELLS: Final = 2**26
"""Numbers that one layer puts out for one picture."""
MAX_SIDE: Final = 512
"""Height and width of the picture."""
MAX_CHANNELS: Final = 16
