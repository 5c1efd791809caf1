"""`python -m cnnviz checkpoints`: shows and verifies trained networks."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from cnnviz.checkpoints.accuracy_text import percent
from cnnviz.checkpoints.card import load_card
from cnnviz.checkpoints.evaluation_pictures import find_test_pictures, why_not_here
from cnnviz.checkpoints.folders import (
    SHIPPED,
    TRAINED,
    CheckpointFile,
    checkpoint_folders,
    find_checkpoint,
    list_checkpoints,
)
from cnnviz.data.datasets import PROJECT
from cnnviz.data.sizes import format_bytes
from cnnviz.errors import CheckpointError
from cnnviz.models.registry import find_model
from cnnviz.progress_line import ProgressLine


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Adds `checkpoints` and what it can do."""
    parser = commands.add_parser(
        "checkpoints",
        help="show and verify trained networks",
        description=f"The trained networks in {TRAINED}/ (yours) and {SHIPPED}/ (that come with "
        "cnnviz).",
    )
    parser.set_defaults(run=_show, names=[])
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    for name, run, words in (
        ("show", _show, "what there is (the same as `checkpoints` alone)"),
        (
            "verify",
            _verify,
            "compare files and accuracies with the cards; runs every network over its test "
            "pictures, if they are on this machine",
        ),
    ):
        action = actions.add_parser(name, help=words, description=words[0].upper() + words[1:])
        action.add_argument("names", nargs="*", metavar="NAME", help="all unless given")
        action.set_defaults(run=run)


def _show(arguments: argparse.Namespace) -> int:
    files = _chosen(arguments)
    head = ("name", "network", "data set", "one view", "with flip", "weights", "made")
    rows: list[tuple[str, ...]] = [head]
    failures = []
    for file in files:
        try:
            card = load_card(file.folder, file.name)
        except CheckpointError as error:
            failures.append(str(error))
            continue
        few = "" if card.is_of_complete_test else f" ({card.test_count:,})"
        rows.append(
            (
                card.name,
                find_model(card.spec.name).title,
                card.dataset.title + few,
                percent(card.single_view.overall),
                percent(card.with_flip.overall),
                format_bytes(file.bytes),
                card.created[:10],
            )
        )
    if len(rows) > 1:
        for line in _align(rows, right={3, 4, 5}):
            print(line)
        if any(row[2].endswith(")") for row in rows):
            print("In brackets: of so many test pictures, not of the complete test split.")
    return _end(failures, len(files))


def _verify(arguments: argparse.Namespace) -> int:
    files = _chosen(arguments)
    failures = []
    for file in files:
        try:
            print(f"{file.name}: {_verify_one(file)}", flush=True)
        except CheckpointError as error:
            failures.append(f"{file.name}: NOT AS ITS CARD SAYS. {error}")
    return _end(failures, len(files))


def _verify_one(file: CheckpointFile) -> str:
    from cnnviz.checkpoints.verify import verify_on_pictures, verify_stored

    card = verify_stored(file)
    accuracies = f"{percent(card.single_view.overall)}, {percent(card.with_flip.overall)} with flip"
    with ProgressLine() as line:
        test = find_test_pictures(card, app_folder=PROJECT, progress=line.tell)
        if test is None:
            return (
                f"files, network and the accuracies of the stored logits are as the card says "
                f"({accuracies}). {why_not_here(card)}"
            )
        changed = verify_on_pictures(file, test, progress=line.tell)
    return (
        f"as its card says ({accuracies}). Run over {changed.count:,} test pictures here: "
        f"{changed.single_view} decided otherwise, {changed.with_flip} with flip."
    )


def _chosen(arguments: argparse.Namespace) -> list[CheckpointFile]:
    folders = checkpoint_folders(PROJECT)
    if arguments.names:
        return [find_checkpoint(name, folders) for name in arguments.names]
    return list(list_checkpoints(*folders))


def _end(failures: list[str], count: int) -> int:
    for failure in failures:
        print(failure, file=sys.stderr)
    if failures:
        raise CheckpointError(f"{len(failures)} of {count} cannot be trusted; see above.")
    if not count:
        print(f"There are none in {TRAINED}/ or {SHIPPED}/. `python -m cnnviz train` makes one.")
    return 0


def _align(rows: list[tuple[str, ...]], right: set[int]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
