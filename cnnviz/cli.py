"""The commands of `python -m cnnviz`.

Each command is a module with a function `add_command(commands)`, which adds a parser and sets its
default `run` to a function that takes the parsed arguments and returns the exit status. A module is
imported when its command is asked for, and does its own heavy imports in `run`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final

from cnnviz.errors import CnnvizError

# A new command is a line here.
COMMANDS: Final = {
    "data": "cnnviz.data.command",
    "train": "cnnviz.training.command",
    "evaluate": "cnnviz.checkpoints.evaluate_command",
    "checkpoints": "cnnviz.checkpoints.command",
    "batch-norm": "cnnviz.norms.command",
}

FAILED: Final = 2  # as argparse itself ends
INTERRUPTED: Final = 130  # as a shell reports SIGINT


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit status; what went wrong is one message on stderr."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    parsed = _parser(arguments).parse_args(arguments)
    try:
        status = int(parsed.run(parsed))
        sys.stdout.flush()
    except CnnvizError as error:
        print(f"python -m cnnviz: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("python -m cnnviz: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  else Python's last flush fails aloud
        return 0
    return status


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cnnviz",
        description="The work of the dashboard from a shell. The dashboard itself is opened by "
        "`streamlit run app.py`.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    asked = [name for name in COMMANDS if name in arguments[:1]]
    for name in asked or COMMANDS:
        importlib.import_module(COMMANDS[name]).add_command(commands)
    return parser
