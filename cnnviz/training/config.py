"""TrainingConfig: everything that a training run depends on, checked when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, get_args

from cnnviz.data.catalogue import find_dataset
from cnnviz.errors import SettingError
from cnnviz.models.registry import ModelSpec, spec_for
from cnnviz.settings import shown, whole_number

OptimizerName = Literal["sgd", "adamw"]
ScheduleName = Literal["constant", "triangular", "cosine", "step"]
AveragingName = Literal["none", "lookahead"]
FlipName = Literal["none", "random", "alternating"]
DeviceName = Literal["auto", "cpu", "cuda", "mps"]
PrecisionName = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """One training run. Two runs of equal configurations on one machine give equal networks."""

    model: str
    dataset: str
    batch_norm: bool | None = None
    """None: as the network has it by its card."""
    dropout: float = 0.0
    """Probability that a value is zeroed, before each linear layer but the first of several."""
    network_text: str = ""
    """Of a pasted network (model "pasted"): nn.Sequential(...) or a class. It is read, each time
    anew and wherever it comes from, by `cnnviz.model_text`, and never executed."""

    epochs: int = 10
    batch_size: int = 256
    """Images in a step. What is left over at the end of an epoch is not used in it."""
    seed: int = 0
    """Weights, order, augmentation and dropout; not which images are held out."""
    validation_count: int = 5000
    """Images of the training split that are held out, the same share of each class."""

    optimizer: OptimizerName = "sgd"
    """sgd has Nesterov momentum; adamw is Loshchilov & Hutter 2019."""
    learning_rate: float = 0.1
    """The highest of the schedule, for the mean loss of a batch."""
    bias_learning_rate_factor: float = 1.0
    """Times `learning_rate`, for the biases of batch normalizations."""
    momentum: float = 0.9
    """sgd: share of the last step's direction that is kept (as PyTorch has it); adamw: beta 1."""
    weight_decay: float = 5e-4
    """Added to the gradient, as a share of the weight (adamw: taken off the weight directly).
    Divided by `bias_learning_rate_factor` where that applies, so that all shrink alike."""
    label_smoothing: float = 0.0
    """Share of the target that is spread over all classes (Szegedy et al. 2016)."""

    schedule: ScheduleName = "triangular"
    warmup: float = 0.2
    """Share of all steps in which the learning rate rises to its highest."""
    final_learning_rate: float = 0.0
    """Reached after the last step, as a share of the highest (triangular and cosine)."""
    averaging: AveragingName = "none"
    """lookahead: every five steps the weights return towards their running average (Zhang et al.
    2019, with a decay that rises to 0.95, Jordan 2024)."""

    flip: FlipName = "none"
    """Left and right. alternating: each image in every other epoch (Jordan 2024)."""
    shift: int = 0
    """Pixels, up to that many in each direction; the edge is filled by reflection."""
    rotation_deg: float = 0.0
    """Up to that many degrees in either direction."""
    scaling: float = 0.0
    """Larger or smaller by up to that share, for height and width each."""
    cutout: int = 0
    """Side of a square that is set to the mean, in pixels; 0 for none (DeVries & Taylor 2017)."""

    device: DeviceName = "auto"
    """auto: cuda, else mps, else cpu."""
    precision: PrecisionName = "auto"
    """bfloat16 is autocast; auto takes what was measured to be faster on this machine."""
    record_every: int = 0
    """Steps between two step records; 0: about forty an epoch."""

    def __post_init__(self) -> None:
        find_dataset(self.dataset)
        for name, least in (
            ("epochs", 1),
            ("batch_size", 2),  # batch normalization has no variance of one image's 1x1 map
            ("seed", 0),
            ("validation_count", 0),
            ("shift", 0),
            ("cutout", 0),
            ("record_every", 0),
        ):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), least=least))
        for name, low, high in (
            ("learning_rate", 0.0, 1000.0),
            ("bias_learning_rate_factor", 0.0, 1000.0),
            ("weight_decay", 0.0, 10.0),
            ("rotation_deg", 0.0, 180.0),
            ("final_learning_rate", 0.0, 1.0),
            ("warmup", 0.0, 1.0),
            ("label_smoothing", 0.0, 1.0),
        ):
            object.__setattr__(self, name, _number(name, getattr(self, name), low, high))
        for name in ("momentum", "scaling", "dropout"):
            share = _number(name, getattr(self, name), 0.0, 1.0, below_high=True)
            object.__setattr__(self, name, share)
        if self.bias_learning_rate_factor == 0:
            raise SettingError("bias_learning_rate_factor is 0: use a number above 0")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                given = shown(getattr(self, name))
                raise SettingError(f"{name} is {given}: use {' or '.join(choices)}")
        side = min(find_dataset(self.dataset).image_shape[:2])
        for name in ("shift", "cutout"):
            if getattr(self, name) >= side:
                raise SettingError(
                    f"{name} is {getattr(self, name)}: use less than the image's side, {side}"
                )
        # Refuses networks that do not exist or do not fit, and texts that are not read.
        object.__setattr__(self, "network_text", self.spec.text)

    @property
    def spec(self) -> ModelSpec:
        """The network of this run."""
        return spec_for(
            self.model,
            self.dataset,
            batch_norm=self.batch_norm,
            dropout=self.dropout,
            text=self.network_text,
        )

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON has them; the text of a network only where there is one."""
        content = asdict(self)
        if not self.network_text:
            del content["network_text"]
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> TrainingConfig:
        """The configuration that `to_json` gave; SettingError for a field that is not one."""
        if not isinstance(content, Mapping):
            raise SettingError(f"a training is {shown(content)}: use an object of settings")
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(content) - known):
            raise SettingError(f"a training has no setting {shown(unknown[0])}")
        for name in ("model", "dataset"):
            if name not in content:
                raise SettingError(f"a training needs {name}")
        return cls(**content)


CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "optimizer": get_args(OptimizerName),
    "schedule": get_args(ScheduleName),
    "averaging": get_args(AveragingName),
    "flip": get_args(FlipName),
    "device": get_args(DeviceName),
    "precision": get_args(PrecisionName),
}
"""The fields that have names for values, and these names."""


def _number(
    name: str, value: object, low: float, high: float, *, below_high: bool = False
) -> float:
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and low <= value  # neither nan nor infinity
        and (value < high if below_high else value <= high)
    ):
        return float(value)
    to = "to below" if below_high else "to"
    raise SettingError(f"{name} is {shown(value)}: use a number from {low:g} {to} {high:g}")
