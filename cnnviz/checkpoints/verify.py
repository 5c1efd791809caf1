"""Whether a checkpoint holds what its card says."""

from __future__ import annotations

from typing import Final

from cnnviz.checkpoints.card import CheckpointCard, load_card
from cnnviz.checkpoints.folders import CheckpointFile, card_file
from cnnviz.checkpoints.logits import load_logits, tables_of
from cnnviz.checkpoints.store import load_checkpoint, predict_test
from cnnviz.checkpoints.weights import build_skeleton
from cnnviz.data.canonical import Split
from cnnviz.data.progress import Progress, no_progress
from cnnviz.errors import CheckpointError, NonFiniteError
from cnnviz.evaluation import Changed, count_changed
from cnnviz.layers import total_macs, total_parameters, trace_layers

MAX_CHANGED: Final = 0.001
"""Share of the pictures that another processor's rounding may decide otherwise."""


def verify_stored(file: CheckpointFile) -> CheckpointCard:
    """Checks digests, architecture, and that the card's tables are those of the stored logits.

    CheckpointError names what does not fit; else the card is returned.
    """
    card = load_card(file.folder, file.name)
    load_checkpoint(file.folder, file.name)
    traces = trace_layers(build_skeleton(card.spec), card.spec.input_shape)
    place = card_file(file.folder, file.name)
    for what, said, counted in (
        ("parameters", card.parameters, total_parameters(traces)),
        ("macs", card.macs, total_macs(traces)),
    ):
        if said != counted:
            raise CheckpointError(f"{place}: {what} is {said:,}, but the network has {counted:,}")
    single_view, with_flip = tables_of(load_logits(file.folder, card), card)
    for name, said_table, table in (
        ("single_view", card.single_view, single_view),
        ("with_flip", card.with_flip, with_flip),
    ):
        if said_table != table:
            raise CheckpointError(
                f"{place}: {name} has {said_table.overall.correct:,} right, by the stored logits "
                f"it is {table.overall.correct:,}, or they are of other classes"
            )
    return card


def verify_on_pictures(
    file: CheckpointFile, test: Split, *, progress: Progress = no_progress
) -> Changed:
    """Runs the network over its test pictures, on the CPU in float32, and compares the decisions.

    CheckpointError if more are decided otherwise than rounding explains.
    """
    network, card = load_checkpoint(file.folder, file.name)
    stored = load_logits(file.folder, card, test=test)
    fresh = predict_test(network, card, test, progress=progress)
    try:
        tables_of(fresh, card)
    except NonFiniteError as error:
        raise CheckpointError(f"{file.name}: {error}") from None
    changed = count_changed(stored, fresh)
    if changed.most > MAX_CHANGED * changed.count:
        raise CheckpointError(
            f"{file.name} decides {changed.single_view:,} of {changed.count:,} pictures otherwise "
            f"than its stored logits, {changed.with_flip:,} with test-time flip; rounding explains "
            f"no more than {MAX_CHANGED:.1%}. The weights and the logits are not of one network"
        )
    return changed
