"""The store: what is written is read, by any thread or process, and nothing else is."""

from __future__ import annotations

import math
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from cnnviz.errors import DiskFullError, RunError
from cnnviz.runs import folders, schema
from cnnviz.runs.attempt import Attempt, LostRunError
from cnnviz.runs.limits import Limits
from cnnviz.runs.run import Command, Run
from cnnviz.runs.store import RunStore
from cnnviz.training.config import TrainingConfig
from tests.runs.invented import CONFIG, epoch_record, event, start_record, step_record


def claimed(store: RunStore, owner: str = "ada") -> tuple[Run, Attempt]:
    """A run that a worker has."""
    store.create_run(CONFIG, owner)
    run = store.claim_next("fake", "cpu")
    assert run is not None
    return run, Attempt(store, run.id, run.attempt)


# ------------------------------------------------------------------------------------------- runs


def test_a_new_run_is_all_that_was_said(store: RunStore) -> None:
    config = TrainingConfig(model="plain_cnn", dataset="cifar10", flip="random", cutout=8)
    run = store.create_run(config, "ada", note="before\nand after")
    assert run == store.get_run(run.id)
    assert run.config == config
    assert (run.owner, run.name, run.note) == ("ada", "Plain CNN on CIFAR-10", "before\nand after")
    assert (run.status, run.position, run.attempt) == ("waiting", 1, 0)
    assert (run.step, run.epochs_done, run.start, run.handle) == (0, 0, None, None)
    assert run.is_open
    assert not run.is_active


def test_runs_are_listed_newest_first(store: RunStore) -> None:
    ids = [store.create_run(CONFIG, owner).id for owner in ("ada", "bob", "ada")]
    assert [run.id for run in store.list_runs()] == ids[::-1]
    assert [run.id for run in store.list_runs(owner="ada")] == [ids[2], ids[0]]
    assert store.list_runs(statuses=("finished",)) == []
    assert [run.id for run in store.waiting()] == ids


def test_places_in_the_queue_close_up(store: RunStore) -> None:
    ids = [store.create_run(CONFIG, "ada").id for _ in range(4)]
    versions = [store.version(run_id) for run_id in ids]
    store.send(ids[1], Command("stop"))
    assert store.claim_next("fake", "cpu") is not None
    places = {run.id: run.position for run in store.list_runs()}
    assert places == {ids[0]: None, ids[1]: None, ids[2]: 1, ids[3]: 2}
    # Whoever shows one of them is told to look again.
    assert all(store.version(run_id) > before for run_id, before in zip(ids, versions, strict=True))


def test_names_and_notes(store: RunStore) -> None:
    run = store.create_run(CONFIG, "ada", name="  my \n first  ")
    assert run.name == "my first"
    store.rename(run.id, "x" * 500)
    store.set_note(run.id, "why")
    changed = store.get_run(run.id)
    assert (changed.name, changed.note) == ("x" * 80, "why")
    assert changed.version > run.version
    for empty in (" \n ", "\u200b", "\u202e\ud800"):  # nothing that could be seen
        with pytest.raises(RunError, match="needs a name"):
            store.rename(run.id, empty)
    store.rename(run.id, "\u202eevil\x00 e\u0301 日本")
    assert store.get_run(run.id).name == "evil e\u0301 日本"
    with pytest.raises(RunError, match="needs an owner"):
        store.create_run(CONFIG, "")


@pytest.mark.parametrize(
    "ask",
    [
        lambda store: store.get_run(7),
        lambda store: store.records_since(7),
        lambda store: store.rename(7, "x"),
        lambda store: store.set_note(7, "x"),
        lambda store: store.delete(7),
        lambda store: store.requeue(7),
        lambda store: store.send(7, Command("stop")),
    ],
)
def test_a_run_that_is_not_there(store: RunStore, ask: object) -> None:
    assert callable(ask)
    with pytest.raises(RunError, match="there is no run 7: it may have been deleted"):
        ask(store)


