"""The networks that cnnviz knows, as cards, and `build_model`, which makes one of them.

The cards are facts only: torch is imported when a network is built.
"""

from __future__ import annotations

import importlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from cnnviz.data.catalogue import DATASETS, DatasetName, find_dataset
from cnnviz.errors import SettingError
from cnnviz.model_text.blueprint import read_network
from cnnviz.settings import shown, whole_number

if TYPE_CHECKING:
    from torch import nn

ModelName = Literal["lenet5", "improved_lenet", "vgg16", "plain_cnn", "fast_cnn", "pasted"]


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a network before one is built."""

    name: ModelName
    title: str
    summary: str
    paper: str
    datasets: tuple[DatasetName, ...]
    """The data sets that it is trained on here."""
    batch_norm: bool
    """Whether it has batch normalization unless told otherwise."""
    batch_norm_is_optional: bool
    builder: str
    """module:class or module:function, imported when a network is built."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """All that is needed to build a network again: its name, its input, its options."""

    name: ModelName
    channels: int
    height: int
    width: int
    classes: int
    batch_norm: bool
    dropout: float = 0.0
    """Probability that a value is zeroed while training, before each linear layer but the first of
    several."""
    text: str = ""
    """Of a pasted network; it is read by `cnnviz.model_text` and never executed."""

    def __post_init__(self) -> None:
        card = find_model(self.name)
        for field in ("channels", "height", "width", "classes"):
            whole_number(field, getattr(self, field), least=1)
        if not isinstance(self.batch_norm, bool):
            raise SettingError(f"batch_norm is {shown(self.batch_norm)}: use True or False")
        if not isinstance(self.text, str):
            raise SettingError(f"network_text is {shown(self.text)}: use text")
        if card is PASTED or self.text:
            self._check_text(card)
        elif self.batch_norm != card.batch_norm and not card.batch_norm_is_optional:
            raise SettingError(
                f"batch_norm is {self.batch_norm}: {card.title} is defined with "
                f"batch_norm {card.batch_norm}; use that, or another network"
            )
        if not (isinstance(self.dropout, int | float) and 0 <= self.dropout < 1):
            raise SettingError(f"dropout is {shown(self.dropout)}: use a number from 0 to below 1")

    def _check_text(self, card: ModelCard) -> None:
        if card is not PASTED:
            raise SettingError(
                f"network_text is {shown(self.text)}, but {card.title} is known without: leave it "
                "out, or use model pasted"
            )
        object.__setattr__(self, "text", read_network(self.text).text)
        if self.batch_norm != read_network(self.text).has_batch_norm:
            raise SettingError(
                f"batch_norm is {self.batch_norm}, but the text of the network says otherwise: "
                "change the text"
            )
        if self.dropout != 0:
            raise SettingError(
                f"dropout is {shown(self.dropout)}: write nn.Dropout({shown(self.dropout)}) into "
                "the text of the network"
            )

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON has them; the text only where there is one."""
        content = asdict(self)
        return content if self.text else {k: v for k, v in content.items() if k != "text"}

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W), as PyTorch writes it."""
        return self.channels, self.height, self.width


LENET5: Final = ModelCard(
    name="lenet5",
    title="LeNet-5",
    summary="Two convolutions with average pooling and three fully connected layers, with ReLU.",
    paper="LeCun, Bottou, Bengio, Haffner: Gradient-Based Learning Applied to Document "
    "Recognition, Proceedings of the IEEE 86 (11), 1998",
    datasets=("mnist", "cifar10"),
    batch_norm=False,
    batch_norm_is_optional=True,
    builder="cnnviz.models.lenet:LeNet5",
)

IMPROVED_LENET: Final = ModelCard(
    name="improved_lenet",
    title="ImprovedLeNet",
    summary="LeNet-5 with more filters, a smaller first kernel and max pooling.",
    paper="After LeCun et al. 1998; max pooling as in Krizhevsky, Sutskever, Hinton: ImageNet "
    "Classification with Deep Convolutional Neural Networks, NIPS 2012",
    datasets=("mnist", "cifar10"),
    batch_norm=False,
    batch_norm_is_optional=True,
    builder="cnnviz.models.lenet:ImprovedLeNet",
)

VGG16: Final = ModelCard(
    name="vgg16",
    title="VGG-16",
    summary="Thirteen 3x3 convolutions in five stages; at 32x32 with one linear layer as its head.",
    paper="Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image "
    "Recognition, ICLR 2015, arXiv:1409.1556, configuration D",
    datasets=("cifar10",),
    batch_norm=True,
    batch_norm_is_optional=True,
    builder="cnnviz.models.vgg:VGG16",
)

PLAIN_CNN: Final = ModelCard(
    name="plain_cnn",
    title="Plain CNN",
    summary="Six 3x3 convolutions without any shortcut, small enough to compare runs in minutes.",
    paper="In the manner of Simonyan, Zisserman 2015; for the comparison of Ioffe, Szegedy: Batch "
    "Normalization, ICML 2015, arXiv:1502.03167",
    datasets=("cifar10", "mnist"),
    batch_norm=True,
    batch_norm_is_optional=True,
    builder="cnnviz.models.plain:PlainCNN",
)

FAST_CNN: Final = ModelCard(
    name="fast_cnn",
    title="Fast CNN",
    summary="A whitening layer and six wide 3x3 convolutions: 94 % on CIFAR-10 in minutes.",
    paper="Jordan: 94% on CIFAR-10 in 3.29 Seconds on a Single GPU, 2024, arXiv:2404.00498; after "
    "Page: How to Train Your ResNet, 2018",
    datasets=("cifar10",),
    batch_norm=True,
    batch_norm_is_optional=False,
    builder="cnnviz.models.fast:FastCNN",
)

PASTED: Final = ModelCard(
    name="pasted",
    title="Pasted network",
    summary="A network as somebody typed it.",
    paper="",
    datasets=("mnist", "cifar10"),
    batch_norm=False,
    batch_norm_is_optional=False,
    builder="cnnviz.model_text.pasted:pasted_network",
)
"""Whatever its text says; whether it has batch normalization too."""

MODELS: Final[dict[ModelName, ModelCard]] = {
    card.name: card for card in (LENET5, IMPROVED_LENET, VGG16, PLAIN_CNN, FAST_CNN)
}
"""Those that are known by their name alone: all but the pasted one."""


def find_model(name: str) -> ModelCard:
    """The card of that name; SettingError that names the choices for any other."""
    for card in (*MODELS.values(), PASTED):
        if card.name == name:
            return card
    raise SettingError(f"model is {shown(name)}: use one of {', '.join(MODELS)}")


def spec_for(
    model: str,
    dataset: str,
    *,
    batch_norm: bool | None = None,
    dropout: float = 0.0,
    text: str = "",
) -> ModelSpec:
    """The spec of a network for a data set; batch_norm None leaves it as the card has it.

    text: of a pasted network, and of no other.
    """
    card, info = find_model(model), find_dataset(dataset)
    if info.name not in card.datasets:
        known = " or ".join(DATASETS[name].title for name in card.datasets)
        raise SettingError(f"{card.title} is not made for {info.title}: use {known}")
    usual = read_network(text).has_batch_norm if card is PASTED else card.batch_norm
    return ModelSpec(
        name=card.name,
        channels=info.channels,
        height=info.height,
        width=info.width,
        classes=len(info.class_names),
        batch_norm=usual if batch_norm is None else batch_norm,
        dropout=dropout,
        text=text,
    )


def build_model(spec: ModelSpec) -> nn.Module:
    """A network with fresh weights from torch's global random numbers: images in, logits out.

    It takes float images (N, C, H, W), normalized to mean 0 and standard deviation 1 for each
    channel, and returns logits (N, classes). SettingError if no such network fits the input.
    """
    module, _, name = find_model(spec.name).builder.partition(":")
    network: nn.Module = getattr(importlib.import_module(module), name)(spec)
    return network
