"""One training on disk: its configuration, its records, what it needs to go on, its snapshots.

FOLDER/run.json                         the configuration, and what becomes of the network
FOLDER/records.jsonl                    one record a line
FOLDER/state.safetensors                to go on from; the newest only
FOLDER/snapshots/epoch-001.safetensors  the network at the end of each epoch
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

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
from cnnviz.training.state import Progress, Snapshot, TrainingState, write_atomically

PLAN: Final = "run.json"


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
    """The folder of one training; nothing is written before `begin`."""

    folder: Path

    @property
    def state_file(self) -> Path:
        """Where the state lies, if there is one."""
        return self.folder / "state.safetensors"

    def snapshot_file(self, epoch: int) -> Path:
        """Where the snapshot after that many epochs lies."""
        return self.folder / "snapshots" / f"epoch-{epoch:03}.safetensors"

    def refuse_unfinished(self) -> None:
        """CheckpointError if a training lies here that could go on."""
        if self.state_file.exists():
            raise CheckpointError(
                f"{self.folder} holds a training that has not ended: go on with it by "
                f"--resume {self.folder}, remove the folder, or name another by --run"
            )

    def finish(self) -> None:
        """Removes the state: nothing goes on from here. Records and snapshots stay."""
        self.state_file.unlink(missing_ok=True)

    def begin(self, plan: RunPlan) -> None:
        """Makes the folder anew; what lay there of a training that has ended is removed."""
        shutil.rmtree(self.folder, ignore_errors=True)
        content = {**asdict(plan), "config": plan.config.to_json()}
        write_atomically(self.folder / PLAN, (json.dumps(content, indent=1) + "\n").encode())

    def plan(self) -> RunPlan:
        """What the training is for; CheckpointError if there is none that makes sense."""
        file = self.folder / PLAN
        try:
            content = json.loads(file.read_bytes())
            config = TrainingConfig.from_json(content.pop("config"))
            plan = RunPlan(config=config, **content)
            if not isinstance(plan.name, str) or not isinstance(plan.out, str):
                raise TypeError("name and out are no texts")
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise CheckpointError(f"{file} is no plan of a training ({error})") from None
        return plan

    def append(self, record: Record) -> None:
        """Adds a record."""
        with open(self.folder / "records.jsonl", "a", encoding="utf-8") as stream:
            stream.write(json.dumps(to_json(record)) + "\n")

    def records(self) -> Iterator[Record]:
        """All records; a last line that was cut short is left out."""
        try:
            text = (self.folder / "records.jsonl").read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        for line in text.splitlines(keepends=True):
            if line.endswith("\n"):
                yield from_json(json.loads(line))

    def forget_after(self, progress: Progress) -> None:
        """Drops the records of what will be done again when that state goes on."""

        def stays(record: Record) -> bool:
            if isinstance(record, StepRecord):
                return record.step <= progress.step
            if isinstance(record, EpochRecord):
                return record.epoch <= progress.epochs_done
            return isinstance(record, StartRecord)

        kept = [json.dumps(to_json(record)) + "\n" for record in self.records() if stays(record)]
        write_atomically(self.folder / "records.jsonl", "".join(kept).encode())

    def snapshots(self) -> list[Path]:
        """The files of all snapshots, by epoch."""
        return sorted((self.folder / "snapshots").glob("epoch-*.safetensors"))

    def save_state(self, state: TrainingState) -> None:
        """Replaces the state."""
        state.save(self.state_file)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Adds a snapshot."""
        snapshot.save(self.snapshot_file(snapshot.epoch))
