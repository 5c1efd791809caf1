"""The cards of the methods with rules of their own for going backwards; `rules` computes them."""

from __future__ import annotations

from typing import Final

from cnnviz.attribution.cards import BASELINE, MethodCard
from cnnviz.attribution.parameters import Number

DEEPLIFT: Final = MethodCard(
    name="deeplift",
    title="DeepLift",
    explanation=(
        "Picture and baseline go through the network together, and the difference of their scores "
        "is handed back layer by layer.",
        "At each activation the slope between the two takes the place of the derivative (the "
        "Rescale rule), so that a saturated activation still passes its share on.",
        "It needs a rule for every kind of layer, and its map depends on the baseline.",
    ),
    formula=r"M = \sum_c (x_c - x'_c)\, m_c, \quad "
    r"\frac{\partial a}{\partial z} \text{ replaced by } \frac{a(z) - a(z')}{z - z'}",
    paper="Shrikumar, Greenside, Kundaje: Learning Important Features Through Propagating "
    "Activation Differences, ICML 2017, arXiv:1704.02685",
    parameters=(BASELINE,),
)

GUIDED_BACKPROP: Final = MethodCard(
    name="guided_backprop",
    title="Guided Backprop",
    explanation=(
        "The gradient, but on its way back every ReLU also stops what is negative.",
        "What is left are the pixels that excite neurons which speak for the class, drawn sharply.",
        "It draws much the same edges for every class and even for a network that has learnt "
        "nothing: compare it with the randomized network.",
    ),
    formula=r"R^{l} = \mathbb{1}[z^{l} > 0] \; \mathbb{1}[R^{l+1} > 0] \; R^{l+1}",
    paper="Springenberg, Dosovitskiy, Brox, Riedmiller: Striving for Simplicity, ICLR Workshop "
    "2015, arXiv:1412.6806",
    is_linear=False,
)

LRP: Final = MethodCard(
    name="lrp",
    title="LRP",
    explanation=(
        "Layer-wise relevance propagation hands the score back, each neuron dividing what it got "
        "among its inputs by their contributions.",
        "Convolutions favour what contributed positively, by γ; with γ = 0 the map is that of "
        "Input × Gradient.",
        "What biases contributed is lost on the way, so the map need not add up to the score.",
    ),
    formula=r"R_j = \sum_k \frac{a_j (w_{jk} + \gamma w_{jk}^{+})}"
    r"{b_k + \sum_{i} a_{i} (w_{ik} + \gamma w_{ik}^{+})} \, R_k",
    paper="Bach, Binder, Montavon, Klauschen, Müller, Samek: On Pixel-Wise Explanations, PLoS ONE "
    "10 (7), 2015; Montavon et al.: Layer-Wise Relevance Propagation, an Overview, 2019",
    parameters=(
        Number(
            name="gamma",
            title="γ",
            help="How much convolutions after the first favour positive contributions.",
            default=0.25,
            least=0.0,
            most=1.0,
        ),
    ),
)