def test_a_deleted_run_takes_everything_along(store: RunStore, root: Path) -> None:
    run, attempt = claimed(store)
    attempt.begin(start_record(), 0, event())
    attempt.add([step_record(1), epoch_record(1)])
    folder = store.folder_of(run.id)
    folder.snapshots.mkdir(parents=True)
    folder.snapshot(1).write_bytes(b"weights")
    with pytest.raises(RunError, match="is running: stop it first"):
        store.delete(run.id)
    attempt.end("finished", "Done.")
    store.delete(run.id)
    assert store.list_runs() == []
    assert not folder.path.exists()
    assert not [name for name in root.iterdir() if name.name.startswith(".")]
    with sqlite3.connect(store.file) as connection:
        for table in ("runs", "steps", "epochs", "events", "commands"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    connection.close()
    # Its number is never used again: an old link must not show another's run.
    assert store.create_run(CONFIG, "ada").id == run.id + 1


def test_limits_of_the_queue(store: RunStore) -> None:
    limits = Limits(open_per_owner=2, open_runs=3, kept_runs=5)
    first = store.create_run(CONFIG, "ada", limits=limits)
    store.create_run(CONFIG, "ada", limits=limits)
    with pytest.raises(RunError, match="you have 2 runs that wait or are trained"):
        store.create_run(CONFIG, "ada", limits=limits)
    store.create_run(CONFIG, "bob", limits=limits)
    with pytest.raises(RunError, match="the queue is full, with 3 runs"):
        store.create_run(CONFIG, "cyd", limits=limits)
    store.send(first.id, Command("stop"))
    store.create_run(CONFIG, "cyd", limits=limits)
    with pytest.raises(RunError, match="the queue is full, with 3 runs"):
        store.requeue(first.id, limits=limits)
    for run in store.waiting():
        store.send(run.id, Command("stop"))
    store.create_run(CONFIG, "ada", limits=limits)
    with pytest.raises(RunError, match="5 runs are kept, and this server keeps 5: delete one"):
        store.create_run(CONFIG, "bob", limits=limits)
    assert store.requeue(first.id, limits=limits).status == "waiting"


def test_two_that_ask_for_the_last_place_do_not_both_get_it(store: RunStore) -> None:
    limits = Limits(open_per_owner=1)

    def ask(_: int) -> bool:
        try:
            store.create_run(CONFIG, "ada", limits=limits)
        except RunError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(ask, range(32))) == 1


# ---------------------------------------------------------------------------------------- records


def test_records_are_told_once(store: RunStore) -> None:
    run, attempt = claimed(store)
    first = store.records_since(run.id)
    assert first.restarted
    assert (first.steps, first.epochs, first.events) == ((), (), ())
    attempt.begin(start_record(), 0, event())
    attempt.add([step_record(10), step_record(20, loss=0.5)])
    second = store.records_since(run.id, first.version)
    assert not second.restarted
    assert second.steps == (step_record(10), step_record(20, loss=0.5))
    assert second.events == (event(),)
    assert second.run.start == start_record()
    assert (second.run.step, second.run.fraction_done, second.run.remaining_s) == (20, 0.1, 18.0)
    attempt.add([step_record(50), epoch_record(1)])
    third = store.records_since(run.id, second.version)
    assert (third.steps, third.epochs) == ((step_record(50),), (epoch_record(1),))
    assert (third.run.epochs_done, third.run.validation_accuracy) == (1, 0.91)
    nothing = store.records_since(run.id, third.version)
    assert not nothing.restarted
    assert (nothing.steps, nothing.epochs, nothing.events) == ((), (), ())
    everything = store.records_since(run.id)
    assert [record.step for record in everything.steps] == [10, 20, 50]
    assert store.version(run.id) == third.version == store.version()
    assert store.version(99) == 0


def test_numbers_that_are_not_finite(store: RunStore) -> None:
    run, attempt = claimed(store)
    attempt.begin(start_record(), 0, event())
    attempt.add([step_record(1, loss=math.nan), step_record(2, loss=math.inf)])
    assert all(math.isnan(record.loss) for record in store.records_since(run.id).steps)


def test_a_sign_of_life_is_no_news(store: RunStore) -> None:
    run, attempt = claimed(store)
    attempt.beat()
    after = store.get_run(run.id)
    assert after.version == run.version
    assert after.heartbeat_s is not None
    assert run.heartbeat_s is not None
    assert after.heartbeat_s >= run.heartbeat_s


