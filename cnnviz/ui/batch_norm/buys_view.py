"""The view "What it buys": recorded runs with batch normalization and without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import streamlit as st

from cnnviz.figures.curves import CurveRun, Quantity
from cnnviz.norms import bought
from cnnviz.norms.buys_settings import PLACES, Look, Side
from cnnviz.norms.buys_snippets import ALONG_SNIPPET, NOISE_SNIPPET
from cnnviz.norms.comparison import NormComparison, convolutions, drift
from cnnviz.norms.experiment_records import ExperimentKind, repeat_command
from cnnviz.runs.plan import Plan
from cnnviz.ui.batch_norm.buys_experiments import show_along, show_noise, show_rates
from cnnviz.ui.batch_norm.buys_parts import KEPT, say_how, show_chart, show_race
from cnnviz.ui.batch_norm.buys_records import recorded_comparison, train_commands
from cnnviz.ui.charts import is_dark
from cnnviz.ui.url_state import PageState

ACCOUNTS: Final = (
    "Why does it help? Because a layer's inputs hold still while the layers before it learn "
    "([Ioffe and Szegedy 2015](https://arxiv.org/abs/1502.03167): internal covariate shift), or "
    "because the loss surface is smoother ([Santurkar and others "
    "2018](https://arxiv.org/abs/1805.11604))? See what these runs say."
)
LOOKS: Final[Mapping[Look, str]] = {
    "learning": "Loss and accuracy",
    "rates": "Learning rates",
    "drift": "Drift of layers",
    "gradients": "Gradients",
    "along": "Along the gradient",
    "noise": "With noise",
}
_SIDES: Final[Mapping[Side, str]] = {
    "after": "after the normalization",
    "before": "before the normalization",
}
_QUANTITIES: Final[tuple[Quantity, ...]] = ("loss", "accuracy")


def show(state: PageState) -> None:
    """What is looked at, its sentence and its charts, and a race to be run."""
    settings = KEPT.open(state)
    st.segmented_control(
        "Look at",
        list(LOOKS),
        format_func=LOOKS.__getitem__,
        required=True,
        label_visibility="collapsed",
        **KEPT.setting("look"),
    )
    st.markdown(ACCOUNTS)
    _DRAWN[settings.look](state)
    KEPT.write(state)
    _take_away(state, KEPT.now().look)


# ------------------------------------------------------------------------- the runs that come along


def _show_learning(state: PageState) -> None:
    compared = recorded_comparison()
    if compared is None:
        return
    from cnnviz.figures.norm_curves import SMOOTHING_STEPS
    from cnnviz.figures.training import curves_figure

    words = bought.learning_words(compared)
    st.markdown(words)
    runs = _curve_runs(compared, "with", "without")
    for column, quantity in zip(st.columns(2, gap="large"), _QUANTITIES, strict=True):
        figure = curves_figure(
            runs, quantity, "step", smoothing_steps=SMOOTHING_STEPS, dark=is_dark()
        )
        with column:
            show_chart(figure, f"learning.{quantity}", words)
    say_how(compared.with_norm.config)
    show_race(Plan.of_preset)


def _show_drift(state: PageState) -> None:
    compared = recorded_comparison()
    if compared is None:
        return
    st.segmented_control(
        "Looked at",
        list(_SIDES),
        format_func=_SIDES.__getitem__,
        required=True,
        help="Without batch normalization both are the same numbers.",
        **KEPT.setting("side"),
    )
    from cnnviz.figures.norm_experiments import drift_figure

    place = PLACES[KEPT.now().side]
    words = bought.drift_words(compared, place)
    st.markdown(words)
    layers = convolutions(compared.without)
    drifts = [[drift(run, layer, place) for run in compared.runs] for layer in layers]
    show_chart(drift_figure(drifts, dark=is_dark()), "drift", words)
    say_how(
        compared.with_norm.config,
        "Over all channels, of the same 256 held-out images after each epoch, in evaluation.",
    )
    show_race(Plan.of_preset)


def _show_gradients(state: PageState) -> None:
    compared = recorded_comparison()
    if compared is None:
        return
    from cnnviz.figures.norm_curves import gradient_norms_figure

    words = bought.gradients_words(compared)
    st.markdown(words)
    runs = _curve_runs(compared, "with batch normalization", "without")
    show_chart(gradient_norms_figure(runs, dark=is_dark()), "gradients", words)
    say_how(compared.with_norm.config, "The gradient is that over all parameters of one step.")
    show_race(Plan.of_preset)


def _curve_runs(compared: NormComparison, *names: str) -> list[CurveRun]:
    return [
        CurveRun(name, run.steps, run.epochs)
        for name, run in zip(names, compared.runs, strict=True)
    ]


# ---------------------------------------------------------------------------------------- all looks


_DRAWN: Final[Mapping[Look, Callable[[PageState], None]]] = {
    "learning": _show_learning,
    "rates": show_rates,
    "drift": _show_drift,
    "gradients": _show_gradients,
    "along": show_along,
    "noise": show_noise,
}
_KINDS: Final[Mapping[Look, ExperimentKind]] = {
    "rates": "learning-rates",
    "along": "gradient",
    "noise": "noise",
}


def _take_away(state: PageState, look: Look) -> None:
    with st.expander("Take it away: PyTorch code and link"):
        snippet = {"along": ALONG_SNIPPET, "noise": NOISE_SNIPPET}.get(look)
        if snippet:
            st.caption("The same done to a small network, with PyTorch alone.")
            st.code(snippet, language="python", height=400)
        st.caption("Records anew what is shown.")
        kind = _KINDS.get(look)
        commands = train_commands() if kind is None else [repeat_command(kind)]
        st.code("\n".join(commands), language="sh", wrap_lines=True)
        st.caption("Opens this view as it is now.")
        st.code(state.link(), language=None, wrap_lines=True)
