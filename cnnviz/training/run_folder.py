"""The folder of one training, whether the shell or a worker of `cnnviz.runs` trains.

FOLDER/state.safetensors                to go on from; the newest only
FOLDER/snapshots/epoch-001.safetensors  the network at the end of each epoch; 000: before training

The shell has no store, and keeps beside them what a store would know of the run:

FOLDER/run.json                         the configuration, and what becomes of the network
FOLDER/records.jsonl                    one record a line

A worker keeps what it printed, in FOLDER/log.txt. Nothing here imports torch.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cnnviz.atomic_files import write_atomically
from cnnviz.errors import CheckpointError
from cnnviz.training.config import TrainingConfig
from cnnviz.training.records import (
    EpochRecord,
    Record,
    StartRecord,
    StepRecord,
    from_json,
    to_json,
)

if TYPE_CHECKING:
    from cnnviz.training.snapshot import Snapshot
    from cnnviz.training.state import Progress, TrainingState

_SNAPSHOT: Final = re.compile(r"epoch-(\d{3,})\.safetensors")
_HALF_WRITTEN: Final = re.compile(r"\..+\.safetensors-.*")


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a training is for: its configuration, and what becomes of the network."""

    config: TrainingConfig
    name: str
    """Of the checkpoint."""
    out: str
    """The folder for the checkpoint, relative to the project if it lies there."""
    half: bool
    """Whether its weights are stored in half precision."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run; it need not exist."""

    path: Path

    @property
    def state(self) -> Path:
        """The file of the `TrainingState` that was kept last."""
        return self.path / "state.safetensors"

    @property
    def snapshots(self) -> Path:
        """The folder of the `Snapshot`s."""
        return self.path / "snapshots"

    @property
    def log(self) -> Path:
        """What the worker printed."""
        return self.path / "log.txt"

    def bytes(self) -> int:
        """Size of its files."""
        return sum(file_sizes(self.path))

    # ---------------------------------------------------------------------- states and snapshots

    def snapshot(self, epoch: int) -> Path:
        """The file of the snapshot after that many epochs; 0 is the network before training."""
        return self.snapshots / f"epoch-{epoch:03}.safetensors"

    def snapshot_epochs(self) -> list[int]:
        """The epochs of which there are snapshots, in order."""
        found = (_SNAPSHOT.fullmatch(name) for name in names_in(self.snapshots))
        return sorted(int(match[1]) for match in found if match)

    def save_state(self, state: TrainingState) -> None:
        """Replaces the state."""
        state.save(self.state)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Adds a snapshot, or replaces the one of its epoch."""
        snapshot.save(self.snapshot(snapshot.epoch))

    def remove_after(self, epoch: int) -> None:
        """Removes those of later epochs, and what a killed process left half-written."""
        for later in self.snapshot_epochs():
            if later > epoch:
                self.snapshot(later).unlink(missing_ok=True)
        for folder in (self.path, self.snapshots):
            for name in names_in(folder):
                if _HALF_WRITTEN.fullmatch(name):
                    (folder / name).unlink(missing_ok=True)

    def thin_snapshots(self, most_bytes: int) -> None:
        """Keeps every second, every fourth ... and the last, until they are small enough.

        Once it kept only every second, it goes on so: the first two of them say how far apart.
        """
        epochs = self.snapshot_epochs()
        if len(epochs) < 3:
            return
        first, stride, last = epochs[0], epochs[1] - epochs[0], epochs[-1]
        while True:
            kept = [epoch for epoch in epochs if (epoch - first) % stride == 0 or epoch == last]
            if len(kept) <= 2 or self._bytes_of(kept) <= most_bytes:
                break
            stride *= 2
        for epoch in set(epochs) - set(kept):
            self.snapshot(epoch).unlink(missing_ok=True)

    def _bytes_of(self, epochs: list[int]) -> int:
        return sum(self.snapshot(epoch).stat().st_size for epoch in epochs)

    # ------------------------------------------------------------------- what the shell keeps

    @property
    def plan_file(self) -> Path:
        """What the training is for."""
        return self.path / "run.json"

    @property
    def records_file(self) -> Path:
        """What it told."""
        return self.path / "records.jsonl"

    def refuse_unfinished(self) -> None:
        """CheckpointError if a training lies here that could go on."""
        if self.state.exists():
            raise CheckpointError(
                f"{self.path} holds a training that has not ended: go on with it by "
                f"--resume {self.path}, remove the folder, or name another by --run"
            )

    def begin(self, plan: RunPlan) -> None:
        """Makes the folder anew; what lay there of a training that has ended is removed."""
        shutil.rmtree(self.path, ignore_errors=True)
        content = {**asdict(plan), "config": plan.config.to_json()}
        write_atomically(self.plan_file, (json.dumps(content, indent=1) + "\n").encode())

    def go_on_from(self, progress: Progress) -> None:
        """Drops records and snapshots of what will be done again when that state goes on."""

        def stays(record: Record) -> bool:
            if isinstance(record, StepRecord):
                return record.step <= progress.step
            if isinstance(record, EpochRecord):
                return record.epoch <= progress.epochs_done
            return isinstance(record, StartRecord)

        kept = [json.dumps(to_json(record)) + "\n" for record in self.records() if stays(record)]
        write_atomically(self.records_file, "".join(kept).encode())
        self.remove_after(progress.epochs_done)

    def finish(self) -> None:
        """Removes the state: nothing goes on from here. Records and snapshots stay."""
        self.state.unlink(missing_ok=True)

    def plan(self) -> RunPlan:
        """What the training is for; CheckpointError if there is none that makes sense."""
        try:
            content = json.loads(self.plan_file.read_bytes())
            config = TrainingConfig.from_json(content.pop("config"))
            plan = RunPlan(config=config, **content)
            if not isinstance(plan.name, str) or not isinstance(plan.out, str):
                raise TypeError("name and out are no texts")
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise CheckpointError(f"{self.plan_file} is no plan of a training ({error})") from None
        return plan

    def append(self, record: Record) -> None:
        """Adds a record."""
        with open(self.records_file, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(to_json(record)) + "\n")

    def records(self) -> Iterator[Record]:
        """All records; a last line that was cut short is left out."""
        try:
            text = self.records_file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        for line in text.splitlines(keepends=True):
            if line.endswith("\n"):
                yield from_json(json.loads(line))


def names_in(folder: Path) -> list[str]:
    """What lies in a folder; nothing if it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def file_sizes(root: Path) -> Iterator[int]:
    """Of all files below a folder, in bytes."""
    for folder, _, names in os.walk(root):
        for name in names:
            with suppress(OSError):  # removed meanwhile
                yield os.lstat(os.path.join(folder, name)).st_size
