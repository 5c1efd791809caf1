"""The fields of a training that is being prepared.

The plan is kept in the session under a name of its own; the fields show it and change it. So it
outlives the fields, which Streamlit forgets while another page is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import streamlit as st

from cnnviz.data.catalogue import DATASETS
from cnnviz.models.registry import PASTED, find_model
from cnnviz.runs.limits import Limits
from cnnviz.runs.plan import Plan, Range, fixed_fields, ranges, value_of
from cnnviz.runs.run import MAX_NAME
from cnnviz.training.config import CHOICES

KEPT: Final = "training.new"
PLAN: Final = f"{KEPT}.plan"
_DRAWN: Final = f"{KEPT}.drawn"
"""Field -> _Drawn."""

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    # field: (label, help)
    "epochs": ("Epochs", "How often every training picture is seen."),
    "batch_size": ("Batch size", "Pictures in one step of the training."),
    "learning_rate": (
        "Learning rate",
        "The highest of the schedule, for the mean loss of a batch.",
    ),
    "momentum": (
        "Momentum",
        "Share of the last step's direction that is kept; of AdamW it is beta 1.",
    ),
    "warmup": ("Warm-up", "Share of all steps in which the learning rate rises to its highest."),
    "final_learning_rate": (
        "Last learning rate",
        "As a share of the highest; of triangular and cosine.",
    ),
    "weight_decay": ("Weight decay", "Draws every weight towards 0."),
    "label_smoothing": (
        "Label smoothing",
        "Share of the target that is spread over all classes.",
    ),
    "dropout": ("Dropout", "Probability that a value is set to 0, before the linear layers."),
    "shift": ("Shift, pixels", "Each picture is moved by up to that much, anew in each epoch."),
    "rotation_deg": ("Rotation, degrees", "Up to that much in either direction."),
    "scaling": ("Scaling", "Larger or smaller by up to that share."),
    "cutout": ("Cutout, pixels", "Side of a square that is blotted out; 0 for none."),
    "seed": ("Seed", "Decides first weights, order, augmentation and dropout."),
    "validation_count": (
        "Held out",
        "Training pictures that judge the network and are not trained on.",
    ),
    "optimizer": ("Optimizer", "SGD has Nesterov momentum."),
    "schedule": ("Schedule", "How the learning rate goes on after the warm-up."),
    "averaging": (
        "Averaging",
        "Lookahead: every five steps the weights return towards their running average.",
    ),
    "flip": ("Mirroring", "Left and right. A digit's mirror image is no digit."),
    "precision": ("Precision", "auto: whichever is faster on this machine, as measured."),
}

_NORM_WORDS: Final = {PASTED.name: "Its text decides: nn.BatchNorm2d, or none."}
_CHOICE_WORDS: Final[Mapping[str, str]] = {"sgd": "SGD", "adamw": "AdamW"}


def keep_plan(plan: Plan) -> None:
    """Makes this the plan of the session."""
    st.session_state[PLAN] = plan


def kept_plan() -> Plan:
    """The plan of the session."""
    plan: Plan = st.session_state[PLAN]
    return plan


def show_form(plan: Plan, limits: Limits) -> None:
    """What matters first, and the rest behind a click."""
    allowed = ranges(limits)
    card = find_model(plan.config.model)
    network, data = st.columns(2)
    with network:
        titles: dict[str, str] = {other.name: other.title for other in plan.networks}
        _choose("model", "Network", titles, plan)
    with data:
        titles = {name: DATASETS[name].title for name in card.datasets}
        _choose("dataset", "Data set", titles, plan)
    _row(("epochs", "batch_size", "learning_rate"), plan, allowed)
    norm, name = st.columns([1, 2], vertical_alignment="bottom")
    has_norm = value_of(plan.config, "batch_norm")
    norm.toggle(
        "Batch normalization",
        has_norm,
        disabled=not card.batch_norm_is_optional,
        help=_NORM_WORDS.get(card.name, f"{card.title} is defined with it.")
        if not card.batch_norm_is_optional
        else None,
        **_shows("batch_norm", has_norm),
    )
    name.text_input(
        "Name of the run",
        plan.name,
        max_chars=MAX_NAME,
        placeholder=plan.title,
        **_shows("name", plan.name),
    )
    with st.expander("More settings"):
        for heading, rows in _MORE.items():
            st.markdown(f"**{heading}**")
            for fields in rows:
                _row(fields, plan, allowed)


_MORE: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "Optimizer and schedule": (
        ("optimizer", "schedule", "averaging"),
        ("momentum", "warmup", "final_learning_rate"),
    ),
    "Regularization": (("weight_decay", "label_smoothing", "dropout"),),
    "Augmentation": (("flip", "shift", "cutout"), ("rotation_deg", "scaling", "")),
    "The run": (("seed", "validation_count", "precision"),),
}
"""Heading -> rows of fields; an empty name leaves room."""


def _row(fields: Sequence[str], plan: Plan, allowed: Mapping[str, Range]) -> None:
    for column, field in zip(st.columns(len(fields)), fields, strict=True):
        with column:
            if field in CHOICES:
                words = {name: _CHOICE_WORDS.get(name, name) for name in CHOICES[field]}
                _choose(field, _WORDS[field][0], words, plan)
            elif field:
                _number(field, plan, allowed[field])


def _choose(field: str, label: str, titles: Mapping[str, str], plan: Plan) -> None:
    value = getattr(plan.config, field)
    st.selectbox(
        label,
        list(titles),
        list(titles).index(value),
        format_func=titles.__getitem__,
        help=_WORDS[field][1] if field in _WORDS else None,
        **_shows(field, value),
    )


def _number(field: str, plan: Plan, allowed: Range) -> None:
    label, words = _WORDS[field]
    value, whole = getattr(plan.config, field), allowed.is_whole
    kind: type[int] | type[float] = int if whole else float
    st.number_input(
        label,
        kind(allowed.low),
        kind(allowed.high),
        value,
        step=kind(allowed.step),
        format="%d" if whole else "%g",
        help=words,
        disabled=field in fixed_fields(plan.config.model),
        **_shows(field, value),
    )


def field_key(field: str, value: object) -> str:
    """The key of a field that is now drawn with this value as its own default.

    A field that the viewer changed stays the same; one whose value was set by something else is a
    new one. Setting its session state instead would be lost on a browser that is slow: a field that
    comes to be only after the next run of the script shows the default and reports it as typed.
    """
    drawn: dict[str, _Drawn] = st.session_state.setdefault(_DRAWN, {})
    before = drawn.get(field)
    if before is None:
        drawn[field] = _Drawn(value, 0)
    elif before.value != value:
        drawn[field] = _Drawn(value, before.number + 1)
    return drawn[field].key(field)


def take_field(field: str) -> Any:
    """What was typed into a field since it was drawn or taken; None if nothing was."""
    drawn: dict[str, _Drawn] = st.session_state[_DRAWN]
    value = st.session_state.get(drawn[field].key(field))
    if value == drawn[field].value:
        return None
    if value is not None:  # None: a number that was rubbed out
        drawn[field] = _Drawn(value, drawn[field].number)
    return value


def take_fields() -> Plan:
    """The plan with what stands in the fields now.

    For callbacks: whoever types and presses a button at once leaves two callbacks for one run of
    the script, in any order.
    """
    for field in ("model", "dataset", "batch_norm", *_WORDS, "name"):
        if field in st.session_state.get(_DRAWN, {}):
            _take(field)
    return kept_plan()


def _shows(field: str, value: object) -> dict[str, Any]:
    """Key and callback of the field of a setting."""
    return {"key": field_key(field, value), "on_change": _take, "args": (field,)}


def _take(field: str) -> None:
    value = take_field(field)
    if value is None:
        return
    plan = kept_plan()
    keep_plan(replace(plan, name=value) if field == "name" else plan.changed(field, value))


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A field as it was drawn last: its value, and how often that was set by others."""

    value: object
    number: int

    def key(self, field: str) -> str:
        return f"{KEPT}.field.{field}.{self.number}"
