"""Images on the device: normalized, flipped, shifted and turned, a batch at a time.

Whole batches are gathered by index arithmetic; there is no loop over images. All random numbers
come from a CPU generator that the caller seeds, so that a batch is the same on every device.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from cnnviz.training.config import TrainingConfig
from cnnviz.training.held_out import hold_out as hold_out


@dataclass(frozen=True, slots=True)
class Normalization:
    """Mean and standard deviation of each channel, of pixels from 0 to 1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


def measure_normalization(images: npt.NDArray[np.uint8]) -> Normalization:
    """Of images (N, H, W, C); exact, from the counts of the 256 values of a pixel.

    No standard deviation is less than one grey level, so that a channel may be constant.
    """
    levels = np.arange(256) / 255
    means, stds = [], []
    for channel in range(images.shape[-1]):
        counts = np.bincount(images[..., channel].reshape(-1), minlength=256)
        share = counts / counts.sum()
        mean = float((share * levels).sum())
        means.append(mean)
        stds.append(max(float((share * (levels - mean) ** 2).sum()) ** 0.5, 1 / 255))
    return Normalization(tuple(means), tuple(stds))


class DeviceImages:
    """Images (N, H, W, C) and labels (N,) that stay on a device as bytes."""

    def __init__(
        self,
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.int64],
        normalization: Normalization,
        device: torch.device,
        *,
        margin: int = 0,
    ) -> None:
        """margin: pixels by which a batch may be shifted; filled by reflection."""
        count, self.height, self.width, self.channels = images.shape
        self._margin = margin
        if margin:
            sides = ((0, 0), (margin, margin), (margin, margin), (0, 0))
            images = np.pad(images, sides, mode="reflect")
        self._pixels = (
            torch.tensor(np.ascontiguousarray(images)).to(device).view(-1, self.channels)
        )  # (N * padded H * padded W, C)
        self.labels = torch.tensor(labels).to(device)  # (N,)
        self.count = count
        self.device = device
        self._mean = torch.tensor(normalization.mean, device=device).view(1, -1, 1, 1)
        self._std = torch.tensor(normalization.std, device=device).view(1, -1, 1, 1)

    def batch(
        self,
        indices: torch.Tensor,
        *,
        shifts: torch.Tensor | None = None,
        flips: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Normalized images (B, C, H, W), float32 in channels_last.

        indices: int64 (B,). shifts: int64 (B, 2), rows and columns from -margin to margin. flips:
        bool (B,), which images to mirror. All on the CPU.
        """
        rows = torch.arange(self.height).expand(len(indices), -1)  # (B, H)
        columns = torch.arange(self.width).expand(len(indices), -1)  # (B, W)
        if flips is not None:
            columns = torch.where(flips[:, None], self.width - 1 - columns, columns)
        if shifts is not None:
            rows, columns = rows + shifts[:, :1], columns + shifts[:, 1:]
        padded_height, padded_width = self.height + 2 * self._margin, self.width + 2 * self._margin
        rows = indices[:, None] * padded_height + rows + self._margin
        rows, columns = rows.to(self.device), (columns + self._margin).to(self.device)
        places = rows[:, :, None] * padded_width + columns[:, None, :]  # (B, H, W)
        pixels = self._pixels.index_select(0, places.view(-1))
        images = pixels.view(len(indices), self.height, self.width, self.channels)
        images = images.permute(0, 3, 1, 2).float()  # (B, C, H, W), channels_last in memory
        return images.div_(255).sub_(self._mean).div_(self._std)


class Augmentation:
    """Draws the random changes of a batch and applies them. Validation and test use none."""

    def __init__(self, config: TrainingConfig, count: int, generator: torch.Generator) -> None:
        """count: training images. generator: draws which of them start mirrored."""
        self._config = config
        self._starts_mirrored = torch.rand(count, generator=generator) < 0.5

    def batch(
        self, images: DeviceImages, indices: torch.Tensor, epoch: int, generator: torch.Generator
    ) -> torch.Tensor:
        """A batch as it is trained on, float32 (B, C, H, W); epoch counts from 0."""
        config, count = self._config, len(indices)
        flips = shifts = None
        if config.flip == "random":
            flips = torch.rand(count, generator=generator) < 0.5
        elif config.flip == "alternating":
            flips = self._starts_mirrored[indices] ^ (epoch % 2 == 1)
        if config.shift:
            size = (count, 2)
            shifts = torch.randint(-config.shift, config.shift + 1, size, generator=generator)
        batch = images.batch(indices, shifts=shifts, flips=flips)
        if config.rotation_deg or config.scaling:
            batch = _turn(batch, config.rotation_deg, config.scaling, generator)
        if config.cutout:
            _cut_out(batch, config.cutout, generator)
        return batch


def _turn(
    batch: torch.Tensor, rotation_deg: float, scaling: float, generator: torch.Generator
) -> torch.Tensor:
    """Rotates and scales each image about its centre, bilinearly; outside lies the edge's pixel."""
    count, _, height, width = batch.shape
    angles = torch.deg2rad((2 * torch.rand(count, generator=generator) - 1) * rotation_deg)
    scales = 1 + (2 * torch.rand(count, 2, generator=generator) - 1) * scaling
    cosines, sines = angles.cos(), angles.sin()
    # Coordinates run from -1 to 1 along either side, hence the ratios of an oblong image.
    matrices = torch.zeros(count, 2, 3)
    matrices[:, 0, 0] = cosines / scales[:, 1]
    matrices[:, 0, 1] = -sines * (height / width) / scales[:, 1]
    matrices[:, 1, 0] = sines * (width / height) / scales[:, 0]
    matrices[:, 1, 1] = cosines / scales[:, 0]
    size = list(batch.shape)
    grid = F.affine_grid(matrices.to(batch.device), size, align_corners=False)
    turned = F.grid_sample(batch, grid, padding_mode="border", align_corners=False)
    return turned.contiguous(memory_format=torch.channels_last)


def _cut_out(batch: torch.Tensor, side: int, generator: torch.Generator) -> None:
    """Sets a square of each image to the mean, which is 0; its centre may lie anywhere."""
    count, _, height, width = batch.shape
    centres = torch.rand(count, 2, generator=generator) * torch.tensor([height, width])
    tops = (centres[:, 0] - side / 2).round()[:, None]
    lefts = (centres[:, 1] - side / 2).round()[:, None]
    rows, columns = torch.arange(height), torch.arange(width)
    in_rows = (rows >= tops) & (rows < tops + side)  # (B, H)
    in_columns = (columns >= lefts) & (columns < lefts + side)  # (B, W)
    hidden = in_rows[:, None, :, None] & in_columns[:, None, None, :]  # (B, 1, H, W)
    batch.masked_fill_(hidden.to(batch.device), 0)
