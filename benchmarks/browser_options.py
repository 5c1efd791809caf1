"""The options that the benchmarks in a browser have."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path


def parse_options(
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    *,
    quick: str,
    minutes: float | None = None,
) -> argparse.Namespace:
    """What the shell says, with these options beside the parser's own.

    quick: what --quick does. minutes: for how long it may take unless told otherwise; None for one
    that takes no such bound. Ends the process with a message where there is no browser.
    """
    parser.add_argument("--quick", action="store_true", help=quick)
    if minutes is not None:
        parser.add_argument(
            "--minutes",
            type=float,
            default=minutes,
            help="what does not fit is left out (default: %(default)g)",
        )
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write every sample as JSON")
    parser.add_argument(
        "--chromium",
        default=shutil.which("chromium") or shutil.which("google-chrome"),
        help="the browser to use (default: the one on the path)",
    )
    options = parser.parse_args(arguments)
    if options.chromium is None:
        parser.error("there is no chromium on the path: install one or name it with --chromium")
    return options