def test_what_is_done_again_replaces_what_was_known(store: RunStore) -> None:
    run, attempt = claimed(store)
    attempt.begin(start_record(), 0, event())
    attempt.add([step_record(40), step_record(50), epoch_record(1)])
    attempt.add([step_record(60, loss=9.0), step_record(70, loss=9.0)])
    seen = store.records_since(run.id)
    attempt.end("interrupted", "It was killed.")
    store.requeue(run.id)
    again = store.claim_next("fake", "cpu")
    assert again is not None
    assert again.attempt == 2
    successor = Attempt(store, run.id, 2)
    successor.begin(start_record(first_step=60), 1, event(60))
    news = store.records_since(run.id, seen.version)
    assert news.restarted
    assert [record.step for record in news.steps] == [40, 50, 60]
    assert news.epochs == (epoch_record(1),)
    assert [told.step for told in news.events] == [0, 60]
    assert (news.run.step, news.run.epochs_done, news.run.validation_accuracy) == (60, 1, 0.91)
    successor.add([step_record(70)])
    more = store.records_since(run.id, news.version)
    assert not more.restarted
    assert more.steps == (step_record(70),)


def test_a_run_that_begins_anew_forgets_all(store: RunStore) -> None:
    run, attempt = claimed(store)
    attempt.begin(start_record(), 0, event())
    attempt.add([step_record(40)])
    attempt.end("interrupted", "It was killed.")
    store.requeue(run.id)
    store.claim_next("fake", "cpu")
    Attempt(store, run.id, 2).begin(start_record(), 0, event())
    everything = store.records_since(run.id)
    assert everything.steps == ()
    assert everything.events == (event(),)


def test_a_run_that_goes_on_where_it_was_takes_nothing_back(store: RunStore) -> None:
    run, attempt = claimed(store)
    attempt.begin(start_record(), 0, event())
    attempt.add([step_record(40)])
    seen = store.records_since(run.id)
    attempt.end("stopped", "Stopped.")
    store.requeue(run.id)
    store.claim_next("fake", "cpu")
    Attempt(store, run.id, 2).begin(start_record(first_step=40), 0, event(40))
    news = store.records_since(run.id, seen.version)
    assert not news.restarted
    assert (news.steps, news.events) == ((), (event(40),))


# --------------------------------------------------------------------------------------- attempts


@pytest.mark.parametrize("how", ["ended", "resumed", "deleted"])
def test_a_worker_that_was_taken_for_dead_writes_nothing(store: RunStore, how: str) -> None:
    run, lost = claimed(store)
    lost.begin(start_record(), 0, event())
    store.end(run.id, run.attempt, "interrupted", "It was taken for dead.")
    if how == "resumed":
        store.requeue(run.id)
        store.claim_next("fake", "cpu")
    if how == "deleted":
        store.delete(run.id)
    before = store.version()
    for write in (
        lambda: lost.add([step_record(1)]),
        lambda: lost.say("still here"),
        lambda: lost.beat(),
        lambda: lost.begin(start_record(), 0, event()),
        lambda: lost.note(event(), "paused", "Paused."),
        lambda: lost.end("finished", "Done."),
        lambda: lost.commands_after(0),
        lambda: lost.forget_commands(9),
        lambda: lost.run(),
    ):
        with pytest.raises(LostRunError):
            write()
    assert store.version() == before


def test_only_the_last_attempt_can_be_ended(store: RunStore) -> None:
    run, _ = claimed(store)
    assert store.end(run.id, 1, "interrupted", "First.")
    assert not store.end(run.id, 1, "failed", "Second.")
    store.requeue(run.id)
    store.claim_next("fake", "cpu")
    assert not store.end(run.id, 1, "failed", "Third.")
    assert store.get_run(run.id).status == "running"


def test_commands_reach_the_worker_in_order(store: RunStore) -> None:
    run, attempt = claimed(store)
    store.send(run.id, Command("pause"))
    store.send(run.id, Command("change", 0.5, None))
    (first, pause), (second, change) = attempt.commands_after(0)
    assert (pause, change) == (Command("pause"), Command("change", 0.5, None))
    assert attempt.commands_after(second) == []
    attempt.forget_commands(first)
    assert attempt.commands_after(0) == [(second, change)]
    store.send(run.id, Command("stop", reason="Others wait."))
    assert store.stops_pending() == {run.id}
    attempt.end("stopped", "Stopped.")
    assert store.stops_pending() == set()
    with pytest.raises(RunError, match="is stopped: it can be told nothing any more"):
        store.send(run.id, Command("pause"))


