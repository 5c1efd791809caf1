"""One measurement of a training in a process of its own, so that no other has warmed it up.

    python -m benchmarks.training_process '{"measure": "speed", "loop": "ours", ...}'

The last line on standard output is the result as JSON; progress and errors go to standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from benchmarks.apart import run_module


def run_apart(job: Mapping[str, Any]) -> dict[str, Any]:
    """Measures in a new process and returns what was found."""
    result: dict[str, Any] = run_module("benchmarks.training_process", job)
    return result


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
