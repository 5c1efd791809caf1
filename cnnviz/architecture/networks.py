"""The networks that can be looked up: cnnviz's own, and torchvision's for classification."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from cnnviz.errors import SettingError
from cnnviz.models.registry import spec_for
from cnnviz.settings import shown

if TYPE_CHECKING:
    from torch import nn

Size = tuple[int, int, int]  # (C, H, W)
OWN: Final[Mapping[str, tuple[str, Size]]] = {
    "lenet5-mnist": ("LeNet-5, MNIST", (1, 28, 28)),
    "lenet5": ("LeNet-5, CIFAR-10", (3, 32, 32)),
    "improved_lenet-mnist": ("ImprovedLeNet, MNIST", (1, 28, 28)),
    "improved_lenet": ("ImprovedLeNet, CIFAR-10", (3, 32, 32)),
    "vgg16-cifar10": ("VGG-16, CIFAR-10", (3, 32, 32)),
    "plain_cnn": ("Plain CNN, CIFAR-10", (3, 32, 32)),
    "plain_cnn-norm": ("Plain CNN with batch norm, CIFAR-10", (3, 32, 32)),
    "fast_cnn": ("Fast CNN, CIFAR-10", (3, 32, 32)),
}
"""Name -> title and the picture that it is made for."""
TORCHVISION: Final = "tv:"
"""Begins the name of one of torchvision's."""
_INCEPTION_SIDE: Final = 299
"""What inception_v3 was made for (Szegedy et al. 2016); the others take 224."""
SIDES: Final = (8, 512)
"""Of a picture that may be asked for."""


@dataclass(frozen=True, slots=True)
class NetworkName:
    """One that can be looked up."""

    name: str
    title: str
    made_for: Size

    @property
    def takes_any_size(self) -> bool:
        """Whether pictures of other sizes may be tried: cnnviz's own are made for one."""
        return self.name.startswith(TORCHVISION)


@cache
def torchvision_names() -> tuple[str, ...]:
    """Torchvision's classification networks, by its own names. Imports torchvision."""
    from torchvision import models

    return tuple(sorted(models.list_models(module=models)))


def find_network(name: str) -> NetworkName:
    """SettingError that says what there is for any other name."""
    if name in OWN:
        return NetworkName(name, *OWN[name])
    wanted = name.removeprefix(TORCHVISION)
    if wanted in torchvision_names():
        side = _INCEPTION_SIDE if wanted == "inception_v3" else 224
        return NetworkName(f"{TORCHVISION}{wanted}", f"torchvision {wanted}", (3, side, side))
    near = [each for each in torchvision_names() if each.startswith(wanted[:3].lower())][:6]
    other = f" (there are {', '.join(near)})" if near else ""
    raise SettingError(
        f"{shown(wanted)} is no classification network of torchvision{other}: use a name of "
        "torchvision.models, such as resnet18"
    )


def build_without_numbers(name: str) -> nn.Module:
    """The network on the device "meta", in evaluation: shapes, and no weights."""
    import torch
    from torch.overrides import TorchFunctionMode

    from cnnviz.models.registry import build_model

    class NoWeights(TorchFunctionMode):
        """Layers take their memory by torch.empty; what a network reckons with stays real."""

        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            given = dict(kwargs or {})
            if func is torch.empty:
                given["device"] = "meta"
            return func(*args, **given)

    found = find_network(name)
    with NoWeights(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of weights that are never made
        if name in OWN:
            model, _, rest = name.partition("-")
            dataset = "mnist" if found.made_for[0] == 1 else "cifar10"
            norm = {"plain_cnn": rest == "norm"}.get(model)  # the others as their cards have it
            network: nn.Module = build_model(spec_for(model, dataset, batch_norm=norm))
        else:
            from torchvision import models

            network = models.get_model(found.name.removeprefix(TORCHVISION), weights=None)
    return network.to("meta").eval()