def test_a_change_waits_for_the_worker(store: RunStore) -> None:
    run = store.create_run(CONFIG, "ada")
    store.send(run.id, Command("change", 0.5))
    store.claim_next("fake", "cpu")
    attempt = Attempt(store, run.id, 1)
    assert [command for _, command in attempt.commands_after(0)] == [Command("change", 0.5)]
    attempt.end("failed", "It diverged.")
    store.requeue(run.id, change=Command("change", 0.1))
    store.claim_next("fake", "cpu")
    found = Attempt(store, run.id, 2).commands_after(0)
    assert [command for _, command in found] == [Command("change", 0.1)]


@pytest.mark.parametrize("status", ["waiting", "running", "finished"])
def test_what_cannot_be_resumed(store: RunStore, status: str) -> None:
    run = store.create_run(CONFIG, "ada")
    if status != "waiting":
        store.claim_next("fake", "cpu")
    if status == "finished":
        store.end(run.id, 1, "finished", "Done.")
    with pytest.raises(RunError, match=f"is {status}: only a run that is stopped or interrupted"):
        store.requeue(run.id)


# --------------------------------------------------------------------------- threads and processes


def test_a_writer_and_readers_at_the_same_time(store: RunStore) -> None:
    run, attempt = claimed(store)
    attempt.begin(start_record(), 0, event())
    done = threading.Event()

    def watch(_: int) -> list[int]:
        seen: list[int] = []
        version = 0
        while True:
            last = done.is_set()
            news = store.records_since(run.id, version)
            seen += [record.step for record in news.steps]
            version = news.version
            if last:
                return seen

    with ThreadPoolExecutor(8) as threads:
        watchers = threads.map(watch, range(8))
        for step in range(1, 201):
            attempt.add([step_record(step)])
        done.set()
        assert all(seen == list(range(1, 201)) for seen in watchers)


def test_a_writer_in_another_process(store: RunStore, project: Path) -> None:
    run, attempt = claimed(store)
    attempt.begin(start_record(), 0, event())
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from cnnviz.runs.attempt import Attempt\n"
        "from cnnviz.runs.store import RunStore\n"
        "from tests.runs.invented import step_record\n"
        "with RunStore(Path(sys.argv[1])) as store:\n"
        "    attempt = Attempt(store, int(sys.argv[2]), 1)\n"
        "    for step in range(1, 101):\n"
        "        attempt.add([step_record(step)])\n"
        "    attempt.end('finished', 'Done.')\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(store.folder), str(run.id)], cwd=project
    )
    seen: list[int] = []
    version = 0
    while True:
        news = store.records_since(run.id, version)
        seen += [record.step for record in news.steps]
        version = news.version
        if news.run.status == "finished" or writer.poll() not in (None, 0):
            break
    assert writer.wait(60) == 0
    assert seen == list(range(1, 101))


def test_a_reader_never_waits_for_a_writer(root: Path) -> None:
    with RunStore(root, busy_s=0.05) as store:
        run = store.create_run(CONFIG, "ada")
        other = sqlite3.connect(store.file, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            other.execute("UPDATE runs SET name = 'half-written'")
            assert store.get_run(run.id) == run
            assert store.records_since(run.id).run == run
            with pytest.raises(RunError, match="in use by another process for long: try again"):
                store.rename(run.id, "x")
            other.execute("ROLLBACK")
        finally:
            other.close()
        store.rename(run.id, "x")


def test_four_processes_that_make_the_store_at_once(root: Path, project: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from cnnviz.runs.store import RunStore\n"
        "from tests.runs.invented import CONFIG\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "with RunStore(Path(sys.argv[1])) as store:\n"
        "    for _ in range(5):\n"
        "        store.create_run(CONFIG, 'ada')\n"
    )
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(root)],
            cwd=project,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for maker in makers:
        assert maker.stdout is not None
        assert maker.stdout.readline() == "ready\n"
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.write("\n")
        maker.stdin.flush()
    for maker in makers:
        maker.communicate(timeout=60)
        assert maker.returncode == 0
    with RunStore(root) as store:
        assert [run.position for run in store.waiting()] == list(range(1, 21))


