"""Pictures to logits: the one way in which a network is run over many pictures."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cnnviz.data.progress import Progress, no_progress
from cnnviz.errors import SettingError, ShapeError
from cnnviz.evaluation import TwoViews
from cnnviz.evaluation_mode import evaluation_mode
from cnnviz.settings import shown, whole_number
from cnnviz.training.device import Precision, autocast
from cnnviz.training.pictures import DeviceImages, Normalization

BATCH_SIZE: Final = 500


def run_network(
    network: nn.Module,
    images: DeviceImages,
    *,
    precision: Precision = "float32",
    batch_size: int = BATCH_SIZE,
    mirrored: bool = False,
    progress: Progress = no_progress,
) -> torch.Tensor:
    """Logits (N, classes), float32 on the device, in evaluation, of one view of each image.

    The network is on the device of the images. It is left in the mode that it was in.
    """
    parts = []
    with torch.no_grad(), evaluation_mode(network):
        for start in range(0, images.count, batch_size):
            progress("Predicting", start / images.count)
            indices = torch.arange(start, min(start + batch_size, images.count))
            flips = torch.ones(len(indices), dtype=torch.bool) if mirrored else None
            with autocast(images.device, precision):
                parts.append(network(images.batch(indices, flips=flips)).float())
    return torch.cat(parts)


def predict_logits(
    network: nn.Module,
    images: npt.NDArray[np.uint8],
    normalization: Normalization,
    *,
    precision: Precision = "float32",
    batch_size: int = BATCH_SIZE,
    mirrored: bool = False,
    progress: Progress = no_progress,
) -> npt.NDArray[np.float32]:
    """Logits (N, classes) of images (N, H, W, C), on the device that the network is on.

    mirrored: of the images with left and right exchanged.
    """
    on_device = _put_on_device(network, images, normalization, precision, batch_size)
    logits = run_network(
        network,
        on_device,
        precision=precision,
        batch_size=batch_size,
        mirrored=mirrored,
        progress=progress,
    )
    return logits.cpu().numpy()


def predict_two_views(
    network: nn.Module,
    images: npt.NDArray[np.uint8],
    normalization: Normalization,
    *,
    precision: Precision = "float32",
    batch_size: int = BATCH_SIZE,
    progress: Progress = no_progress,
) -> TwoViews:
    """Logits of images (N, H, W, C) as they are and mirrored; otherwise as `predict_logits`."""
    on_device = _put_on_device(network, images, normalization, precision, batch_size)

    def run(*, mirrored: bool) -> npt.NDArray[np.float32]:
        def tell(words: str, share: float) -> None:
            progress(words, (mirrored + share) / 2)

        return (
            run_network(
                network,
                on_device,
                precision=precision,
                batch_size=batch_size,
                mirrored=mirrored,
                progress=tell,
            )
            .cpu()
            .numpy()
        )

    return TwoViews(run(mirrored=False), run(mirrored=True))


def _put_on_device(
    network: nn.Module,
    images: npt.NDArray[np.uint8],
    normalization: Normalization,
    precision: Precision,
    batch_size: int,
) -> DeviceImages:
    if images.dtype != np.uint8 or images.ndim != 4 or len(images) == 0:
        raise ShapeError(
            f"images are {images.dtype} {images.shape}: use uint8 (N, H, W, C), at least one"
        )
    if len(normalization.mean) != images.shape[3]:
        raise ShapeError(
            f"images have {images.shape[3]} channels, the normalization has "
            f"{len(normalization.mean)}: use those of one data set"
        )
    whole_number("batch_size", batch_size, least=1)
    if precision not in ("float32", "bfloat16"):
        raise SettingError(f"precision is {shown(precision)}: use float32 or bfloat16")
    parameter = next(network.parameters(), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    no_labels = np.zeros(len(images), np.int64)
    return DeviceImages(images, no_labels, normalization, device)
