"""The statistics that one layer measures in batch after batch: what running statistics are fed."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from cnnviz.batchnorm import Statistics
from cnnviz.data.progress import Progress, no_progress
from cnnviz.errors import ShapeError
from cnnviz.norms.batch_effects import MAX_BATCH, Pictures, check_batch_sizes
from cnnviz.norms.network_norms import find_norm, normalized_batch, private_copy, run
from cnnviz.training.pictures import Normalization


def batch_series(
    network: nn.Module,
    images: Pictures,
    normalization: Normalization,
    layer: str,
    *,
    batch_size: int,
    progress: Progress = no_progress,
) -> tuple[Statistics, ...]:
    """Mean and variance of what goes into a normalization, of each batch of images (N, H, W, C).

    The network is in training, as it is when its running statistics are learned: those before the
    layer normalize by the batch too. Images that are left over are not used. Fed to
    `cnnviz.batchnorm.feed` they give what the layer's own statistics would have become. The network
    is not touched.
    """
    find_norm(network, layer)
    check_batch_sizes((batch_size,), MAX_BATCH)
    if len(images) < batch_size:
        raise ShapeError(
            f"there are {len(images)} images, less than a batch of {batch_size}: use more, or "
            "smaller batches"
        )
    mine = private_copy(network, "train")
    found: list[Statistics] = []

    def measure(module: nn.Module, inputs: Any) -> None:
        found.append(_statistics(inputs[0]))

    handle = mine.get_submodule(layer).register_forward_pre_hook(measure)
    try:
        last = len(images) - batch_size
        for start in range(0, last + 1, batch_size):
            progress("Measuring batches", start / (last + 1))
            batch = np.ascontiguousarray(images[start : start + batch_size])
            run(mine, normalized_batch(network, batch, normalization))
    finally:
        handle.remove()
    return tuple(found)


def _statistics(maps: torch.Tensor) -> Statistics:
    """Of each channel of (N, C, H, W), biased."""
    variance, mean = torch.var_mean(maps.detach().double(), dim=(0, 2, 3), correction=0)
    count = maps.numel() // maps.shape[1]
    return Statistics(mean.cpu().numpy(), variance.cpu().numpy(), count)
