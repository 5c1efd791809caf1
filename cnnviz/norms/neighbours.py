"""One picture in many batches, through a real network: train against eval."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cnnviz.data.progress import Progress, no_progress
from cnnviz.errors import SettingError
from cnnviz.norms.batch_effects import (
    BATCH_SIZES,
    BatchVerdict,
    Pictures,
    SizeSweep,
    check_batch_sizes,
    draw_neighbours,
    with_neighbours,
)
from cnnviz.norms.network_norms import normalized_batch, private_copy, run
from cnnviz.settings import whole_number
from cnnviz.training.pictures import Normalization


def judge_batch(network: nn.Module, images: Pictures, normalization: Normalization) -> BatchVerdict:
    """What the network says of each picture of one batch (N, H, W, C), in both modes.

    The network is not touched: neither its mode nor its running statistics. ShapeError for a batch
    of one where a map has a single value.
    """
    batch = normalized_batch(network, images, normalization)
    return BatchVerdict(
        train=_probabilities(private_copy(network, "train"), batch),
        evaluation=_probabilities(private_copy(network, "eval"), batch),
    )


def sweep_batch_sizes(
    network: nn.Module,
    picture: Pictures,
    pool: Pictures,
    pool_labels: npt.NDArray[np.int64],
    normalization: Normalization,
    *,
    batch_sizes: tuple[int, ...] = BATCH_SIZES,
    draws: int = 4,
    seed: int = 0,
    only: int | None = None,
    without: int | None = None,
    progress: Progress = no_progress,
) -> SizeSweep:
    """The picture (H, W, C) with neighbours that are drawn from a pool (N, H, W, C).

    only, without: as `draw_neighbours` takes them. Of each size there are several draws; the same
    seed gives the same neighbours.
    """
    sizes = check_batch_sizes(batch_sizes)
    draws = whole_number("draws", draws, least=1)
    training, evaluation = (private_copy(network, mode) for mode in ("train", "eval"))
    total, done = (draws + 1) * sum(sizes), 0
    train_rows, eval_rows = [], []
    for size in sizes:
        rows: list[npt.NDArray[np.float64]] = []
        for draw in range(draws):
            progress(f"Batches of {size}", done / total)
            if size == 1 and draw:  # no neighbours to be drawn anew
                rows.append(rows[0])
                continue
            chosen = draw_neighbours(
                pool_labels,
                size - 1,
                seed=_seed(seed, size, draw),
                only=only,
                without=without,
            )
            images = with_neighbours(picture, pool[chosen])
            batch = normalized_batch(network, images, normalization)
            rows.append(_probabilities(training, batch)[0])
            done += size
            if draw == 0:
                eval_rows.append(_probabilities(evaluation, batch)[0])
                done += size
        train_rows.append(rows)
    return SizeSweep(sizes, np.array(train_rows), np.array(eval_rows))


def _probabilities(network: nn.Module, batch: torch.Tensor) -> npt.NDArray[np.float64]:
    shares: npt.NDArray[np.float64] = run(network, batch).double().softmax(1).cpu().numpy()
    return shares


def _seed(seed: int, size: int, draw: int) -> int:
    if draw >= 1000:
        raise SettingError(f"draws is {draw + 1}: use 1000 or fewer")
    return (whole_number("seed", seed, least=0) * 1000 + size) * 1000 + draw
