"""Processes of this machine: whether they live, how they ended, which devices there are."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cnnviz.errors import RunError
from cnnviz.runs import local, processes
from cnnviz.runs.local import LocalExecutor, find_devices
from cnnviz.runs.processes import ProcessId, identify
from tests.runs.patience import wait_for


def test_a_process_is_itself() -> None:
    me = identify(os.getpid())
    assert me is not None
    assert me == identify(os.getpid())
    assert me.is_alive


def test_a_number_that_was_given_to_another() -> None:
    me = identify(os.getpid())
    assert me is not None
    assert not ProcessId(me.pid, me.started + "1").is_alive


@pytest.mark.skipif(os.name != "posix", reason="asks ps")
def test_ps_says_the_same_each_time() -> None:
    me = processes._by_ps(os.getpid())
    assert me is not None
    assert me == processes._by_ps(os.getpid())
    assert processes._by_ps(2**22 + 1) is None


def test_one_that_is_not_buried_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    known = identify(child.pid)
    assert known is not None
    assert known.is_alive
    child.communicate(b"\n")
    assert not known.is_alive
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    wait_for("it to end", lambda: identify(zombie.pid) is None)
    assert zombie.wait() == 0


@pytest.mark.parametrize(
    ("name", "crashed"),
    [("SIGKILL", False), ("SIGTERM", False), ("SIGSEGV", True), ("SIGABRT", True)],
)
def test_ends_by_signals(tmp_path: Path, name: str, crashed: bool) -> None:
    end = local._how(-getattr(signal, name), tmp_path / "log.txt")
    assert end.crashed == crashed
    assert name in end.message


def test_ends_by_exit_codes(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert local._how(0, log).crashed is False
    assert "No room is left" in local._how(local.NO_ROOM, log).message
    assert local._how(1, log).message == "Its worker failed with exit code 1"
    log.write_text("x" * 9000 + "\nModuleNotFoundError: No module named 'torch'\n\n")
    assert local._how(1, log).message.endswith("1: ModuleNotFoundError: No module named 'torch'")


def test_a_worker_without_a_store_fails_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "runs.sqlite").write_bytes(b"no database" * 1000)
    executor = LocalExecutor(devices=("cpu",), niceness=0)
    handle = executor.start(tmp_path, 1, 1, "cpu")
    end = wait_for("it to end", lambda: executor.poll(handle))
    assert end.crashed
    assert "runs.sqlite is damaged" in end.message
    assert executor.poll(handle) == end  # as often as it is asked
    executor.stop(handle)
    executor.kill(handle)


def test_a_worker_of_an_earlier_server(tmp_path: Path) -> None:
    executor = LocalExecutor(devices=("cpu",))
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    known = identify(child.pid)
    assert known is not None
    handle = json.dumps({"pid": known.pid, "started": known.started})
    another = json.dumps({"pid": known.pid, "started": "at another time"})
    assert executor.poll(handle) is None
    gone = executor.poll(another)
    assert gone is not None
    assert not gone.crashed
    executor.kill(another)  # not this one
    assert child.poll() is None
    executor.stop(handle)
    assert child.wait(60) == -signal.SIGTERM
    assert child.stdin is not None
    child.stdin.close()
    assert executor.poll(handle) is not None


def test_a_system_that_refuses(tmp_path: Path) -> None:
    (tmp_path / "run-000001").write_text("in the way")
    with pytest.raises(RunError, match=r"No worker could be started \("):
        LocalExecutor(devices=("cpu",)).start(tmp_path, 1, 1, "cpu")


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_torch_has_cuda", lambda: False)
    assert find_devices() == ("cpu",)
    monkeypatch.setattr(local, "_torch_has_cuda", lambda: True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, GPU-abc")
    assert find_devices() == ("cuda:0", "cuda:1")
    assert local._environment("cuda:1")["CUDA_VISIBLE_DEVICES"] == "GPU-abc"
    assert local._environment("cpu")["CUDA_VISIBLE_DEVICES"] == "2, GPU-abc"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert find_devices() == ("cpu",)


def test_devices_that_nvidia_smi_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\necho GPU-a\necho GPU-b\n")
    smi.chmod(0o755)
    monkeypatch.setattr(local, "_torch_has_cuda", lambda: True)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert find_devices() == ("cuda:0", "cuda:1")
    assert local._environment("cuda:1")["CUDA_VISIBLE_DEVICES"] == "GPU-b"
    smi.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    assert find_devices() == ("cpu",)


def test_torch_is_asked_without_being_imported() -> None:
    import torch

    assert local._torch_has_cuda() == (torch.version.cuda is not None)


def test_nothing_here_brings_torch(project: Path) -> None:
    modules = [f"cnnviz.runs.{file.stem}" for file in (project / "cnnviz" / "runs").glob("*.py")]
    imports = "\n".join(f"import {name}" for name in modules if not name.endswith("__init__"))
    code = (
        f"import sys\n{imports}\nassert not {{'torch', 'streamlit', 'plotly'}} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
