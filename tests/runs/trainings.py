"""Real trainings that are small: LeNet-5 on the starter digits, in real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import torch

from cnnviz.data.datasets import load_split
from cnnviz.runs.queue import RunQueue
from cnnviz.runs.run import Run, RunStatus
from cnnviz.runs.store import RunStore
from cnnviz.training.config import TrainingConfig
from cnnviz.training.loop import train
from cnnviz.training.state import Snapshot, TrainingState
from tests.runs.patience import wait_for
from tests.runs.real_queue import LIMITS
from tests.training.tiny import tiny

SMALL: Final = tiny(
    epochs=8, batch_size=64, validation_count=500, shift=1, dropout=0.1, record_every=5
)
STEPS_PER_EPOCH: Final = 54

Weights = Mapping[str, torch.Tensor]


def train_undisturbed(config: TrainingConfig = SMALL) -> Weights:
    """What the network learns if nothing happens, without any store, queue or worker."""
    threads = torch.get_num_threads()
    torch.set_num_threads(LIMITS.threads)
    try:
        training = train(config, load_split(config.dataset, "train"))
        for _ in training:
            pass
    finally:
        torch.set_num_threads(threads)
    return {name: tensor.clone() for name, tensor in training.network.state_dict().items()}


def kept_weights(store: RunStore, run_id: int) -> Weights:
    """The weights in a run's state."""
    state = TrainingState.load(store.folder_of(run_id).state)
    return {
        name.removeprefix("model/"): tensor
        for name, tensor in state.tensors.items()
        if name.startswith("model/")
    }


def wait_until_under_way(store: RunStore, run_id: int) -> Run:
    """The run, once it is in the midst of an epoch after its first."""

    def look() -> Run | None:
        run = store.get_run(run_id)
        assert run.is_open, run.message
        return run if run.epochs_done and run.step > run.epochs_done * STEPS_PER_EPOCH else None

    return wait_for(f"run {run_id} to be under way", look)


def wait_for_status(store: RunStore, run_id: int, *statuses: RunStatus) -> Run:
    """The run, once it has one of the statuses."""

    def look() -> Run | None:
        run = store.get_run(run_id)
        if run.status in ("failed", "finished") and run.status not in statuses:
            log = store.folder_of(run_id).log
            text = log.read_text() if log.exists() else ""
            raise AssertionError(f"{run.status}: {run.message}\n{text}")
        return run if run.status in statuses else None

    return wait_for(f"run {run_id} to be {' or '.join(statuses)}", look)


def assert_is_as_undisturbed(store: RunStore, run_id: int, expected: Weights) -> None:
    """A run that has finished learned the same, to the last bit, and its records have no gap."""
    weights = kept_weights(store, run_id)
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    told = store.records_since(run_id)
    steps = [record.step for record in told.steps]
    assert steps == sorted(set(steps))
    usual = {
        epoch * STEPS_PER_EPOCH + step
        for epoch in range(SMALL.epochs)
        for step in [*range(SMALL.record_every, STEPS_PER_EPOCH, SMALL.record_every), 54]
    }
    assert usual <= set(steps)
    assert [record.epoch for record in told.epochs] == list(range(1, SMALL.epochs + 1))
    folder = store.folder_of(run_id)
    assert folder.snapshot_epochs() == list(range(SMALL.epochs + 1))
    last = Snapshot.load(folder.snapshot(SMALL.epochs))
    assert all((last.weights[name] == expected[name].half().numpy()).all() for name in expected)


def finish_and_compare(queue: RunQueue, run_id: int, expected: Weights) -> None:
    """Resumes a run that was interrupted, and compares what it learned."""
    queue.resume(run_id)
    run = wait_for_status(queue.store, run_id, "finished")
    assert run.attempt == 2
    assert run.start is not None
    assert run.start.first_step > 0  # it went on, and did not begin anew
    assert_is_as_undisturbed(queue.store, run_id, expected)


def workers_of(root: Path) -> list[int]:
    """The processes that train a run of the store in `root`, as the system sees them."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                parts = (folder / "cmdline").read_bytes().split(b"\0")
                if b"cnnviz.runs.worker" in parts and str(root).encode() in parts:
                    found.append(int(folder.name))
    return found


def wait_for_worker(root: Path) -> int:
    """The number of the one worker's process."""
    (pid,) = wait_for("a worker", lambda: workers_of(root))
    return pid


@contextmanager
def serving(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server, as a process, that schedules the runs of a store."""
    project = Path(__file__).resolve().parents[2]
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.runs.server", str(root)],
        cwd=project,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert server.stdout is not None
    try:
        assert server.stdout.readline() == b"schedules\n"
        yield server
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGCONT)
            server.kill()
        server.wait()
        server.stdout.close()
