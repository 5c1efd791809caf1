"""The process that trains one run: `python -m cnnviz.runs.worker ROOT RUN ATTEMPT`.

Its server starts it, with a pipe as standard input. It yields to everything else on the machine. It
iterates `cnnviz.training.loop.train`, writes what that tells into the store, and after each epoch a
snapshot and the state. Whatever ends it, the run is marked for what it is: by the worker itself, or
if it cannot any more by the queue that notices, or by the next one.
"""

from __future__ import annotations

import argparse
import errno
import faulthandler
import os
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cnnviz.data.datasets import load_split
from cnnviz.errors import CnnvizError, DiskFullError, RunError
from cnnviz.runs.attempt import Attempt, LostRunError
from cnnviz.runs.folders import give_up_reserve
from cnnviz.runs.journal import Journal
from cnnviz.runs.local import NO_ROOM
from cnnviz.runs.orders import Orders
from cnnviz.runs.run import End
from cnnviz.runs.store import RunStore

if TYPE_CHECKING:
    from cnnviz.runs.guided import GuidedTraining

_TRIES: Final = 3
_PAUSE_S: Final = 0.2
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Options:
    """What the server says."""

    root: Path
    run: int
    attempt: int
    threads: int
    niceness: int
    snapshots_mb: int
    step_records: int


class _LeaveError(Exception):
    """Raised while data are read, to leave."""


class Worker:
    """Trains one attempt of a run to its end, whichever that is."""

    def __init__(self, store: RunStore, orders: Orders, options: Options) -> None:
        self._store = store
        self._folder = store.folder_of(options.run)
        self._attempt = Attempt(store, options.run, options.attempt)
        self._orders = orders
        self._options = options
        self._journal = Journal(self._attempt, orders)
        self._guided: GuidedTraining | None = None

    def run(self) -> int:
        """Trains; the exit status of the process."""
        try:
            end = self._end_of_training()
        except LostRunError:
            return 0
        finally:
            self._journal.close()
        return self._last_words(end)

    def _end_of_training(self) -> End:
        try:
            return self._train()
        except _LeaveError:
            return self._left_early()
        except DiskFullError:
            return self._no_room()
        except CnnvizError as error:
            return End("failed", str(error))
        except OSError as error:
            if error.errno in _FULL:
                return self._no_room()
            traceback.print_exc()
            return End("failed", f"A file cannot be used: {error}.")
        except MemoryError:
            traceback.print_exc()
            return End("failed", "Memory has run out: use a smaller batch_size.")
        except Exception as error:
            traceback.print_exc()
            first = (str(error).strip() or "no message").splitlines()[0][:300]
            return End("failed", f"{type(error).__name__}: {first}. Its log.txt has the details.")

    # ------------------------------------------------------------------------------ the training

    def _train(self) -> End:
        run = self._attempt.run()
        self._journal.say("Loads PyTorch.")
        import torch

        from cnnviz.runs.guided import GuidedTraining
        from cnnviz.training.loop import train
        from cnnviz.training.memory import keep_freed_memory
        from cnnviz.training.state import TrainingState

        keep_freed_memory()
        torch.set_num_threads(self._options.threads)
        data = load_split(run.config.dataset, "train", progress=self._reading)
        self._journal.say("Prepares the images and the network.")
        self._leave_if_told()
        state = TrainingState.load(self._folder.state) if self._folder.state.exists() else None
        self._guided = GuidedTraining(
            train(run.config, data, state=state),
            self._attempt,
            self._journal,
            self._orders,
            self._folder,
            snapshots_bytes=self._options.snapshots_mb * 10**6,
            step_records=self._options.step_records,
        )
        return self._guided.run()

    def _reading(self, words: str, share: float) -> None:
        self._journal.say(f"{words} ({share:.0%}).")
        self._leave_if_told()

    def _leave_if_told(self) -> None:
        self._journal.check()
        if self._orders.wants_to_end:
            raise _LeaveError

    # ----------------------------------------------------------------------------- how it ends

    def _left_early(self) -> End:
        if self._orders.leave is None:
            return End("stopped", "Stopped before it began to train.")
        return End("interrupted", f"{self._orders.leave} before it began to train.")

    def _no_room(self) -> End:
        self._journal.close()
        give_up_reserve(self._store.folder)
        with suppress(RunError, LostRunError):
            self._journal.flush()
        when = ""
        if self._guided is not None and self._guided.is_between_steps:
            when = f" after step {self._guided.training.step:,}"
            with suppress(OSError):
                self._guided.keep_last_moment()
        return End(
            "failed",
            f"No room was left in {self._store.folder}{when}: make room there, then resume.",
        )

    def _last_words(self, end: End) -> int:
        status = 1
        for _ in range(_TRIES):
            try:
                self._journal.flush()
                self._attempt.end(end.status, end.message)
                return 0
            except LostRunError:
                return 0
            except DiskFullError:
                give_up_reserve(self._store.folder)
                status = NO_ROOM
            except RunError as error:
                print(error, flush=True)
            time.sleep(_PAUSE_S)
        return status


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains the run that the arguments name; the exit status."""
    orders = Orders()
    orders.listen_to_signals()
    orders.listen_to_pipe(sys.stdin.fileno())
    faulthandler.enable()  # a crash leaves its place in log.txt
    parser = argparse.ArgumentParser(prog="python -m cnnviz.runs.worker")
    parser.add_argument("root", type=Path)
    for name in ("run", "attempt"):
        parser.add_argument(name, type=int)
    for field in ("threads", "niceness", "snapshots_mb", "step_records"):
        parser.add_argument("--" + field.replace("_", "-"), type=int, required=True)
    options = Options(**vars(parser.parse_args(arguments)))
    if hasattr(os, "nice"):
        os.nice(options.niceness)
    with RunStore(options.root) as store:
        return Worker(store, orders, options).run()


if __name__ == "__main__":
    sys.exit(main())
