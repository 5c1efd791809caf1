"""Everything that may befall a run, really done to it.

After each: the store opens, the run is marked for what it is, no process is left, and when it is
resumed it learns what an undisturbed run learns, to the last bit.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from cnnviz.runs.processes import ProcessId, identify
from cnnviz.runs.queue import RunQueue
from cnnviz.runs.run import RunStatus
from cnnviz.runs.store import RunStore
from cnnviz.training.state import TrainingState
from tests.runs.patience import wait_for
from tests.runs.real_queue import make_queue
from tests.runs.trainings import (
    SMALL,
    Weights,
    assert_is_as_undisturbed,
    finish_and_compare,
    serving,
    train_undisturbed,
    wait_for_status,
    wait_for_worker,
    wait_until_under_way,
    workers_of,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs Linux's /proc"),
    pytest.mark.usefixtures("only_starter_data"),
]


@pytest.fixture(scope="module")
def expected() -> Weights:
    """What an undisturbed run learns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CNNVIZ_DATA", raising=False)
        patch.setenv("XDG_CACHE_HOME", "/nowhere")
        return train_undisturbed()


@pytest.fixture
def queue(store: RunStore) -> Iterator[RunQueue]:
    """A queue in this process, with real workers."""
    made = make_queue(store)
    yield made
    made.close()
    assert workers_of(store.folder) == []


def wait_until_gone(process: ProcessId, root: Path) -> None:
    wait_for("the worker to be gone", lambda: not process.is_alive)
    assert workers_of(root) == []


def worker_process(root: Path) -> ProcessId:
    process = identify(wait_for_worker(root))
    assert process is not None
    return process


def test_nothing_happens(queue: RunQueue, store: RunStore, expected: Weights) -> None:
    run = queue.submit(SMALL, "ada")
    finished = wait_for_status(store, run.id, "finished")
    assert finished.message == "All 8 epochs are done."
    assert finished.fraction_done == 1
    assert_is_as_undisturbed(store, run.id, expected)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_the_worker_is_killed(
    queue: RunQueue, store: RunStore, root: Path, expected: Weights, name: str
) -> None:
    run = queue.submit(SMALL, "ada")
    wait_until_under_way(store, run.id)
    worker = worker_process(root)
    os.kill(worker.pid, getattr(signal, name))
    ended = wait_for_status(store, run.id, "interrupted")
    assert name in ended.message
    wait_until_gone(worker, root)
    state = TrainingState.load(store.folder_of(run.id).state)
    # Told to end, it loses nothing; killed, it goes back to its last state.
    assert state.progress.step == ended.step or name == "SIGKILL"
    finish_and_compare(queue, run.id, expected)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_the_server_is_killed(store: RunStore, root: Path, expected: Weights, name: str) -> None:
    run = store.create_run(SMALL, "ada")
    waiting = store.create_run(SMALL, "bob")
    with serving(root) as server:
        wait_until_under_way(store, run.id)
        worker = worker_process(root)
        server.send_signal(getattr(signal, name))
        server.wait(60)
        wait_until_gone(worker, root)
    ended = store.get_run(run.id)
    assert (ended.status, ended.message[:17]) == ("interrupted", "The server ended ")
    assert TrainingState.load(store.folder_of(run.id).state).progress.step == ended.step
    assert store.get_run(waiting.id).status == "waiting"
    store.delete(waiting.id)
    queue = make_queue(store)
    try:
        finish_and_compare(queue, run.id, expected)
    finally:
        queue.close()
    assert workers_of(root) == []


