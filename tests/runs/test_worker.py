"""The worker: how each kind of run ends, and that it obeys within a step."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from cnnviz.runs import journal, worker
from cnnviz.runs.orders import Orders
from cnnviz.runs.queue import RunQueue
from cnnviz.runs.run import Command, Run
from cnnviz.runs.store import RunStore
from cnnviz.runs.worker import Options, Worker
from cnnviz.training.config import TrainingConfig
from cnnviz.training.loop import Training
from cnnviz.training.state import Snapshot, TrainingState
from tests.runs.patience import wait_for
from tests.runs.real_queue import make_queue
from tests.runs.trainings import (
    SMALL,
    STEPS_PER_EPOCH,
    kept_weights,
    train_undisturbed,
    wait_for_status,
    workers_of,
)

SHORT = replace(SMALL, epochs=1)

pytestmark = pytest.mark.usefixtures("only_starter_data")


@pytest.fixture
def orders() -> Orders:
    return Orders()


Train = Callable[..., Run]


@pytest.fixture
def train(store: RunStore, orders: Orders, monkeypatch: pytest.MonkeyPatch) -> Iterator[Train]:
    """Does in this process what a worker does in its own; the run as it is then."""
    monkeypatch.setattr("cnnviz.training.memory.keep_freed_memory", lambda: None)
    threads = torch.get_num_threads()

    def work(run: Run, *, status: int = 0, **options: int) -> Run:
        claimed = store.claim_next("local", "cpu")
        assert claimed is not None
        assert claimed.id == run.id
        given = {"threads": 1, "niceness": 0, "snapshots_mb": 100, "step_records": 20_000}
        whole = Options(store.folder, run.id, claimed.attempt, **(given | options))
        assert Worker(store, orders, whole).run() == status
        return store.get_run(run.id)

    yield work
    torch.set_num_threads(threads)


def test_to_the_end(store: RunStore, train: Train) -> None:
    run = train(store.create_run(SHORT, "ada"))
    assert (run.status, run.message) == ("finished", "All 1 epochs are done.")
    assert (run.step, run.epochs_done, run.fraction_done) == (STEPS_PER_EPOCH, 1, 1.0)
    assert run.remaining_s is None
    assert run.ended_s is not None
    told = store.records_since(run.id)
    assert [record.step for record in told.steps] == [*range(5, 54, 5), 54]
    assert told.epochs[0].validation_accuracy == run.validation_accuracy
    assert [event.kind for event in told.events] == ["started"]
    folder = store.folder_of(run.id)
    assert folder.snapshot_epochs() == [0, 1]
    before = Snapshot.load(folder.snapshot(0))
    assert (before.step, before.validation_logits) == (0, None)
    assert TrainingState.load(folder.state).progress.step == STEPS_PER_EPOCH


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dataset": "cifar10"}, "CIFAR-10 .train. .*python -m cnnviz data fetch cifar10"),
        ({"validation_count": 5000}, "validation_count is 5000, but there are 4,000"),
        ({"batch_size": 3600}, "batch_size is 3600, but there are 3,500 images"),
        ({"learning_rate": 1000.0, "warmup": 0.0}, "The loss is no longer a finite number at step"),
    ],
)
def test_a_training_that_fails(
    store: RunStore, train: Train, change: dict[str, object], message: str
) -> None:
    config = TrainingConfig.from_json(SHORT.to_json() | change)
    run = train(store.create_run(config, "ada"))
    assert run.status == "failed"
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(run.message)


def test_a_fault_of_ours_leaves_its_traceback_in_the_log(
    store: RunStore,
    train: Train,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("by nothing\nat all")

    monkeypatch.setattr(Training, "_finish_epoch", fail)
    run = train(store.create_run(SHORT, "ada"))
    assert run.status == "failed"
    assert run.message == "ZeroDivisionError: by nothing. Its log.txt has the details."
    assert "Traceback (most recent call last)" in capfd.readouterr().err


def test_a_state_that_is_damaged(store: RunStore, train: Train) -> None:
    run = store.create_run(SHORT, "ada")
    folder = store.folder_of(run.id)
    folder.path.mkdir()
    folder.state.write_bytes(b"half a state")
    ended = train(run)
    assert ended.status == "failed"
    assert ended.message.startswith(f"{folder.state} is no state of a training")


def test_after_a_failure_it_goes_on_with_another_rate(store: RunStore, train: Train) -> None:
    """The state of a training that went astray is not kept."""
    config = replace(SHORT, learning_rate=1000.0, warmup=0.0, schedule="constant")
    run = train(store.create_run(config, "ada"))
    assert run.status == "failed"
    assert not store.folder_of(run.id).state.exists()
    again = store.requeue(run.id, change=Command("change", 0.05))
    assert train(again).status == "finished"
    told = store.records_since(run.id)
    assert {round(record.learning_rate, 9) for record in told.steps} == {0.05}
    assert [event.kind for event in told.events] == ["started", "changed"]
    assert told.events[1].learning_rate == pytest.approx(0.05)


def test_orders_that_came_before_it_began(store: RunStore, train: Train, orders: Orders) -> None:
    orders.order_to_leave("The server ended")
    run = train(store.create_run(SHORT, "ada"))
    assert (run.status, run.step) == ("interrupted", 0)
    assert run.message == "The server ended before it began to train."


def test_a_stop_while_data_are_read(
    store: RunStore, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create_run(SHORT, "ada")

    def read(*_: object, progress: Callable[[str, float], None]) -> None:
        store.send(run.id, Command("stop"))
        wait_for("word of it", lambda: progress("Reading MNIST (train)", 0.5))

    monkeypatch.setattr(worker, "load_split", read)
    ended = train(run)
    assert (ended.status, ended.message) == ("stopped", "Stopped before it began to train.")


def test_what_is_being_read_is_said(
    store: RunStore, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create_run(SHORT, "ada")

    def read(*_: object, progress: Callable[[str, float], None]) -> None:
        progress("Reading MNIST (train)", 0.5)
        said = "Reading MNIST (train) (50%)."
        wait_for("the words", lambda: store.get_run(run.id).message == said)
        raise OSError(5, "Input/output error", "images.npy")

    monkeypatch.setattr(worker, "load_split", read)
    ended = train(run)
    assert ended.status == "failed"
    assert ended.message.startswith("A file cannot be used: [Errno 5]")


def test_a_run_that_is_another_s_is_left_at_once(store: RunStore, train: Train) -> None:
    config = replace(SMALL, epochs=200)
    run = store.create_run(config, "ada")

    class Successor(Orders):
        def take(self) -> list[tuple[int, Command]]:
            if store.get_run(run.id).step > 0 and store.get_run(run.id).attempt == 1:
                store.end(run.id, 1, "interrupted", "It was taken for dead.")
                store.requeue(run.id)
                store.claim_next("local", "cpu")
            return super().take()

    store.claim_next("local", "cpu")
    Worker(store, Successor(), Options(store.folder, run.id, 1, 1, 0, 100, 20_000)).run()
    after = store.get_run(run.id)
    assert (after.status, after.attempt) == ("running", 2)
    assert after.message == "Starts."


def test_snapshots_are_bounded(store: RunStore, train: Train) -> None:
    config = replace(SMALL, epochs=9, batch_size=500)
    run = train(store.create_run(config, "ada"), snapshots_mb=1)
    assert run.status == "finished"
    folder = store.folder_of(run.id)
    assert folder.snapshot_epochs() == [0, 2, 4, 6, 8, 9]


def test_step_records_are_bounded(store: RunStore, train: Train) -> None:
    config = replace(SHORT, record_every=1)
    run = train(store.create_run(config, "ada"), step_records=10)
    assert len(store.records_since(run.id).steps) <= 10


def test_a_worker_that_hangs_leaves_all_the_same(
    store: RunStore, train: Train, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    exits: list[int] = []
    monkeypatch.setattr(journal, "_LEAVE_WITHIN_S", 0.2)
    monkeypatch.setattr(os, "_exit", exits.append)

    def hang(*_: object, progress: Callable[[str, float], None]) -> None:
        orders.order_to_leave("The server ended")
        wait_for("the end of the process", lambda: exits)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(worker, "load_split", hang)
    run = train(store.create_run(SHORT, "ada"))
    assert set(exits) == {0}
    assert (run.status, run.message[:17]) == ("interrupted", "The server ended.")


# ------------------------------------------------------------------------------- in real processes


@pytest.fixture
def queue(store: RunStore) -> Iterator[RunQueue]:
    made = make_queue(store)
    yield made
    made.close()


@pytest.mark.slow
def test_pause_step_play_stop_and_resume(queue: RunQueue, store: RunStore) -> None:
    # A record at the end of each epoch only: it must not have to wait for one.
    config = replace(SMALL, record_every=STEPS_PER_EPOCH)
    run = queue.submit(config, "ada")
    wait_for("the first epoch", lambda: store.get_run(run.id).epochs_done)
    queue.pause(run.id)
    wait_for_status(store, run.id, "paused")

    def resting_at() -> int:
        """The step at which it holds; the record of it may come a moment after the status."""
        state = TrainingState.load(store.folder_of(run.id).state)
        wait_for("its record", lambda: store.get_run(run.id).step == state.progress.step)
        return state.progress.step

    def is_at_rest_at(step: int) -> None:
        wait_for(f"step {step}", lambda: store.get_run(run.id).step >= step)
        time.sleep(0.3)
        assert store.get_run(run.id).step == step

    at = resting_at()
    is_at_rest_at(at)
    for _ in range(2):
        queue.step(run.id)
        at += 1
        is_at_rest_at(at)
    queue.play(run.id)
    wait_for("it to go on", lambda: store.get_run(run.id).step > at)
    queue.stop(run.id)
    stopped = wait_for_status(store, run.id, "stopped")
    assert stopped.message == f"Stopped. Step {stopped.step:,} was done."
    assert [event.kind for event in store.records_since(run.id).events] == [
        "started",
        "paused",
        "resumed",
    ]
    wait_for("its process to end", lambda: not workers_of(store.folder))
    queue.resume(run.id)
    wait_for_status(store, run.id, "finished")
    weights, expected = kept_weights(store, run.id), train_undisturbed()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


@pytest.mark.slow
def test_rates_that_are_changed_while_it_runs(queue: RunQueue, store: RunStore) -> None:
    config = replace(SMALL, epochs=100, schedule="constant", warmup=0.0)
    run = queue.submit(config, "ada")
    wait_for("the first record", lambda: store.get_run(run.id).step)
    queue.change(run.id, learning_rate=0.02, weight_decay=0.001)
    wait_for("its event", lambda: len(store.records_since(run.id).events) > 1)
    changed = store.records_since(run.id).events[-1]
    assert (changed.kind, changed.weight_decay) == ("changed", 0.001)
    assert changed.learning_rate == pytest.approx(0.02)
    wait_for("records of it", lambda: store.get_run(run.id).step > changed.step + 10)
    for record in store.records_since(run.id).steps:
        after = record.step > changed.step
        assert record.learning_rate == pytest.approx(0.02 if after else 0.1)
        assert record.weight_decay == (0.001 if after else 5e-4)
    queue.pause(run.id)
    wait_for_status(store, run.id, "paused")
    (pid,) = workers_of(store.folder)
    os.kill(pid, signal.SIGTERM)  # it listens while it is held
    ended = wait_for_status(store, run.id, "interrupted")
    progress = TrainingState.load(store.folder_of(run.id).state).progress
    assert progress.step == ended.step
    assert progress.weight_decay == 0.001


@pytest.mark.slow
def test_a_worker_does_not_keep_its_server_from_ending(store: RunStore) -> None:
    queue = make_queue(store)
    run = queue.submit(replace(SMALL, epochs=200), "ada")
    wait_for("the first record", lambda: store.get_run(run.id).step)
    queue.close()
    ended = store.get_run(run.id)
    assert ended.status == "interrupted"
    assert ended.message.startswith("The server ended after step")  # by itself, it was not killed
    assert workers_of(store.folder) == []


@pytest.mark.slow
def test_a_worker_knows_no_passphrase(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    monkeypatch.setenv("CNNVIZ_OPERATOR_PASSPHRASE", "correct horse")
    queue = make_queue(store)
    try:
        queue.submit(SMALL, "ada")
        (pid,) = wait_for("a worker", lambda: workers_of(root))
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"PATH=" in environment
        assert b"correct horse" not in environment
    finally:
        queue.close()
