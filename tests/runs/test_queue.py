"""The queue: who is next, on which device, and what becomes of those whose worker ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cnnviz.errors import DiskFullError, RunError, SettingError
from cnnviz.runs import folders, schedule
from cnnviz.runs.attempt import Attempt
from cnnviz.runs.executor import Ended
from cnnviz.runs.limits import Limits
from cnnviz.runs.lock import ProcessLock
from cnnviz.runs.queue import RunQueue
from cnnviz.runs.run import Command, Run, RunStatus
from cnnviz.runs.store import RunStore
from tests.runs.fake_executor import FakeExecutor, handle
from tests.runs.invented import CONFIG, event, start_record
from tests.runs.patience import wait_for

FREE = Limits(free_disk_mb=0)

MakeQueue = Callable[..., RunQueue]


@pytest.fixture
def make_queue(store: RunStore) -> Iterator[MakeQueue]:
    """Makes queues on the store that are closed in the end."""
    made: list[RunQueue] = []

    def make(executor: FakeExecutor, limits: Limits = FREE) -> RunQueue:
        made.append(RunQueue(store, executor, limits, tick_s=0.01))
        return made[-1]

    yield make
    for queue in made:
        queue.close()


def started(executor: FakeExecutor, count: int) -> list[int]:
    """The runs that were started, once there are that many."""
    wait_for(f"{count} runs to be started", lambda: len(executor.started) >= count)
    return [run_id for run_id, _, _ in executor.started]


def has_status(store: RunStore, run_id: int, status: RunStatus) -> Run:
    def look() -> Run | None:
        run = store.get_run(run_id)
        return run if run.status == status else None

    return wait_for(f"run {run_id} to be {status}", look)


def finish(store: RunStore, run: Run, executor: FakeExecutor) -> None:
    """What a worker does that has come to its end."""
    Attempt(store, run.id, run.attempt).end("finished", "Done.")
    executor.ended[handle(run.id, run.attempt)] = Ended(False, "Its worker left.")


def test_runs_are_started_in_order_one_at_a_time(store: RunStore, make_queue: MakeQueue) -> None:
    executor = FakeExecutor()
    queue = make_queue(executor)
    ids = [queue.submit(CONFIG, owner).id for owner in ("ada", "bob", "cyd")]
    for count, run_id in enumerate(ids, start=1):
        assert started(executor, count) == ids[:count]
        run = has_status(store, run_id, "running")
        assert (run.device, run.executor, run.attempt) == ("cpu", "fake", 1)
        assert [waiting.position for waiting in store.waiting()] == list(range(1, 4 - count))
        finish(store, run, executor)
    assert [run.status for run in store.list_runs()] == ["finished"] * 3


def test_runs_spread_over_the_devices(store: RunStore, make_queue: MakeQueue) -> None:
    executor = FakeExecutor("cuda:0", "cuda:1")
    queue = make_queue(executor, Limits(free_disk_mb=0, open_per_owner=9))
    ids = [queue.submit(CONFIG, "ada").id for _ in range(4)]
    assert started(executor, 2) == ids[:2]
    assert {device for _, _, device in executor.started} == {"cuda:0", "cuda:1"}
    second = store.get_run(ids[1])
    finish(store, second, executor)
    assert started(executor, 3) == ids[:3]
    assert executor.started[2][2] == second.device
    assert store.get_run(ids[3]).position == 1


def test_a_device_is_free_only_when_the_worker_is_gone(
    store: RunStore, make_queue: MakeQueue
) -> None:
    executor = FakeExecutor()
    queue = make_queue(executor)
    first, second = (queue.submit(CONFIG, "ada").id for _ in range(2))
    started(executor, 1)
    run = has_status(store, first, "running")
    Attempt(store, first, 1).end("finished", "Done.")  # but its process still tidies up
    time.sleep(0.1)
    assert store.get_run(second).status == "waiting"
    finish_of_process = Ended(False, "Its worker left.")
    executor.ended[handle(run.id)] = finish_of_process
    assert started(executor, 2) == [first, second]


@pytest.mark.parametrize(("crashed", "status"), [(True, "failed"), (False, "interrupted")])
def test_a_run_whose_worker_is_gone(
    store: RunStore, make_queue: MakeQueue, crashed: bool, status: RunStatus
) -> None:
    executor = FakeExecutor()
    run = make_queue(executor).submit(CONFIG, "ada")
    started(executor, 1)
    executor.ended[handle(run.id)] = Ended(crashed, "The test ended it.")
    ended = has_status(store, run.id, status)
    assert ended.message == "The test ended it."
    assert ended.ended_s is not None


def test_a_run_whose_heart_beat_long_ago_lives_on(store: RunStore, make_queue: MakeQueue) -> None:
    """A machine that slept, or a clock that was set: only the process itself counts."""
    executor = FakeExecutor()
    run = make_queue(executor).submit(CONFIG, "ada")
    started(executor, 1)
    with store.connections.writing() as connection:
        connection.execute("UPDATE runs SET heartbeat_s = heartbeat_s - 1e6, started_s = 0")
    time.sleep(0.2)
    assert store.get_run(run.id).status == "running"


def test_a_worker_that_cannot_be_started(store: RunStore, make_queue: MakeQueue) -> None:
    executor = FakeExecutor()
    executor.refuses = True
    run = make_queue(executor).submit(CONFIG, "ada")
    ended = has_status(store, run.id, "failed")
    assert ended.message == "No worker could be started (the test says so)."


def test_runs_that_a_server_left_behind(store: RunStore, make_queue: MakeQueue) -> None:
    """A worker that is gone, none, one that still leaves, and a run that waits."""
    executor = FakeExecutor("a", "b", "c")
    gone, claimed, leaving, waiting = (store.create_run(CONFIG, "ada").id for _ in range(4))
    for run_id, device in ((gone, "a"), (claimed, "b"), (leaving, "c")):
        store.claim_next("fake", device)
        if run_id != claimed:
            store.set_handle(run_id, 1, handle(run_id))
    executor.ended[handle(gone)] = Ended(False, "Its worker is gone.")
    make_queue(executor)
    assert has_status(store, gone, "interrupted").message == "Its worker is gone."
    assert has_status(store, claimed, "interrupted").message == "The server ended before it began."
    assert started(executor, 1) == [waiting]
    assert store.get_run(leaving).status == "running"
    executor.ended[handle(leaving)] = Ended(False, "Its worker is gone.")
    has_status(store, leaving, "interrupted")


def test_runs_of_another_kind_of_executor_are_left_alone(
    store: RunStore, make_queue: MakeQueue
) -> None:
    far = store.create_run(CONFIG, "ada").id
    store.claim_next("cluster", "node 7")
    store.set_handle(far, 1, "job 1234")
    executor = FakeExecutor()
    near = make_queue(executor).submit(CONFIG, "ada").id
    assert started(executor, 1) == [near]
    assert store.get_run(far).status == "running"


def test_resume_puts_it_at_the_end(store: RunStore, make_queue: MakeQueue) -> None:
    executor = FakeExecutor()
    queue = make_queue(executor)
    first, second = (queue.submit(CONFIG, "ada").id for _ in range(2))
    started(executor, 1)
    executor.ended[handle(first)] = Ended(False, "The test ended it.")
    has_status(store, first, "interrupted")
    assert started(executor, 2) == [first, second]
    assert queue.resume(first, learning_rate=0.01).position == 1
    executor.ended[handle(second)] = Ended(True, "The test ended it.")
    wait_for("its second attempt", lambda: (first, 2, "cpu") in executor.started)
    found = Attempt(store, first, 2).commands_after(0)
    assert [command for _, command in found] == [Command("change", 0.01)]


def test_commands(store: RunStore, make_queue: MakeQueue) -> None:
    executor = FakeExecutor()
    queue = make_queue(executor)
    first, second = (queue.submit(CONFIG, "ada").id for _ in range(2))
    started(executor, 1)
    queue.pause(first)
    queue.step(first)
    queue.play(first)
    queue.change(first, weight_decay=0.0)
    found = Attempt(store, first, 1).commands_after(0)
    assert [command for _, command in found] == [
        Command("pause"),
        Command("step"),
        Command("play"),
        Command("change", None, 0.0),
    ]
    for tell in (queue.pause, queue.step, queue.play):
        with pytest.raises(RunError, match="waits for its turn: there is nothing to"):
            tell(second)
    queue.stop(second)
    assert store.get_run(second).message == "Stopped before its turn came."
    with pytest.raises(RunError, match="is stopped: it can be told nothing"):
        queue.stop(second)


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ({}, "nothing is to change"),
        ({"learning_rate": -0.1}, "learning_rate is -0.1: use a number from 0 to 1000"),
        ({"learning_rate": float("nan")}, "learning_rate is nan: use a number"),
        ({"learning_rate": True}, "learning_rate is True: use a number"),
        ({"weight_decay": 11.0}, "weight_decay is 11.0: use a number from 0 to 10"),
    ],
)
def test_changes_that_make_no_sense(
    make_queue: MakeQueue, rates: dict[str, float], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        make_queue(FakeExecutor()).change(1, **rates)


def test_a_worker_that_does_not_stop_is_killed(
    store: RunStore, make_queue: MakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "_STOP_WITHIN_S", 0.1)
    executor = FakeExecutor()
    queue = make_queue(executor)
    run = queue.submit(CONFIG, "ada")
    started(executor, 1)
    has_status(store, run.id, "running")
    queue.stop(run.id)
    ended = has_status(store, run.id, "stopped")
    assert "did not answer" in ended.message
    assert executor.killed == [handle(run.id)]


def test_a_worker_that_does_not_leave_after_its_run_is_killed(
    store: RunStore, make_queue: MakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "_LEAVE_WITHIN_S", 0.1)
    executor = FakeExecutor()
    run = make_queue(executor).submit(CONFIG, "ada")
    started(executor, 1)
    has_status(store, run.id, "running")
    Attempt(store, run.id, 1).end("finished", "Done.")
    wait_for("it to be killed", lambda: executor.killed == [handle(run.id)])
    assert store.get_run(run.id).status == "finished"


def test_a_long_pause_ends_when_others_wait(store: RunStore, make_queue: MakeQueue) -> None:
    executor = FakeExecutor()
    queue = make_queue(executor, Limits(free_disk_mb=0, pause_min=0))
    run = queue.submit(CONFIG, "ada")
    started(executor, 1)
    attempt = Attempt(store, run.id, 1)
    attempt.begin(start_record(), 0, event())
    attempt.note(event(), "paused", "Paused.")
    time.sleep(0.2)
    assert store.stops_pending() == set()  # nobody waits
    queue.submit(CONFIG, "bob")
    wait_for("it to be stopped", lambda: store.stops_pending() == {run.id})
    ((_, command),) = attempt.commands_after(0)
    assert command.reason == "Stopped, since others waited and it was paused for 0 minutes."


# --------------------------------------------------------------------------------- limits and disk


def test_what_is_beyond_the_limits_is_refused(store: RunStore, make_queue: MakeQueue) -> None:
    queue = make_queue(FakeExecutor(), Limits(free_disk_mb=0, max_epochs=3))
    with pytest.raises(SettingError, match="epochs is 4: use 3 or less on this server"):
        queue.submit(CONFIG, "ada")
    assert store.list_runs() == []


def test_a_disk_without_room(
    store: RunStore, make_queue: MakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = FakeExecutor()
    queue = make_queue(executor, Limits(free_disk_mb=100))
    monkeypatch.setattr(folders, "free_bytes", lambda root: 7 * 10**6)
    with pytest.raises(DiskFullError, match=r"7 MB are free .* a new run needs 100"):
        queue.submit(CONFIG, "ada")
    run = store.create_run(CONFIG, "ada")  # handed in before
    wait_for("word of it", lambda: "7 MB are free" in store.get_run(run.id).message)
    assert executor.started == []
    monkeypatch.setattr(folders, "free_bytes", lambda root: 10**12)
    assert started(executor, 1) == [run.id]


def test_runs_that_take_too_much(store: RunStore, make_queue: MakeQueue) -> None:
    queue = make_queue(FakeExecutor(), Limits(free_disk_mb=0, disk_mb=1))
    folder = store.folder_of(1).snapshots
    folder.mkdir(parents=True)
    (folder / "epoch-000.safetensors").write_bytes(bytes(2 * 10**6))
    with pytest.raises(RunError, match=r"the runs take \d MB, and this server keeps 1: delete"):
        queue.submit(CONFIG, "ada")


# ------------------------------------------------------------------------ several queues, and ends


def test_one_of_two_queues_schedules(store: RunStore, root: Path, make_queue: MakeQueue) -> None:
    first, second = FakeExecutor(), FakeExecutor()
    queue = make_queue(first)
    wait_for("the first to schedule", lambda: queue.is_scheduling)
    with RunStore(root) as other_store:
        other = RunQueue(other_store, second, FREE, tick_s=0.01)
        try:
            handed_in = other.submit(CONFIG, "ada")
            assert started(first, 1) == [handed_in.id]
            assert not other.is_scheduling
            assert store.scheduler() is not None
            other.stop(handed_in.id)  # reaches the worker all the same
            assert len(Attempt(store, handed_in.id, 1).commands_after(0)) == 1
            queue.close()
            wait_for("the second to take over", lambda: other.is_scheduling)
            assert other.submit(CONFIG, "ada").id in started(second, 1)
        finally:
            other.close()
    assert store.scheduler() is None


def test_close_stops_the_workers_and_keeps_the_queue(
    store: RunStore, make_queue: MakeQueue
) -> None:
    executor = FakeExecutor()
    queue = make_queue(executor)
    first, second = (queue.submit(CONFIG, "ada").id for _ in range(2))
    started(executor, 1)
    has_status(store, first, "running")
    queue.close()
    queue.close()  # once more does no harm
    assert executor.stopped == [handle(first)]
    assert store.get_run(first).status == "interrupted"
    assert store.get_run(second).status == "waiting"
    again = FakeExecutor()
    make_queue(again)
    assert started(again, 1) == [second]


def test_the_lock_is_of_one(tmp_path: Path) -> None:
    first, second = ProcessLock(tmp_path / "lock"), ProcessLock(tmp_path / "lock")
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    assert not second.held
    first.release()
    assert second.acquire()
    second.release()
    with pytest.raises(RunError, match="cannot be used"):
        ProcessLock(tmp_path / "nowhere" / "lock").acquire()
