"""LocalExecutor: each run in a process of this machine."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from cnnviz.data.datasets import PROJECT
from cnnviz.errors import RunError
from cnnviz.machine import usable_cores
from cnnviz.runs.executor import Ended
from cnnviz.runs.folders import folder_of
from cnnviz.runs.limits import Limits
from cnnviz.runs.permissions import PASSPHRASE
from cnnviz.runs.processes import ProcessId, identify

NAME: Final = "local"
CPU: Final = "cpu"
NO_ROOM: Final = 3
"""Exit code of a worker that could not even write how it ended."""

NICENESS: Final = 10
"""So that pages come first: with one thread and this, a slider of another viewer waits 46 ms at
most while a network trains; with two threads and none 109 ms."""

_FROM_OUTSIDE: Final = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
"""Signals by which people and systems end a process; all others are a fault in it."""
_VISIBLE: Final = "CUDA_VISIBLE_DEVICES"
_LAST_WORDS: Final = 4096


@dataclass(frozen=True, slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    log: Path


class LocalExecutor:
    """One run at a time on each CUDA GPU, else one on the processor.

    A worker is a fresh interpreter, `python -m cnnviz.runs.worker`, and not one of
    multiprocessing's: that would run the server's main script again, which under Streamlit is a
    page. It is in a session of its own, so that Ctrl-C in the terminal reaches only the server,
    which then asks it to leave. Its standard input is a pipe from the server: when that ends,
    because the server wants it or because the server is gone, the worker keeps its state and
    leaves. So it is never an orphan and never keeps a server from ending.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        devices: tuple[str, ...] | None = None,
        niceness: int = NICENESS,
    ) -> None:
        """devices: cpu or cuda:INDEX; found out unless given. niceness: below the server's own."""
        self.name = NAME
        self.devices = devices or find_devices()
        self._limits = limits or Limits()
        self._niceness = niceness
        self._lock = threading.Lock()
        self._workers: dict[str, _Worker] = {}

    def start(self, root: Path, run_id: int, attempt: int, device: str) -> str:
        """Starts a process; RunError if the system refuses."""
        log = folder_of(root, run_id).log
        command = [sys.executable, "-P", "-m", "cnnviz.runs.worker"]
        command += [str(root), str(run_id), str(attempt)]
        command += ["--threads", str(self._limits.threads or max(1, usable_cores() - 1))]
        command += ["--niceness", str(self._niceness)]
        command += ["--snapshots-mb", str(self._limits.snapshots_mb)]
        command += ["--step-records", str(self._limits.step_records)]
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as output:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=_environment(device),
                    start_new_session=True,
                )
        except OSError as error:
            raise RunError(f"No worker could be started ({error.strerror or error}).") from None
        known = identify(process.pid) or ProcessId(process.pid, "unknown")
        handle = json.dumps({"pid": known.pid, "started": known.started})
        with self._lock:
            self._workers[handle] = _Worker(process, log)
        return handle

    def poll(self, handle: str) -> Ended | None:
        """How it ended, from its exit code; of a process that is not ours only that it did."""
        with self._lock:
            worker = self._workers.get(handle)
        if worker is None:
            if _process(handle).is_alive:
                return None
            return Ended(False, "Its worker is gone: the server that had started it ended.")
        code = worker.process.poll()
        if code is None:
            return None
        _close_pipe(worker.process)
        return _how(code, worker.log)

    def stop(self, handle: str) -> None:
        """Ends the pipe to it; a process that is not ours gets SIGTERM."""
        with self._lock:
            worker = self._workers.get(handle)
        if worker is not None:
            _close_pipe(worker.process)
        else:
            _send(_process(handle), signal.SIGTERM)

    def kill(self, handle: str) -> None:
        """SIGKILL."""
        with self._lock:
            worker = self._workers.get(handle)
        if worker is not None:
            worker.process.kill()
        elif sys.platform != "win32":
            _send(_process(handle), signal.SIGKILL)


def find_devices() -> tuple[str, ...]:
    """cuda:0, cuda:1 ...: the GPUs that a worker could use; else cpu. Never imports torch."""
    visible = _visible_gpus()
    return tuple(f"cuda:{index}" for index in range(len(visible))) or (CPU,)


def _visible_gpus() -> list[str]:
    """The GPUs by what CUDA_VISIBLE_DEVICES would call them; none if torch could not use them."""
    if not _torch_has_cuda():
        return []
    if (named := os.environ.get(_VISIBLE)) is not None:
        return [name.strip() for name in named.split(",") if name.strip() not in ("", "-1")]
    command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return []
    lines = [line.strip() for line in answer.stdout.splitlines()]
    return [line for line in lines if line.startswith("GPU-")] if answer.returncode == 0 else []


def _torch_has_cuda() -> bool:
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    try:
        text = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return False
    return re.search(r"^cuda\b[^=\n]*=\s*['\"]", text, flags=re.MULTILINE) is not None


def _environment(device: str) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name != PASSPHRASE}
    paths = [str(PROJECT), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    if device.startswith("cuda:"):
        gpus, index = _visible_gpus(), int(device.removeprefix("cuda:"))
        # A worker sees its own GPU alone, as the first.
        environment[_VISIBLE] = gpus[index] if index < len(gpus) else str(index)
    return environment


def _process(handle: str) -> ProcessId:
    content = json.loads(handle)
    return ProcessId(int(content["pid"]), str(content["started"]))


def _send(process: ProcessId, number: signal.Signals) -> None:
    if process.is_alive:
        with suppress(OSError):
            os.kill(process.pid, number)


def _close_pipe(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()


def _how(code: int, log: Path) -> Ended:
    if code == 0:
        return Ended(False, "Its worker left.")
    if code == NO_ROOM:
        return Ended(True, f"No room is left in {log.parent.parent}: make room there, then resume.")
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        if name == "SIGKILL":
            return Ended(
                False,
                "Its worker was killed from outside (SIGKILL). If memory had run out, a smaller "
                "batch_size needs less.",
            )
        return Ended(name not in _FROM_OUTSIDE, f"Its worker was ended by {name}.")
    words = f": {last}" if (last := _last_line(log)) else ""
    return Ended(True, f"Its worker failed with exit code {code}{words}")


def _last_line(log: Path) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _LAST_WORDS))
            lines = stream.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")
