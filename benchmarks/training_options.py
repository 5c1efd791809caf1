"""The options that both benchmarks of training have."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path


def parse_options(
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    *,
    quick: str,
    models: Collection[str],
    minutes: float,
) -> argparse.Namespace:
    """What the shell says, with these options beside the parser's own; `models` as a list.

    quick: what --quick does. models, minutes: which networks can be measured, all unless told
    otherwise, and for how long. Ends the process with a message where an option makes no sense.
    """
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument(
        "--models",
        default=",".join(models),
        metavar="NAMES",
        help="separated by commas (default: %(default)s)",
    )
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument(
        "--minutes",
        type=float,
        default=minutes,
        help="what does not fit is left out (default: %(default)g)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write every figure as JSON")
    options = parser.parse_args(arguments)
    options.models = options.models.split(",")
    if unknown := [model for model in options.models if model not in models]:
        parser.error(f"--models: {unknown[0]!r} is not measured here; use {', '.join(models)}")
    return options
