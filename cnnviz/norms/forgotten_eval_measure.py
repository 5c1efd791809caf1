"""Measures what a forgotten `model.eval()` costs: a whole split in training mode, by batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cnnviz.data.canonical import Split
from cnnviz.data.progress import Progress, no_progress
from cnnviz.evaluation import Accuracy, Evaluation, evaluate
from cnnviz.norms.batch_effects import check_batch_sizes
from cnnviz.norms.forgotten_eval import ORDERS, ForgottenRow, Order
from cnnviz.norms.network_norms import private_copy, run
from cnnviz.settings import whole_number
from cnnviz.training.device import Precision, autocast
from cnnviz.training.pictures import DeviceImages, Normalization

MAX_BATCH: Final = 1024
_EVALUATION_BATCH: Final = 250


def measure_forgotten_eval(
    network: nn.Module,
    split: Split,
    normalization: Normalization,
    *,
    batch_sizes: Sequence[int],
    orders: Sequence[Order] = ORDERS,
    seed: int = 0,
    precision: Precision = "float32",
    progress: Progress = no_progress,
) -> Iterator[ForgottenRow]:
    """A row for each order and batch size, the largest batches first, as they are measured.

    The running statistics are not used, and those of the network do not change. A batch of one is
    refused by ShapeError if some map has a single value.
    """
    sizes = sorted(set(check_batch_sizes(tuple(batch_sizes), MAX_BATCH)), reverse=True)
    mine = private_copy(network, "train")
    images = _on_device(network, split, normalization)
    total = len(sizes) * len(orders)
    for number, (size, order) in enumerate((s, o) for s in sizes for o in orders):

        def tell(share: float, done: int = number, size: int = size, order: str = order) -> None:
            progress(f"Batches of {size}, {order} order", (done + share) / total)

        found = _run_in_order(
            mine, images, split, _order(order, len(split), seed), size, precision, tell
        )
        row = found.table.overall
        yield ForgottenRow(order, size, row, found.cross_entropy)


def measure_evaluation(
    network: nn.Module,
    split: Split,
    normalization: Normalization,
    *,
    precision: Precision = "float32",
    progress: Progress = no_progress,
) -> Accuracy:
    """The same split in evaluation."""
    images = _on_device(network, split, normalization)
    in_order = np.arange(len(split))

    def tell(share: float) -> None:
        progress("In evaluation", share)

    mine = private_copy(network, "eval")
    found = _run_in_order(mine, images, split, in_order, _EVALUATION_BATCH, precision, tell)
    return found.table.overall


def _on_device(network: nn.Module, split: Split, normalization: Normalization) -> DeviceImages:
    parameter = next(network.parameters(), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    return DeviceImages(np.asarray(split.images), split.labels, normalization, device)


def _order(order: Order, count: int, seed: int) -> npt.NDArray[np.int64]:
    if order == "canonical":
        return np.arange(count)
    return np.random.default_rng(whole_number("seed", seed, least=0)).permutation(count)


def _run_in_order(
    network: nn.Module,
    images: DeviceImages,
    split: Split,
    order: npt.NDArray[np.int64],
    batch_size: int,
    precision: Precision,
    tell: Callable[[float], None],
) -> Evaluation:
    """Judges the logits of all images, of each as its own batch has it."""
    parts = []
    for start in range(0, len(order), batch_size):
        tell(start / len(order))
        batch = images.batch(torch.from_numpy(order[start : start + batch_size]))
        with autocast(images.device, precision):
            parts.append(run(network, batch).float())
    logits = torch.cat(parts).cpu().numpy()  # (N, classes), in the order that was run
    return evaluate(logits, split.labels[order])
