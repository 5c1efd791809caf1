"""Trainings to begin a lesson with: a name, a sentence, a configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cnnviz.training.config import TrainingConfig
from cnnviz.training.recipes import recipe


@dataclass(frozen=True, slots=True)
class Preset:
    """A training that is prepared."""

    key: str
    """In the URL."""
    name: str
    sentence: str
    config: TrainingConfig
    note: str = ""
    """What the sentence leaves out and a careful reader would ask."""
    checkpoint: str | None = None
    """The network that comes with cnnviz and was trained so; its card says how long that took."""
    pace: str | None = None
    """One of the same network that was trained otherwise; its card says how long an epoch took."""


_PRESETS: Final = (
    Preset(
        "minute",
        "One minute",
        "LeNet-5 on CIFAR-10, 12 epochs: enough to see it learn, and to see where it stops.",
        recipe("lenet5", "cifar10", epochs=12, label_smoothing=0.05),
        pace="lenet5-cifar10",
    ),
    Preset(
        "lenet-1998",
        "LeNet as in 1998",
        "LeNet-5 on MNIST as LeCun, Bottou, Bengio and Haffner trained it: 20 epochs of plain "
        "gradient descent, a learning rate that falls in steps, no augmentation.",
        TrainingConfig(
            model="lenet5",
            dataset="mnist",
            epochs=20,
            batch_size=8,
            learning_rate=0.05,
            momentum=0.0,
            weight_decay=0.0,
            schedule="step",
            warmup=0.0,
        ),
        note="As far as it goes: theirs has tanh where this has ReLU, radial basis functions where "
        "this has a linear layer with softmax, a step for each picture where this takes 8, a rate "
        "for each weight from its curvature where this has one for all, and no pictures held out.",
    ),
    Preset(
        "94-percent",
        "94 percent",
        "Fast CNN on CIFAR-10, 14 epochs, after Jordan 2024: 94 % of the test pictures right if "
        "each is judged together with its mirror image.",
        recipe("fast_cnn", "cifar10"),
        checkpoint="fast_cnn-cifar10",
    ),
    Preset(
        "norm",
        "Batch norm on",
        "Plain CNN on CIFAR-10 with batch normalization. Its twin is the next; start both and "
        "compare them.",
        recipe("plain_cnn", "cifar10", batch_norm=True),
        checkpoint="plain_cnn-norm-cifar10",
    ),
    Preset(
        "no-norm",
        "Batch norm off",
        "The same network from the same first weights, without batch normalization.",
        recipe("plain_cnn", "cifar10", batch_norm=False),
        checkpoint="plain_cnn-cifar10",
    ),
)

PRESETS: Final[dict[str, Preset]] = {preset.key: preset for preset in _PRESETS}
"""By key, in the order of a lesson."""
