"""How fast the confusion page answers, alone and while thirty ask; how fast the networks are.

    python benchmarks/confusion_page.py [--quick] [--minutes 20] [--models NAME ...] [--out FILE]

A browser against the app's own server, the same matrix in an ordinary app, the same maps computed
directly, thirty simulated sessions, and each checkpoint over its test pictures, all in one run on
one machine. `benchmarks/README.md` says how to read it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.app_server import PROJECT
from benchmarks.clock import Clock
from benchmarks.confusion_measurements import FULL, QUICK, measure
from benchmarks.confusion_results import Results, to_json, to_text
from benchmarks.machine_facts import busy_s, describe_others, machine_facts, warn_if_busy
from benchmarks.process_use import tree_seconds
from benchmarks.slider_moves import launch
from benchmarks.training_process import leave_on_sigterm
from cnnviz.checkpoints.folders import checkpoint_folders, list_checkpoints
from cnnviz.data.availability import find_availability

MINUTES: Final = 20.0
QUICK_MODELS: Final = ("lenet5-cifar10", "fast_cnn-cifar10")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write the JSON. Returns the exit status."""
    there = [file.name for file in list_checkpoints(*checkpoint_folders(PROJECT))]
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few samples: two to three minutes")
    parser.add_argument(
        "--minutes",
        type=float,
        default=MINUTES,
        help="what does not fit is left out (default: %(default)g)",
    )
    parser.add_argument(
        "--models",
        nargs="*",
        metavar="NAME",
        help="checkpoints that are evaluated (default: all; two of them with --quick)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write every sample as JSON")
    parser.add_argument(
        "--chromium",
        default=shutil.which("chromium") or shutil.which("google-chrome"),
        help="the browser to use (default: the one on the path)",
    )
    options = parser.parse_args(arguments)
    models = options.models
    if models is None:
        models = [name for name in there if name in QUICK_MODELS or not options.quick]
    if unknown := sorted(set(models) - set(there)):
        parser.error(f"no checkpoint {', '.join(unknown)}: use {', '.join(there)}")
    if options.chromium is None:
        parser.error("there is no chromium on the path: install one or name it with --chromium")
    if find_availability("cifar10").test in (None, "starter"):
        parser.error("the test pictures of CIFAR-10 are not here: `python -m cnnviz data fetch`")
    leave_on_sigterm()
    load = warn_if_busy()
    began = time.monotonic()
    results = Results()
    with sync_playwright() as playwright:
        browser = launch(playwright, options.chromium)
        version, before = browser.version, _others_s()
        try:
            measure(
                browser,
                QUICK if options.quick else FULL,
                models,
                Clock(60 * options.minutes, results.left_out),
                results,
                lambda text: print(text, file=sys.stderr, flush=True),
            )
        except Exception as error:  # what was measured before it is worth printing
            traceback.print_exc()
            results.broken_off = str(error).split("\n")[0] or type(error).__name__
        others = _cores_since(before, _others_s())
        browser.close()
    machine = {
        **machine_facts("streamlit", "plotly", "torch", "captum"),
        "browser": f"Chromium {version}, headless, no GPU",
        "load per core before": f"{load:.2f}",
        "others during the run": describe_others(others),
        "run": f"{'quick' if options.quick else 'full'}, {time.monotonic() - began:.0f} s",
    }
    print(to_text(results, machine))
    if options.out:
        text = json.dumps(to_json(results, machine), indent=1, ensure_ascii=False)
        options.out.write_text(text + "\n", encoding="utf-8")
    return 1 if results.broken_off else 0


def _others_s() -> tuple[float, float] | None:
    """Now, and the processor time that all but this process and what it started have used."""
    busy, own = busy_s(), tree_seconds(os.getpid())
    return None if busy is None or own is None else (time.monotonic(), busy - own)


def _cores_since(
    before: tuple[float, float] | None, now: tuple[float, float] | None
) -> float | None:
    if before is None or now is None or now[0] <= before[0]:
        return None
    return max(0.0, (now[1] - before[1]) / (now[0] - before[0]))


if __name__ == "__main__":
    sys.exit(main())