# ------------------------------------------------------------------------------ what may be wrong


def test_a_store_of_the_future_is_refused(root: Path) -> None:
    RunStore(root).close()
    connection = sqlite3.connect(root / "runs.sqlite")
    connection.execute(f"PRAGMA user_version = {schema.SCHEMA + 1}")
    connection.close()
    with pytest.raises(RunError, match=r"tables of version 2, but .* knows version 1: update"):
        RunStore(root)


def test_a_database_of_something_else_is_refused_and_left_alone(root: Path) -> None:
    root.mkdir()
    connection = sqlite3.connect(root / "runs.sqlite")
    connection.execute("CREATE TABLE recipes (name)")
    connection.commit()
    connection.close()
    with pytest.raises(RunError, match="a database of something else"):
        RunStore(root)
    connection = sqlite3.connect(root / "runs.sqlite")
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("recipes",)]
    connection.close()


def test_a_damaged_store_is_named(root: Path) -> None:
    root.mkdir()
    (root / "runs.sqlite").write_bytes(b"not a database, but long enough to look like one" * 100)
    with pytest.raises(RunError, match=r"runs\.sqlite is damaged .* move it away"):
        RunStore(root)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(RunError, match=r"cannot be made for the runs .* CNNVIZ_RUNS"):
        RunStore(tmp_path / "runs")


def test_a_configuration_that_nobody_knows_any_more(
    store: RunStore, caplog: pytest.LogCaptureFixture
) -> None:
    good, odd = store.create_run(CONFIG, "ada"), store.create_run(CONFIG, "ada")
    with store.connections.writing() as connection:
        connection.execute('UPDATE runs SET config = \'{"model": "x"}\' WHERE id = ?', (odd.id,))
    assert [run.id for run in store.list_runs()] == [good.id]
    assert [run.id for run in store.list_runs()] == [good.id]
    assert caplog.text.count("is left out") == 1  # and not at every look
    with pytest.raises(RunError, match=f"run {odd.id} is of another cnnviz"):
        store.get_run(odd.id)
    behind = store.create_run(CONFIG, "ada")
    claimed = [store.claim_next("fake", "cpu") for _ in range(3)]
    assert [run and run.id for run in claimed] == [good.id, None, behind.id]  # it holds up nobody
    store.delete(odd.id)
    assert {run.id for run in store.list_runs()} == {good.id, behind.id}


def test_a_store_that_was_closed(root: Path) -> None:
    store = RunStore(root)
    store.close()
    with pytest.raises(RunError, match="was closed by this process"):
        store.list_runs()


def test_a_full_disk_is_said_and_leaves_what_there_was(store: RunStore) -> None:
    run = store.create_run(CONFIG, "ada")
    with store.connections.lent() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    def write_on() -> None:
        for _ in range(100):
            store.create_run(CONFIG, "ada", note="x" * 2000)

    with pytest.raises(DiskFullError, match=r"The disk of .*runs is full: make room"):
        write_on()
    assert store.get_run(run.id).owner == "ada"


def test_a_run_can_be_deleted_from_a_full_disk(
    store: RunStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create_run(CONFIG, "ada")
    folders.keep_reserve(root)
    reserve, writing = root / "reserve", store.connections.writing

    def full_while_reserved() -> AbstractContextManager[sqlite3.Connection]:
        if reserve.exists():
            raise DiskFullError("The disk is full: make room on it")
        return writing()

    monkeypatch.setattr(store.connections, "writing", full_while_reserved)
    store.delete(run.id)
    assert store.list_runs() == []
    assert not reserve.exists()


def test_many_who_ask_at_once_leave_few_connections_open(store: RunStore) -> None:
    with ExitStack() as lent:
        for _ in range(30):
            lent.enter_context(store.connections.lent())
    assert len(store.connections._idle) == 8
    assert store.list_runs() == []
