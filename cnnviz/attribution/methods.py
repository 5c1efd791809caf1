"""The attribution methods by name."""

from __future__ import annotations

from typing import Final

from cnnviz.attribution.cards import MethodCard, MethodName
from cnnviz.attribution.gradient_cards import (
    GRADIENT_SHAP,
    INPUT_X_GRADIENT,
    INTEGRATED_GRADIENTS,
    SALIENCY,
    SMOOTHGRAD,
)
from cnnviz.attribution.region_cards import GRAD_CAM, GUIDED_GRAD_CAM, OCCLUSION
from cnnviz.attribution.rule_cards import DEEPLIFT, GUIDED_BACKPROP, LRP
from cnnviz.errors import SettingError
from cnnviz.settings import shown

METHODS: Final[dict[MethodName, MethodCard]] = {
    card.name: card
    for card in (
        SALIENCY,
        INPUT_X_GRADIENT,
        INTEGRATED_GRADIENTS,
        SMOOTHGRAD,
        DEEPLIFT,
        GRADIENT_SHAP,
        GUIDED_BACKPROP,
        GUIDED_GRAD_CAM,
        GRAD_CAM,
        OCCLUSION,
        LRP,
    )
}


def find_method(name: str) -> MethodCard:
    """The card of that name; SettingError that names the choices for any other."""
    for card in METHODS.values():
        if card.name == name:
            return card
    raise SettingError(f"method is {shown(name)}: use one of {', '.join(METHODS)}")
