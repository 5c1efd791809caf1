"""Work that a page asks for: in order, one at a time, and what becomes of what fails."""

from __future__ import annotations

import threading
from typing import Any

from cnnviz.data.progress import Progress
from cnnviz.errors import CheckpointError
from cnnviz.ui.training.saving import Job, Jobs
from tests.runs.patience import wait_for


def ended(job: Job) -> Job:
    wait_for("a job to end", lambda: job.is_done)
    return job


def test_one_at_a_time_and_in_order() -> None:
    jobs, gate = Jobs(), threading.Event()
    together: list[int] = []
    most: list[int] = []

    def work(number: int) -> Any:
        def do(progress: Progress) -> int:
            together.append(number)
            most.append(len(together))
            gate.wait(60)
            progress("half", 0.5)
            together.remove(number)
            return number

        return do

    asked = [jobs.ask(number, work(number)) for number in range(4)]
    wait_for("the first to begin", lambda: together == [0])
    assert [jobs.before(job) for job in asked] == [0, 1, 2, 3]
    gate.set()
    assert [ended(job).result for job in asked] == [0, 1, 2, 3]
    assert most == [1, 1, 1, 1]
    assert (asked[0].words, asked[0].share) == ("half", 0.5)
    assert jobs.before(asked[3]) == 0


def test_what_fails_says_why_and_holds_nobody_up() -> None:
    jobs = Jobs()

    def refuse(_: Progress) -> None:
        raise CheckpointError("there is a checkpoint x already")

    def break_down(_: Progress) -> None:
        raise ZeroDivisionError("by zero")

    def fill(_: Progress) -> None:
        raise OSError(28, "No space left on device")

    asked = [jobs.ask(work.__name__, work) for work in (refuse, break_down, fill)]
    assert [ended(job).refusal for job in asked] == [
        "there is a checkpoint x already",
        "ZeroDivisionError: by zero",
        "A file cannot be used (No space left on device).",
    ]
    assert ended(jobs.ask("next", lambda _: 1)).result == 1


def test_what_is_asked_for_twice_is_done_once() -> None:
    jobs, gate = Jobs(), threading.Event()
    first = jobs.ask("x", lambda _: gate.wait(60))
    assert jobs.ask("x", lambda _: 2) is first
    assert jobs.find("x") is first
    assert jobs.find("y") is None
    gate.set()
    ended(first)
    again = jobs.ask("x", lambda _: 3)  # it has ended: this is another request
    assert again is not first
    assert ended(again).result == 3
