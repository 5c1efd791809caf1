"""The pictures that a checkpoint's accuracies are of, if they are on this machine."""

from __future__ import annotations

from pathlib import Path

from cnnviz.checkpoints.card import CheckpointCard
from cnnviz.data.by_digest import find_by_digest
from cnnviz.data.canonical import Split
from cnnviz.data.datasets import PROJECT
from cnnviz.data.progress import Progress, no_progress


def find_test_pictures(
    card: CheckpointCard, *, app_folder: Path = PROJECT, progress: Progress = no_progress
) -> Split | None:
    """The test split with the card's digest, or None; CorruptDataError for one that is damaged.

    app_folder: as `load_split` takes it.
    """
    return find_by_digest(
        card.dataset.name, "test", card.test_digest, app_folder=app_folder, progress=progress
    )


def why_not_here(card: CheckpointCard) -> str:
    """A sentence for when they are not found; says what would do."""
    if card.is_of_complete_test:
        return (
            f"The test split of {card.dataset.title} is not on this machine; `python -m cnnviz "
            f"data fetch {card.dataset.name}` brings it."
        )
    return (
        f"Its {card.test_count:,} test pictures are not the test split of {card.dataset.title}, "
        "and not on this machine."
    )
