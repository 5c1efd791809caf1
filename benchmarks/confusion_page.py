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
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.apart import leave_on_sigterm
from benchmarks.app_server import PROJECT
from benchmarks.browser_options import parse_options
from benchmarks.clock import Clock
from benchmarks.confusion_measurements import FULL, QUICK, measure
from benchmarks.confusion_results import Results, to_json, to_text
from benchmarks.machine_facts import OthersLoad, describe_others, machine_facts, warn_if_busy
from benchmarks.process_use import tree_seconds
from benchmarks.slider_moves import launch
from cnnviz.checkpoints.folders import checkpoint_folders, list_checkpoints
from cnnviz.data.availability import find_availability

MINUTES: Final = 20.0
QUICK_MODELS: Final = ("lenet5-cifar10", "fast_cnn-cifar10")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write the JSON. Returns the exit status."""
    there = [file.name for file in list_checkpoints(*checkpoint_folders(PROJECT))]
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--models",
        nargs="*",
        metavar="NAME",
        help="checkpoints that are evaluated (default: all; two of them with --quick)",
    )
    options = parse_options(
        parser, arguments, quick="few samples: two to three minutes", minutes=MINUTES
    )
    models = options.models
    if models is None:
        models = [name for name in there if name in QUICK_MODELS or not options.quick]
    if unknown := sorted(set(models) - set(there)):
        parser.error(f"no checkpoint {', '.join(unknown)}: use {', '.join(there)}")
    if find_availability("cifar10").test in (None, "starter"):
        parser.error("the test pictures of CIFAR-10 are not here: `python -m cnnviz data fetch`")
    leave_on_sigterm()
    load = warn_if_busy()
    began = time.monotonic()
    results = Results()
    with sync_playwright() as playwright:
        browser = launch(playwright, options.chromium)
        version, others = browser.version, OthersLoad(own_s=lambda: tree_seconds(os.getpid()))
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
        cores = others.cores()
        browser.close()
    machine = {
        **machine_facts("streamlit", "plotly", "torch", "captum"),
        "browser": f"Chromium {version}, headless, no GPU",
        "load per core before": f"{load:.2f}",
        "others during the run": describe_others(cores),
        "run": f"{'quick' if options.quick else 'full'}, {time.monotonic() - began:.0f} s",
    }
    print(to_text(results, machine))
    if options.out:
        text = json.dumps(to_json(results, machine), indent=1, ensure_ascii=False)
        options.out.write_text(text + "\n", encoding="utf-8")
    return 1 if results.broken_off else 0


if __name__ == "__main__":
    sys.exit(main())
