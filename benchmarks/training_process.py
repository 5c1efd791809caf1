"""One measurement of a training in a process of its own, so that no other has warmed it up.

    python -m benchmarks.training_process '{"measure": "speed", "loop": "ours", ...}'

The last line on standard output is the result as JSON; progress and errors go to standard error.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from types import FrameType
from typing import Any

from benchmarks.app_server import PROJECT


class TrainingProcessError(RuntimeError):
    """A process that ended without a result; what it said stands on standard error."""


def run_apart(job: Mapping[str, Any]) -> dict[str, Any]:
    """Measures in a new process and returns what was found; the process never outlives the call."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.training_process", json.dumps(job)],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise TrainingProcessError(f"no result of {dict(job)}: exit status {done.returncode}")
    result: dict[str, Any] = json.loads(lines[-1])
    return result


def leave_on_sigterm() -> None:
    """Turns SIGTERM into SystemExit, so that a process under way is ended with this one."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)


def measure_here(job: Mapping[str, Any]) -> Any:
    """Measures in this process; a result that `asdict` takes."""
    settings = dict(job)
    measure = settings.pop("measure")
    if settings["loop"] == "ours":
        from cnnviz.training.memory import keep_freed_memory

        keep_freed_memory()  # as `python -m cnnviz train` does; the tutorial's user does not
    if measure == "speed":
        from benchmarks.training_speed import measure_speed

        return measure_speed(**settings)
    if measure == "accuracy":
        from benchmarks.training_accuracy import measure_accuracy

        return measure_accuracy(**settings)
    raise ValueError(f"measure is {measure!r}: use speed or accuracy")


if __name__ == "__main__":
    result = asdict(measure_here(json.loads(sys.argv[1])))
    print(json.dumps(result))
