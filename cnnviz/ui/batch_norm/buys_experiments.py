"""The view "What it buys": learning rates, the loss along the gradient, and noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import streamlit as st

from cnnviz.norms import bought
from cnnviz.norms.buys_settings import fit_layer, fit_rate
from cnnviz.norms.experiment_records import Variant
from cnnviz.runs.plan import Plan
from cnnviz.ui.batch_norm.buys_parts import (
    KEPT,
    fit_settings,
    say_how,
    show_chart,
    show_race,
)
from cnnviz.ui.batch_norm.buys_records import recorded_experiment
from cnnviz.ui.charts import is_dark
from cnnviz.ui.url_state import PageState

_NETWORKS: Final[Mapping[Variant, str]] = {
    "without": "without",
    "batch norm": "with",
    "noisy batch norm": "with noise",
}


def show_rates(state: PageState) -> None:
    """Curves at one learning rate, and what became of all."""
    found = recorded_experiment("learning-rates")
    if found is None:
        return
    rates = sorted({run.config.learning_rate for run in found.runs})
    fit_settings(state, *fit_rate(KEPT.now(), rates))
    st.segmented_control(
        "Highest learning rate",
        rates,
        format_func=lambda rate: f"{rate:g}",
        required=True,
        **KEPT.setting("rate"),
    )
    from cnnviz.figures.norm_curves import experiment_curves_figure, in_order
    from cnnviz.figures.norm_experiments import learning_rates_figure

    rate = KEPT.now().rate
    words = bought.rates_words(found)
    st.markdown(words)
    chosen = [run for run in found.runs if run.config.learning_rate == rate]
    one, all_of_them = st.columns(2, gap="large")
    with one:
        figure = experiment_curves_figure(chosen, "loss", beside=found.runs, dark=is_dark())
        show_chart(figure, "rates.loss", f"Loss with and without at learning rate {rate:g}.")
    with all_of_them:
        figure = learning_rates_figure(in_order(found.runs), dark=is_dark())
        show_chart(figure, "rates.accuracy", words)
    config = chosen[0].config
    say_how(config)

    def prepared(preset: str) -> Plan:
        plan = Plan.of_preset(preset).changed("epochs", config.epochs)
        return plan.changed("learning_rate", rate)

    show_race(prepared, f" at learning rate {rate:g}")


def show_along(state: PageState) -> None:
    """How the loss varies along the gradient, and how the gradient turns."""
    found = recorded_experiment("gradient")
    if found is None:
        return
    from cnnviz.figures.norm_curves import in_order
    from cnnviz.figures.norm_experiments import probes_figure

    words = bought.along_words(found)
    st.markdown(words)
    show_chart(probes_figure(in_order(found.runs), dark=is_dark()), "along", words)
    run = found.runs[0]
    lengths = [length / run.config.learning_rate for length in run.probes[0].lengths]
    say_how(
        run.config,
        f"Every few steps: the loss of a batch at {min(lengths):g} to {max(lengths):g} highest "
        "learning rates along its own gradient (above, a band from the least to the greatest), and "
        "the gradient's change there by the way gone (below). Narrow and low is smooth.",
    )
    show_race(Plan.of_preset)


def show_noise(state: PageState) -> None:
    """Three networks, what they came to, and what does not follow from it."""
    found = recorded_experiment("noise")
    if found is None:
        return
    counts = bought.noise_counts(found)
    if counts is None:
        st.info("This record lacks one of the three networks.")
        return
    st.markdown(
        "The experiment that is to separate the two: noise after each normalization, another in "
        "every step, makes the inputs unsteady again. Does such a network still learn as quickly?"
    )
    st.markdown(_noise_table(counts))
    st.caption(
        "Training loss: mean of the last epoch, under the noise where there is some. Held out: "
        "right in the end, judged without noise. Inputs move: the mean of what goes into a ReLU, "
        "of one channel, from record to record in its deviations."
    )
    st.markdown(bought.noise_conclusion(counts))
    from cnnviz.figures.norm_curves import experiment_curves_figure, in_order
    from cnnviz.figures.norm_experiments import noise_figure

    losses, inputs = st.columns(2, gap="large")
    with losses:
        st.markdown("**How they learn**")
        figure = experiment_curves_figure(found.runs, "loss", dark=is_dark())
        figure.update_layout(height=520)  # as its neighbour
        show_chart(figure, "noise.loss", "Losses of the three networks.")
    if layers := bought.recorded_layers(found.runs):
        fit_settings(state, *fit_layer(KEPT.now(), layers))
        with inputs:
            _choose_channel(layers)
            settings = KEPT.now()
            figure = noise_figure(
                in_order(found.runs), settings.layer, settings.channel, dark=is_dark()
            )
            show_chart(figure, "noise.inputs", "Mean and deviation of one channel's inputs.")
    say_how(
        found.runs[0].config,
        "What is done follows the description of Santurkar and others: noise after each batch "
        "normalization that changes with every step, of mean other than 0 and variance other than "
        "1. Network, sizes and strength are ours. It is drawn for each unit, so that over a "
        "channel's map much of it cancels.",
    )
    show_race(Plan.of_preset)


def _noise_table(counts: Mapping[Variant, bought.NoiseCounts]) -> str:
    """As Markdown: a line for each network."""
    lines = ["| | training loss | held out | inputs move |", "|:--|--:|--:|--:|"]
    for variant, name in _NETWORKS.items():
        told = counts[variant]
        lines.append(
            f"| {name} | {told.training_loss:.2f} | {bought.percent(told.held_out)} | "
            f"{told.unsteadiness:.2g} σ |"
        )
    return "\n".join(lines)


def _choose_channel(layers: Mapping[str, int]) -> None:
    def change_layer() -> None:
        layer = st.session_state[f"{KEPT.prefix}.layer"]
        KEPT.change(layer=layer, channel=min(KEPT.now().channel, layers[layer] - 1))

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Into the activation",
            list(layers),
            width=190,
            **{**KEPT.setting("layer"), "on_change": change_layer},
        )
        st.segmented_control(
            "Channel",
            list(range(layers[KEPT.now().layer])),
            required=True,
            **KEPT.setting("channel"),
        )
