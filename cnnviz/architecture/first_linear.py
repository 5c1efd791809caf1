"""Where 16·5·5 comes from: how many numbers a LeNet hands to its first fully connected layer.

Two convolutions, each with a pooling behind it, then nn.Flatten; the sizes follow from
`cnnviz.geometry`, and what PyTorch says of a layer that does not fit is what it really raises.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from cnnviz.errors import NoOutputError, SettingError
from cnnviz.geometry import ConvSpec, PoolSpec
from cnnviz.query import QueryReader
from cnnviz.settings import whole_number

SIZES: Final = (8, 64)
KERNELS: Final = (1, 7)
PADDINGS: Final = (0, 3)
POOLS: Final = (1, 4)
MOST_FEATURES: Final = 100_000
FILTERS: Final = (6, 16)
OUTPUTS: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLinearSettings:
    """A LeNet, and what its first fully connected layer was told to expect."""

    size: int = 32
    """Height and width of the picture."""
    kernel: int = 5
    """Of both convolutions."""
    padding: int = 0
    pool: int = 2
    """Side and stride of both poolings; 1 pools nothing."""
    expects: int = 400
    """in_features, as somebody wrote it."""
    ask: bool = False
    """Whether the sizes are the question."""

    def __post_init__(self) -> None:
        for name, (low, high) in _BOUNDS.items():
            if not low <= whole_number(name, getattr(self, name), least=low) <= high:
                raise SettingError(f"{name} is {getattr(self, name)}: use {low} to {high}")

    def to_query(self) -> dict[str, str]:
        """What differs from the default, as `read_first_linear` reads it."""
        usual = FirstLinearSettings()
        return {
            name: str(int(getattr(self, name)))
            for name in self.__dataclass_fields__
            if getattr(self, name) != getattr(usual, name)
        }


_BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "size": SIZES,
    "kernel": KERNELS,
    "padding": PADDINGS,
    "pool": POOLS,
    "expects": (1, MOST_FEATURES),
}


def read_first_linear(
    query: Mapping[str, str],
) -> tuple[FirstLinearSettings, tuple[str, ...]]:
    """The nearest valid settings to what a URL asks for, and a sentence for each change."""
    read = QueryReader(query)
    usual = FirstLinearSettings()
    numbers = {
        name: read.whole(name, low, high, getattr(usual, name))
        for name, (low, high) in _BOUNDS.items()
    }
    settings = FirstLinearSettings(**numbers, ask=read.switch("ask"))
    return settings, tuple(read.notes)


@dataclass(frozen=True, slots=True)
class Stage:
    """One layer on the way to the first fully connected one."""

    name: str
    code: str
    """As PyTorch writes it."""
    formula: str
    """How its size follows, with the numbers put in; empty where nothing is to be worked out."""
    shape: tuple[int, ...]
    """(C, H, W), or (features,); empty where the layer does not fit."""


def stages(settings: FirstLinearSettings) -> tuple[Stage, ...]:
    """From the picture to the flattening; ends with the first layer that does not fit."""
    k, p, s = settings.kernel, settings.padding, settings.pool
    size = settings.size
    told = [Stage("picture", "", "", (3, size, size))]
    channels = 3
    for number, filters in enumerate(FILTERS, 1):
        code = f"nn.Conv2d({channels}, {filters}, {k}{f', padding={p}' if p else ''})"
        around = f" + 2·{p}" if p else ""
        try:
            after, _ = ConvSpec(k, padding=p).output_size(size, size)
        except NoOutputError:
            return (*told, Stage(f"conv{number}", code, f"{size}{around} < {k}", ()))
        formula = f"({size}{around} − {k}) / 1 + 1 = {after}"
        told.append(Stage(f"conv{number}", code, formula, (filters, after, after)))
        size, channels = after, filters
        if s == 1:
            continue
        code = f"nn.AvgPool2d({s})"
        try:
            after, _ = PoolSpec("average", s, s).output_size(size, size)
        except NoOutputError:
            return (*told, Stage(f"pool{number}", code, f"{size} < {s}", ()))
        formula = f"⌊({size} − {s}) / {s}⌋ + 1 = {after}"
        told.append(Stage(f"pool{number}", code, formula, (channels, after, after)))
        size = after
    features = channels * size * size
    product = f"{channels}·{size}·{size} = {features:,}"
    return (*told, Stage("flatten", "nn.Flatten()", product, (features,)))


def demanded(settings: FirstLinearSettings) -> int | None:
    """The numbers that arrive at the first fully connected layer; None where none do."""
    last = stages(settings)[-1]
    return last.shape[0] if last.name == "flatten" else None


def torch_error(settings: FirstLinearSettings) -> str | None:
    """What PyTorch raises for one picture, word for word; None if the network takes it.

    Needs torch.
    """
    import torch
    from torch import nn
    from torch.nn.utils import skip_init  # the numbers do not matter

    layers: list[nn.Module] = []
    channels = 3
    for filters in FILTERS:
        layers += [
            nn.Conv2d(channels, filters, settings.kernel, padding=settings.padding),
            nn.ReLU(),
        ]
        if settings.pool > 1:
            layers.append(nn.AvgPool2d(settings.pool))
        channels = filters
    last = skip_init(nn.Linear, settings.expects, OUTPUTS)  # type: ignore[no-untyped-call]
    layers += [nn.Flatten(), last]
    try:
        with torch.no_grad():
            nn.Sequential(*layers)(torch.zeros(1, 3, settings.size, settings.size))
    except RuntimeError as error:
        return " ".join(str(error).split())
    return None


def mend_sentence(settings: FirstLinearSettings) -> str:
    """What is wrong, and what mends it, in one sentence; or that all is well."""
    told = stages(settings)
    features = demanded(settings)
    if features is None:
        last = told[-1]
        return (
            f"**{last.name}** does not fit: {last.formula}, nothing is left to slide over. Use a "
            "larger picture, a smaller kernel or pooling, or padding."
        )
    channels, height, width = told[-2].shape
    if features == settings.expects:
        return f"It fits: {channels}·{height}·{width} = **{features:,}** numbers arrive."
    return (
        f"fc1 expects {settings.expects:,} numbers, but {channels}·{height}·{width} = "
        f"**{features:,}** arrive. Write **nn.Linear({features}, {OUTPUTS})**."
    )


def judge_guess(settings: FirstLinearSettings, guess: int) -> str | None:
    """What is wrong with a guess, from the commonest mistakes; None if it is right."""
    features = demanded(settings)
    if guess == features:
        return None
    if features is None:
        return "Look again at the sizes: one of the layers has nothing left to slide over."
    told = stages(settings)
    channels, height, width = told[-2].shape
    by_mistake = {
        height * width: f"That is one map. There are {channels} of them.",
        channels * height: "That is one row of each map. A map has as many columns, too.",
        channels: "That is how many maps there are. How many numbers has each?",
        3 * height * width: f"The maps are {channels} by now, no longer 3.",
        settings.size**2 * channels: "The maps are smaller than the picture by now.",
        settings.size**2 * 3: "That is the picture itself.",
    }
    for stage in told[1:-2]:
        if len(stage.shape) == 3:
            numbers = stage.shape[0] * stage.shape[1] * stage.shape[2]
            by_mistake.setdefault(numbers, f"That is what {stage.name} puts out; more follows.")
    words = "more" if guess < features else "less"
    return by_mistake.get(guess, f"It is {words}. Go on layer by layer.")


def draw_question(number: int) -> FirstLinearSettings:
    """A LeNet whose demand is asked for; the same number gives the same one."""
    dice = random.Random(whole_number("number", number, least=0))
    while True:
        settings = FirstLinearSettings(
            size=dice.choice((16, 20, 24, 28, 32, 36, 40, 48, 64)),
            kernel=dice.choice((3, 5, 7)),
            padding=dice.choice((0, 0, 1, 2)),
            pool=dice.choice((2, 2, 3)),
            ask=True,
        )
        features = demanded(settings)
        if features is not None and features not in (400, 16):
            return replace(settings, expects=400)


def first_linear_snippet(settings: FirstLinearSettings) -> str:
    """A PyTorch program that builds the network and passes a picture through it, layer by layer."""
    lines = []
    for stage in stages(settings)[1:]:
        lines.append(f"    {stage.code},")
        if stage.name.startswith("conv"):
            lines.append("    nn.ReLU(),")
    layers = "\n".join(lines)
    return f"""\
import torch
from torch import nn

network = nn.Sequential(
{layers}
    nn.Linear({settings.expects}, {OUTPUTS}),
)
x = torch.zeros(1, 3, {settings.size}, {settings.size})
for layer in network:
    x = layer(x)
    print(type(layer).__name__, tuple(x.shape[1:]))
"""
