"""The convolution calculator written the ordinary way: st.slider, st.plotly_chart, st.latex.

What `ui_latency.py` compares the convolution page with. Every move of a slider is a round trip to
Python, which computes with the same `cnnviz` and sends three charts and a formula back. It is meant
to be good of its kind: no torch in its process, one script of little more than what it shows, the
project's own `.streamlit/config.toml`, and charts without toolbar and hover. It opens in the same
state as the page and takes the same numbers in its URL.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cnnviz.convolution import cross_correlate
from cnnviz.convolution_lesson import BOUNDS, lesson_image, lesson_weight, opening_settings
from cnnviz.errors import CnnvizError
from cnnviz.geometry import ConvSpec
from cnnviz.padding import Array, pad

SETTINGS = ("size", "kernel", "stride", "padding", "dilation")


def numbers_figure(values: Array, title: str) -> go.Figure:
    """A grid of numbers: (H, W) as a heatmap with its values written in."""
    figure = go.Figure(
        go.Heatmap(
            z=values,
            texttemplate="%{z}",
            colorscale=[[0, "#FDFCF9"], [1, "#C25700"]],
            showscale=False,
            hoverinfo="skip",
        )
    )
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x")
    margin = {"l": 4, "r": 4, "t": 36, "b": 4}
    figure.update_layout(title=title, height=380, margin=margin)
    return figure


def show_numbers(key: str, values: Array, title: str) -> None:
    """One chart, under a name."""
    figure = numbers_figure(values, title)
    st.plotly_chart(figure, key=key, config={"staticPlot": True})


def choose_setting(name: str) -> int:
    """A slider with the range and the opening value of the page's own."""
    low, high = getattr(BOUNDS["hand"], name)
    opening = getattr(opening_settings("hand"), name)
    chosen: int = st.slider(name.capitalize(), low, high, opening, key=name, bind="query-params")
    return chosen


def show_calculator() -> None:
    """Sliders, formula, input, filter and output."""
    st.set_page_config(page_title="Ordinary calculator", layout="wide")
    chosen = {}
    for name, column in zip(SETTINGS, st.columns(len(SETTINGS)), strict=True):
        with column:
            chosen[name] = choose_setting(name)
    size, kernel, stride, padding, dilation = (chosen[name] for name in SETTINGS)
    spec = ConvSpec(kernel, stride, padding, dilation)
    image = np.array(lesson_image("hand", size), dtype=np.float64)  # (1, size, size)
    weight = np.array(lesson_weight("hand", kernel), dtype=np.float64)  # (1, 1, kernel, kernel)
    formula = (
        r"o = \left\lfloor\frac{i + 2p - d(k - 1) - 1}{s}\right\rfloor + 1 = \left\lfloor"
        rf"\frac{{{size} + 2\cdot{padding} - {dilation}\cdot({kernel} - 1) - 1}}{{{stride}}}"
        r"\right\rfloor + 1"
    )
    try:
        output = cross_correlate(image, weight, spec)  # (1, o, o)
    except CnnvizError as error:
        st.latex(formula)
        st.warning(str(error))
        return
    st.latex(f"{formula} = {output.shape[-1]}")
    padded = pad(image, spec.pad_sides)
    panels = st.columns(3)
    with panels[0]:
        show_numbers("input", padded[0], f"Input {size}×{size}, padded {padded.shape[-1]}")
    with panels[1]:
        show_numbers("filter", weight[0, 0], f"Filter {kernel}×{kernel}")
    with panels[2]:
        show_numbers("output", output[0], f"Output {output.shape[-1]}×{output.shape[-1]}")


show_calculator()
