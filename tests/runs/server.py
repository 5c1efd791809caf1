"""A server for the tests to kill: `python -m tests.runs.server FOLDER`.

It has signals as Python has them, and closes nothing itself: that is for the queue to see to.
"""

from __future__ import annotations

import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from cnnviz.runs.store import RunStore
from tests.runs.real_queue import make_queue


def main() -> None:
    # Whoever runs the tests in the background may have had them ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    queue = make_queue(RunStore(Path(sys.argv[1])))
    while not queue.is_scheduling:
        time.sleep(0.01)
    print("schedules", flush=True)
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
