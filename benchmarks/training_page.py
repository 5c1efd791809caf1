"""What watching a training costs it, and how old what is watched is: the training page under load.

    python benchmarks/training_page.py [--quick] [--minutes 20] [--out FILE]

A real training of the app's own server, a browser, and thirty simulated sessions, all in one run on
one machine. `benchmarks/README.md` says how to read it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.apart import leave_on_sigterm
from benchmarks.browser_options import parse_options
from benchmarks.clock import Clock
from benchmarks.machine_facts import describe_others, machine_facts, warn_if_busy
from benchmarks.slider_moves import launch
from benchmarks.watch_measurements import FULL, QUICK, measure
from benchmarks.watch_report import facts, others_meanwhile, to_text
from benchmarks.watch_results import Results, to_json

MINUTES: Final = 20.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write the JSON. Returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options = parse_options(
        parser, arguments, quick="short phases: about three minutes", minutes=MINUTES
    )
    leave_on_sigterm()
    load = warn_if_busy()
    began = time.monotonic()
    results = Results()
    with sync_playwright() as playwright:
        browser = launch(playwright, options.chromium)
        version = browser.version
        try:
            measure(
                browser,
                QUICK if options.quick else FULL,
                Clock(60 * options.minutes, results.left_out),
                results,
                lambda text: print(text, file=sys.stderr, flush=True),
            )
        except Exception as error:  # what was measured before it is worth printing
            traceback.print_exc()
            results.broken_off = str(error).split("\n")[0] or type(error).__name__
        browser.close()
    machine = {
        **machine_facts("streamlit", "torch", "websockets"),
        "browser": f"Chromium {version}, headless, no GPU",
        **facts(results),
        "load per core before": f"{load:.2f}",
        "others during the run": describe_others(others_meanwhile(results)),
        "run": f"{'quick' if options.quick else 'full'}, {time.monotonic() - began:.0f} s",
    }
    print(to_text(results, machine))
    if options.out:
        text = json.dumps(to_json(results, machine), indent=1, ensure_ascii=False)
        options.out.write_text(text + "\n", encoding="utf-8")
    return 1 if results.broken_off else 0


if __name__ == "__main__":
    sys.exit(main())
