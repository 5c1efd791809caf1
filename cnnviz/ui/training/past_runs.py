"""The runs that the time machine goes back in: those of the store, and those that ship."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from cnnviz.checkpoints.folders import SHIPPED
from cnnviz.data.catalogue import find_dataset
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import CnnvizError
from cnnviz.models.registry import find_model
from cnnviz.runs.reader import RunReader
from cnnviz.runs.run import Run
from cnnviz.training.config import TrainingConfig
from cnnviz.training.records import StartRecord
from cnnviz.training.run_folder import RunFolder
from cnnviz.ui.training.run_choice import run_title

_ENDING: Final = ".run"


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run of which there are snapshots, or will be."""

    key: str
    """In the URL: the number of a run of the store, the name of one that comes with cnnviz."""
    title: str
    config: TrainingConfig
    train_digest: str | None
    """None: it has not begun."""
    folder: Path
    run: Run | None
    """Of the store."""

    @classmethod
    def of(cls, run: Run, folder: Path) -> PastRun:
        """A run of the store, and its folder."""
        digest = run.start.train_digest if run.start else None
        return cls(str(run.id), run_title(run), run.config, digest, folder, run)

    def as_of(self, run: Run) -> PastRun:
        """The same, as the store has it now."""
        return PastRun.of(run, self.folder)

    def epochs(self) -> list[int]:
        """The epochs of which there are snapshots; some may be missing."""
        return RunFolder(self.folder).snapshot_epochs()

    def snapshot(self, epoch: int) -> Path:
        """The file of one."""
        return RunFolder(self.folder).snapshot(epoch)


def past_runs(reader: RunReader, runs: Sequence[Run]) -> dict[str, PastRun]:
    """Those of the store that have begun, newest first, and then the shipped ones; by their keys.

    runs: of the store.
    """
    begun = [
        PastRun.of(run, reader.folder_of(run.id).path)
        for run in runs
        if run.start is not None or run.is_open
    ]
    return {past.key: past for past in (*begun, *shipped_runs())}


@cache
def shipped_runs(folder: Path = PROJECT / SHIPPED) -> tuple[PastRun, ...]:
    """The runs that lie beside the checkpoints of a folder; what is damaged is left out."""
    found = []
    for path in sorted(folder.glob(f"*{_ENDING}")):
        try:
            config = RunFolder(path).plan().config
            start = next(iter(RunFolder(path).records()), None)
        except (CnnvizError, OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(start, StartRecord):
            name = path.name.removesuffix(_ENDING)
            network, dataset = find_model(config.model), find_dataset(config.dataset)
            title = f"comes with cnnviz · {network.title} on {dataset.title} · {name}"
            found.append(PastRun(name, title, config, start.train_digest, path, None))
    return tuple(found)
