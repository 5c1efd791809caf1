"""`python -m cnnviz evaluate`: how well a trained network does, class by class."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any, get_args

from cnnviz.checkpoints.accuracy_text import accuracy_text, percent
from cnnviz.checkpoints.card import CheckpointCard, load_card
from cnnviz.checkpoints.evaluation_pictures import find_test_pictures, why_not_here
from cnnviz.checkpoints.folders import (
    SHIPPED,
    TRAINED,
    CheckpointFile,
    checkpoint_folders,
    find_checkpoint,
    list_checkpoints,
)
from cnnviz.checkpoints.logits import load_logits, tables_of
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import CheckpointError
from cnnviz.evaluation import AccuracyTable, TwoViews, count_changed
from cnnviz.models.registry import find_model
from cnnviz.progress_line import ProgressLine
from cnnviz.training.config import DeviceName

if TYPE_CHECKING:
    from cnnviz.data.canonical import Split


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Adds `evaluate`."""
    parser = commands.add_parser(
        "evaluate",
        help="run a trained network over the test split",
        description="Runs a trained network over its test pictures, each as it is and mirrored, "
        "prints the accuracy class by class and compares it with the checkpoint's card. Where the "
        "pictures are not on this machine, the table is that of the stored logits.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"a checkpoint in {TRAINED}/ or {SHIPPED}/; the newest unless given",
    )
    parser.add_argument("--device", choices=get_args(DeviceName), default="auto")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument(
        "--from-logits", action="store_true", help="do not run the network: use the stored logits"
    )
    parser.set_defaults(run=_evaluate)


def _evaluate(arguments: argparse.Namespace) -> int:
    folders = checkpoint_folders(PROJECT)
    files = [find_checkpoint(name, folders) for name in arguments.names] or [_newest()]
    for number, file in enumerate(files):
        if number:
            print()
        _evaluate_one(file, arguments)
    return 0


def _evaluate_one(file: CheckpointFile, arguments: argparse.Namespace) -> None:
    card = load_card(file.folder, file.name)
    stored = load_logits(file.folder, card)
    title = find_model(card.spec.name).title
    print(f"{file.name}: {title} on {card.dataset.title}, {card.test_count:,} test pictures")
    if not card.is_of_complete_test:
        print(f"These are not the complete test split of {card.dataset.title}.")
    test = None
    if arguments.from_logits:
        print("From the stored logits; the network was not run.")
    else:
        with ProgressLine() as line:
            test = find_test_pictures(card, app_folder=PROJECT, progress=line.tell)
        if test is None:
            print(f"{why_not_here(card)} From the stored logits; the network was not run.")
    views = stored if test is None else _run(file, test, arguments)
    tables = tables_of(views, card)
    print(accuracy_text(card.dataset.class_names, *tables))
    print(_compare(card, tables, stored, views))


def _run(file: CheckpointFile, test: Split, arguments: argparse.Namespace) -> TwoViews:
    from cnnviz.checkpoints.store import load_checkpoint, predict_test
    from cnnviz.training.device import choose_device, device_name

    device = choose_device(arguments.device)
    network, card = load_checkpoint(file.folder, file.name, device)
    load_logits(file.folder, card, test=test)  # refuses other pictures
    start = time.perf_counter()
    with ProgressLine() as line:
        views = predict_test(network, card, test, precision=arguments.precision, progress=line.tell)
    seconds = time.perf_counter() - start
    print(f"Computed on {device_name(device)} in {arguments.precision}, in {seconds:.1f} s.")
    return views


def _compare(
    card: CheckpointCard, tables: tuple[AccuracyTable, ...], stored: TwoViews, views: TwoViews
) -> str:
    said = (card.single_view, card.with_flip)
    words = f"The card says {percent(said[0].overall)}, and {percent(said[1].overall)} with flip"
    if tables == said:
        return f"{words}: the same, in every class."
    changed = count_changed(stored, views)
    return (
        f"{words}: {changed.single_view:,} pictures were decided otherwise there, "
        f"{changed.with_flip:,} with flip."
    )


def _newest() -> CheckpointFile:
    folders = checkpoint_folders(PROJECT)
    files = list_checkpoints(*folders)
    dated = []
    for file in files:
        try:
            dated.append((load_card(file.folder, file.name).created_at, file.name, file))
        except CheckpointError:
            if len(files) == 1:
                raise
    if not dated:
        places = " or ".join(str(folder) for folder in folders)
        raise CheckpointError(
            f"there is no checkpoint in {places}: `python -m cnnviz train` makes one"
        )
    return max(dated)[2]
