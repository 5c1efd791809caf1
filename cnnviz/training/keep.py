"""A network that was trained, kept as a checkpoint: by the train command and from a page alike."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnnviz.data.canonical import Split
from cnnviz.data.datasets import load_split
from cnnviz.data.progress import Progress, no_progress
from cnnviz.training.config import TrainingConfig

if TYPE_CHECKING:
    from torch import nn

    from cnnviz.checkpoints.card import CheckpointCard, Hardware
    from cnnviz.training.pictures import Normalization


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How a network came about, beside its configuration."""

    normalization: Normalization
    train_digest: str
    command: str
    """The shell's line that trains it again."""
    epochs: int
    """That were done."""
    train_s: float
    hardware: Hardware


def keep_network(
    folder: Path,
    name: str,
    network: nn.Module,
    config: TrainingConfig,
    origin: Origin,
    *,
    half: bool,
    progress: Progress = no_progress,
) -> tuple[CheckpointCard, Split]:
    """Evaluates the test split, once, and writes the checkpoint; returns its card and that split.

    half: store the weights in half precision. Errors as `save_checkpoint` and `load_split` have
    them.
    """
    from cnnviz.checkpoints.store import save_checkpoint

    test = load_split(config.dataset, "test", progress=progress)
    card = save_checkpoint(
        folder,
        name,
        network,
        test,
        config=config,
        normalization=origin.normalization,
        train_digest=origin.train_digest,
        command=origin.command,
        epochs=origin.epochs,
        train_s=origin.train_s,
        hardware=origin.hardware,
        half=half,
        progress=progress,
    )
    return card, test
