"""What the card of an attribution method says, and the parameters that several of them share.

Facts only; torch and Captum are imported when a map is made. In the formulas x is the picture as
the network gets it, x' the baseline, s the score that is explained: a class's logit, or the
difference of two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from cnnviz.attribution.parameters import (
    Choice,
    LayerChoice,
    Number,
    Parameter,
    WholeNumber,
)
from cnnviz.errors import SettingError
from cnnviz.settings import shown

MethodName = Literal[
    "saliency",
    "input_x_gradient",
    "integrated_gradients",
    "smoothgrad",
    "deeplift",
    "gradient_shap",
    "guided_backprop",
    "guided_grad_cam",
    "grad_cam",
    "occlusion",
    "lrp",
]
BaselineName = Literal["mean", "black", "white", "blur"]
MAX_SEED: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class MethodCard:
    """What is known of a method before it is used."""

    name: MethodName
    title: str
    explanation: tuple[str, str, str]
    """What it does, how, and what to beware of: a sentence each, to be read aloud."""
    formula: str
    """LaTeX."""
    paper: str
    parameters: tuple[Parameter, ...] = ()
    by_channel: bool = True
    """Whether it tells the channels of a pixel apart."""
    is_linear: bool = True
    """With default settings: the map of a difference is the difference of the two maps."""
    is_random: bool = False
    """Whether it draws random numbers; then `seed` is among its parameters."""
    is_long: bool = False
    """Whether it runs the network many times: it tells its progress and can be stopped."""

    def parameter(self, name: str) -> Parameter:
        """The parameter of that name; SettingError that names the choices for any other."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        names = ", ".join(parameter.name for parameter in self.parameters)
        what_is = f"use one of {names}" if names else "it has none"
        raise SettingError(f"{self.title} has no parameter {shown(name)}: {what_is}")


BASELINES: Final[tuple[tuple[BaselineName, str], ...]] = (
    ("mean", "the mean colour of the training pictures"),
    ("black", "black"),
    ("white", "white"),
    ("blur", "the picture itself, blurred"),
)
BASELINE: Final = Choice(
    name="baseline",
    title="Baseline",
    help="What stands for a picture that shows nothing. The map depends on it.",
    default="mean",
    choices=BASELINES,
)
SEED: Final = WholeNumber(
    name="seed",
    title="Seed",
    help="The same seed draws the same random numbers.",
    default=0,
    least=0,
    most=MAX_SEED,
)
NOISE: Final = Number(
    name="noise",
    title="Noise",
    help="Standard deviation of the noise, as a share of the picture's range of values.",
    default=0.15,
    least=0.0,
    most=1.0,
)
LAYER: Final = LayerChoice(
    name="layer",
    title="Layer",
    help="Whose maps are weighted. Later layers know more of the class and less of the place.",
)
