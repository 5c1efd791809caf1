"""The cards of the methods from plain gradients; `gradients` computes them."""

from __future__ import annotations

from typing import Final

from cnnviz.attribution.cards import BASELINE, NOISE, SEED, MethodCard
from cnnviz.attribution.parameters import Number, Switch, WholeNumber

SALIENCY: Final = MethodCard(
    name="saliency",
    title="Saliency",
    explanation=(
        "The gradient of the score: how fast it would rise if a pixel became a little brighter.",
        "It takes one pass forwards and one backwards, and here it keeps its sign, where the paper "
        "takes the magnitude and of three colours the largest.",
        "It speaks of tiny changes only, so a feature that is already certain can have no "
        "gradient at all, and the map looks noisy.",
    ),
    formula=r"M = \sum_c \frac{\partial s(x)}{\partial x_c}",
    paper="Simonyan, Vedaldi, Zisserman: Deep Inside Convolutional Networks, ICLR Workshop 2014, "
    "arXiv:1312.6034",
    parameters=(
        Switch(
            name="magnitude",
            title="Magnitude",
            help="As in the paper: without the sign, and of three colours the largest.",
            default=False,
        ),
    ),
)

INPUT_X_GRADIENT: Final = MethodCard(
    name="input_x_gradient",
    title="Input × Gradient",
    explanation=(
        "The gradient times the pixel: what each pixel would contribute if the network were "
        "linear.",
        "A pixel counts by how far it is from the mean colour, which is 0 after normalization, "
        "and by how much the score reacts to it.",
        "A pixel of the mean colour gets 0 whatever the network makes of it.",
    ),
    formula=r"M = \sum_c x_c \, \frac{\partial s(x)}{\partial x_c}",
    paper="Shrikumar, Greenside, Shcherbina, Kundaje: Not Just a Black Box, 2016, arXiv:1605.01713",
)

INTEGRATED_GRADIENTS: Final = MethodCard(
    name="integrated_gradients",
    title="Integrated Gradients",
    explanation=(
        "The picture is faded in from the baseline, and the gradients along the way are added up.",
        "Together the pixels account for the whole difference between the score of the picture "
        "and that of the baseline; what a finite number of steps misses is the completeness "
        "error.",
        "The choice of the baseline is part of the answer: a pixel that equals it gets 0.",
    ),
    formula=r"M = \sum_c (x_c - x'_c) \int_0^1 "
    r"\frac{\partial s\left(x' + \alpha (x - x')\right)}{\partial x_c} \, d\alpha",
    paper="Sundararajan, Taly, Yan: Axiomatic Attribution for Deep Networks, ICML 2017, "
    "arXiv:1703.01365",
    parameters=(
        WholeNumber(
            name="steps",
            title="Steps",
            help="Points on the way from the baseline (Gauss-Legendre). More make the "
            "completeness error smaller.",
            default=50,
            least=2,
            most=300,
        ),
        BASELINE,
    ),
    is_long=True,
)

SMOOTHGRAD: Final = MethodCard(
    name="smoothgrad",
    title="SmoothGrad",
    explanation=(
        "The mean of the gradients of many copies of the picture, each with other noise.",
        "What the gradient says of one exact picture and not of its neighbours averages out.",
        "Too much noise and the copies no longer look like the picture to the network.",
    ),
    formula=r"M = \frac{1}{n} \sum_{k=1}^{n} \sum_c "
    r"\frac{\partial s(x + \varepsilon_k)}{\partial x_c}, \quad "
    r"\varepsilon_k \sim \mathcal{N}(0, \sigma^2)",
    paper="Smilkov, Thorat, Kim, Viégas, Wattenberg: SmoothGrad, 2017, arXiv:1706.03825",
    parameters=(
        WholeNumber(
            name="samples",
            title="Copies",
            help="How many noisy copies are averaged.",
            default=50,
            least=2,
            most=300,
        ),
        NOISE,
        SEED,
    ),
    is_random=True,
    is_long=True,
)

GRADIENT_SHAP: Final = MethodCard(
    name="gradient_shap",
    title="GradientSHAP",
    explanation=(
        "Like Integrated Gradients, but the mean over many baselines, each at one random point of "
        "its way.",
        "The baselines are other pictures, or plain colours where there are none, so that no "
        "single colour decides what counts as nothing.",
        "It is an estimate: another seed gives a slightly different map.",
    ),
    formula=r"M = \mathbb{E}_{x', \alpha, \varepsilon}\left[ \sum_c (x_c + \varepsilon_c - x'_c) "
    r"\frac{\partial s\left(x' + \alpha (x + \varepsilon - x')\right)}{\partial x_c} \right]",
    paper="Lundberg, Lee: A Unified Approach to Interpreting Model Predictions, NIPS 2017, "
    "arXiv:1705.07874; Erion et al.: Expected Gradients, 2021, arXiv:1906.10670",
    parameters=(
        WholeNumber(
            name="samples",
            title="Samples",
            help="How many baselines and points are drawn.",
            default=50,
            least=2,
            most=300,
        ),
        Number(
            name="noise",
            title="Noise",
            help="Standard deviation of noise on the picture, as a share of its range of values.",
            default=0.0,
            least=0.0,
            most=1.0,
        ),
        SEED,
    ),
    is_random=True,
    is_long=True,
)
