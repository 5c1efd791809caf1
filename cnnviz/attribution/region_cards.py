"""The cards of the methods that speak of regions; `regions` computes them."""

from __future__ import annotations

from typing import Final

from cnnviz.attribution.cards import BASELINE, LAYER, MethodCard
from cnnviz.attribution.parameters import Choice, Switch, WholeNumber

GRAD_CAM: Final = MethodCard(
    name="grad_cam",
    title="Grad-CAM",
    explanation=(
        "The maps of a late layer are added up, each weighted by how much the score depends on it.",
        "The sum is as coarse as the layer's maps and is enlarged to the size of the picture; "
        "here it keeps its negative parts, which the paper cuts off.",
        "It says roughly where, not which pixels, and the borders of its cells mean nothing.",
    ),
    formula=r"M = \text{enlarge}\Big( \sum_k \alpha_k A^k \Big), \quad "
    r"\alpha_k = \frac{1}{hw} \sum_{i,j} \frac{\partial s}{\partial A^k_{ij}}",
    paper="Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra: Grad-CAM, ICCV 2017, "
    "arXiv:1610.02391",
    parameters=(
        LAYER,
        Choice(
            name="enlarge",
            title="Enlarge",
            help="How the layer's cells become pixels.",
            default="smooth",
            choices=(("smooth", "smoothly, between the cells"), ("cells", "as the cells are")),
        ),
        Switch(
            name="positive",
            title="Only what speaks for it",
            help="As in the paper: negative values become 0.",
            default=False,
        ),
    ),
    by_channel=False,
)

GUIDED_GRAD_CAM: Final = MethodCard(
    name="guided_grad_cam",
    title="Guided Grad-CAM",
    explanation=(
        "Guided Backprop times the positive part of Grad-CAM, pixel by pixel.",
        "The one draws sharp edges that hardly depend on the class, the other a coarse place that "
        "does.",
        "Its sharpness is that of Guided Backprop, with what is to be said against it.",
    ),
    formula=r"M = M_{\text{Guided Backprop}} \cdot \max(0, M_{\text{Grad-CAM}})",
    paper="Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra: Grad-CAM, ICCV 2017, "
    "arXiv:1610.02391",
    parameters=(LAYER,),
    is_linear=False,
)

OCCLUSION: Final = MethodCard(
    name="occlusion",
    title="Occlusion",
    explanation=(
        "A square is laid over the picture, again and again in other places, and the fall of the "
        "score is noted.",
        "No gradient is needed: it is an experiment on the network, and a pixel's number is the "
        "mean over all squares that covered it.",
        "It depends on the square's size and colour, and things that stand in for each other are "
        "missed while one of them stays visible.",
    ),
    formula=r"M_{p} = \frac{1}{|\{w : p \in w\}|} \sum_{w \ni p} "
    r"\left( s(x) - s(x \text{ with } x' \text{ inside } w) \right)",
    paper="Zeiler, Fergus: Visualizing and Understanding Convolutional Networks, ECCV 2014, "
    "arXiv:1311.2901",
    parameters=(
        WholeNumber(
            name="window",
            title="Window",
            help="Side of the square, in pixels.",
            default=5,
            least=1,
            most=16,
        ),
        WholeNumber(
            name="stride",
            title="Stride",
            help="Pixels from one place to the next; at most the window.",
            default=2,
            least=1,
            most=16,
        ),
        BASELINE,
    ),
    by_channel=False,
    is_long=True,
)
