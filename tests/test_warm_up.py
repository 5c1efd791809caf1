"""The warm-up: once, in the background, and never an exception."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cnnviz.ui import warm_up
from cnnviz.ui.warm_up import WarmUp

LIMIT_S = 10


def test_it_goes_through_its_states() -> None:
    entered, leave = threading.Event(), threading.Event()

    def load() -> None:
        entered.set()
        assert leave.wait(LIMIT_S)

    work = WarmUp(load, delay_s=0)
    assert work.status() == "waiting"
    work.start()
    assert entered.wait(LIMIT_S)
    assert work.status() == "loading"
    leave.set()
    assert work.wait(LIMIT_S)
    assert work.status() == "ready"


def test_start_returns_before_the_delay_is_over() -> None:
    loaded = threading.Event()
    work = WarmUp(loaded.set, delay_s=60)
    began = time.monotonic()
    work.start()
    assert time.monotonic() - began < 5
    assert work.status() == "waiting"
    assert not loaded.is_set()
    assert work.wait(LIMIT_S)  # does not wait for the delay


def test_many_threads_start_it_once() -> None:
    calls: list[int] = []
    work = WarmUp(lambda: calls.append(1), delay_s=0)
    together = threading.Barrier(16)

    def start() -> None:
        together.wait(LIMIT_S)
        work.start()

    threads = [threading.Thread(target=start) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    assert work.wait(LIMIT_S)
    work.start()
    assert calls == [1]


def raise_error(error: BaseException) -> Callable[[], None]:
    def load() -> None:
        raise error

    return load


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ModuleNotFoundError("No module named 'torch'"), "No module named 'torch'"),
        (OSError("libtorch.so:\n  cannot open"), "libtorch.so: cannot open"),
        (SystemExit(), "no reason given"),
    ],
)
def test_a_failure_is_kept_in_words(error: BaseException, status: str) -> None:
    work = WarmUp(raise_error(error), delay_s=0)
    assert not work.wait(LIMIT_S)
    assert work.status() == f"failed: {type(error).__name__}: {status}"


def test_wait_gives_up_after_its_time() -> None:
    leave = threading.Event()
    work = WarmUp(lambda: assert_true(leave.wait(LIMIT_S)), delay_s=0)
    assert not work.wait(0.01)
    leave.set()
    assert work.wait(LIMIT_S)


def assert_true(value: bool) -> None:
    assert value


def test_ready_needs_both_the_status_and_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_up, "_torch", WarmUp(lambda: None, delay_s=0))
    monkeypatch.setitem(sys.modules, "torch", sys)  # half-imported modules stand there too
    assert not warm_up.torch_is_ready()
    assert warm_up.wait_for_torch(LIMIT_S)
    assert warm_up.torch_is_ready()
    assert warm_up.status() == "ready"


OPEN_PAGE = """
import sys
from streamlit.testing.v1 import AppTest
from cnnviz.ui import warm_up

started = []
warm_up.start = lambda: started.append(1)
app = AppTest.from_file("app.py", default_timeout=60).run()
if sys.argv[1] != "home":
    app.switch_page(f"pages/{sys.argv[1]}.py").run()
assert not app.exception, app.exception
assert started, "the page did not start the warm-up"
heavy = {"torch", "torchvision", "captum", "matplotlib"} & set(sys.modules)
assert not heavy, f"opening the page imported {heavy}"
"""


@pytest.mark.parametrize("page", ["home", "convolution"])
def test_opening_a_page_imports_nothing_heavy(project: Path, page: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OPEN_PAGE, page], cwd=project, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


LOAD_TORCH = """
import gc, sys
from cnnviz.ui import warm_up

assert "torch" not in sys.modules
assert warm_up.status() == "waiting"
before = gc.get_freeze_count()
assert warm_up.wait_for_torch(120), warm_up.status()
assert warm_up.torch_is_ready()
assert gc.get_freeze_count() > before + 10_000
"""


def test_torch_is_imported_and_frozen(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD_TORCH], cwd=project, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_missing_torch_is_a_status(project: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from cnnviz.ui import warm_up\n"
        "assert not warm_up.wait_for_torch(60)\n"
        "assert not warm_up.torch_is_ready()\n"
        "assert warm_up.status().startswith('failed: ModuleNotFoundError'), warm_up.status()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