def test_server_and_worker_are_killed_at_once(
    store: RunStore, root: Path, expected: Weights
) -> None:
    """As when the power fails: nobody is left to mark anything."""
    run = store.create_run(SMALL, "ada")
    with serving(root) as server:
        wait_until_under_way(store, run.id)
        worker = worker_process(root)
        server.send_signal(signal.SIGSTOP)  # so that it does not notice
        os.kill(worker.pid, signal.SIGKILL)
        server.kill()
        server.wait()
    wait_until_gone(worker, root)
    assert store.get_run(run.id).status == "running"  # nobody could say otherwise
    queue = make_queue(store)
    try:
        wait_for_status(store, run.id, "interrupted")
        finish_and_compare(queue, run.id, expected)
    finally:
        queue.close()


def test_a_second_server_takes_over(
    queue: RunQueue, store: RunStore, root: Path, expected: Weights
) -> None:
    wait_for("the first queue to schedule", lambda: queue.is_scheduling)
    queue.close()
    with serving(root) as server:
        second = make_queue(store)
        try:
            run = second.submit(SMALL, "ada")  # the other one starts it
            wait_until_under_way(store, run.id)
            assert not second.is_scheduling
            assert len(workers_of(root)) == 1
            worker = worker_process(root)
            server.kill()
            wait_for_status(store, run.id, "interrupted")
            wait_until_gone(worker, root)
            wait_for("the second queue to schedule", lambda: second.is_scheduling)
            finish_and_compare(second, run.id, expected)
        finally:
            second.close()


def test_the_machine_sleeps(store: RunStore, root: Path, expected: Weights) -> None:
    run = store.create_run(SMALL, "ada")
    with serving(root) as server:
        wait_until_under_way(store, run.id)
        worker = wait_for_worker(root)
        for sleepers in ([worker], [server.pid, worker]):
            # In a transaction of ours: so none of them falls asleep in one of its own, which would
            # keep us out as long as it sleeps.
            with store.connections.writing() as connection:  # and the clock was set meanwhile
                for pid in sleepers:
                    os.kill(pid, signal.SIGSTOP)
                connection.execute("UPDATE runs SET heartbeat_s = heartbeat_s - 1e5")
            time.sleep(1)
            assert store.get_run(run.id).status == "running"
            for pid in sleepers:
                os.kill(pid, signal.SIGCONT)
        assert wait_for_status(store, run.id, "finished").attempt == 1
    assert_is_as_undisturbed(store, run.id, expected)


# --------------------------------------------------------------------------------- the disk is full


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB, that can really be full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(file: Path) -> None:
    """Takes all the room that is left."""
    with file.open("wb", buffering=0) as stream:
        for size in (2**16, 2**12, 1):
            with pytest.raises(OSError, match="No space left on device"):
                write_on(stream, size)


def write_on(stream: IO[bytes], size: int) -> None:
    while True:
        stream.write(bytes(size))


@pytest.mark.parametrize("reserve", [True, False], ids=["with a reserve", "without"])
def test_the_disk_is_full(small_disk: Path, expected: Weights, reserve: bool) -> None:
    root = small_disk / "runs"
    with RunStore(root) as store:
        queue = make_queue(store)
        try:
            run = queue.submit(SMALL, "ada")
            wait_until_under_way(store, run.id)
            worker = worker_process(root)
            if not reserve:
                (root / "reserve").unlink()
            fill(small_disk / "filler")
            wait_until_gone(worker, root)
            allowed: list[RunStatus] = ["failed"]
            if reserve:
                ended = wait_for_status(store, run.id, "failed")
                assert f"No room was left in {root} after step" in ended.message
                # Its last moment could be kept in the room that was reserved.
                state = TrainingState.load(store.folder_of(run.id).state)
                assert state.progress.step == ended.step
            with RunStore(root) as another:  # it opens while the disk is still full
                assert another.get_run(run.id).config == SMALL
            (small_disk / "filler").unlink()
            allowed.append("interrupted")
            ended = wait_for_status(store, run.id, *allowed)
            TrainingState.load(store.folder_of(run.id).state)
            finish_and_compare(queue, run.id, expected)
            wait_for("a new reserve", lambda: (root / "reserve").exists())
        finally:
            queue.close()
    assert workers_of(root) == []
