"""The confusion matrix written the ordinary way: a plotly heatmap, two rows of pills, st.image.

What `confusion_page.py` compares the page with. It is given what costs it nothing: no torch in its
process, the project's own `.streamlit/config.toml`, data read once per server, a chart without
toolbar and hover, the same predictions and as many pictures as the page sends at first.
"""

from __future__ import annotations

import sys
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cnnviz.confusion.pictures import Pictures, find_pictures
from cnnviz.confusion.predictions import Predictions
from cnnviz.confusion.selection import Selection, select
from cnnviz.confusion.sources import list_sources, load_predictions
from cnnviz.ui.components.picture_gallery import PART

SHOWN = "fast_cnn-cifar10"


@st.cache_resource(show_spinner=False)
def open_all() -> tuple[Predictions, Pictures | None]:
    """The network's predictions and their pictures."""
    predictions = load_predictions(list_sources().find(SHOWN), epoch=None)
    return predictions, find_pictures(predictions)


def matrix_figure(predictions: Predictions) -> go.Figure:
    """Counts in the cells of a heatmap."""
    names = list(predictions.class_names)
    figure = go.Figure(
        go.Heatmap(
            z=predictions.judgements.confusion,
            x=names,
            y=names,
            texttemplate="%{z}",
            colorscale="Blues",
            showscale=False,
            hoverinfo="skip",
        )
    )
    figure.update_yaxes(autorange="reversed", title="True class")
    figure.update_xaxes(side="top", title="Taken for")
    figure.update_layout(height=520, margin={"l": 4, "r": 4, "t": 4, "b": 4})
    return figure


def show_matrix() -> None:
    """The matrix; beside it the pictures of the pair that is chosen."""
    st.set_page_config(page_title="Ordinary matrix", layout="wide")
    predictions, pictures = open_all()
    names = list(predictions.class_names)
    left, right = st.columns(2)
    with left:
        st.plotly_chart(matrix_figure(predictions), key="matrix", config={"staticPlot": True})
    with right:
        true = st.pills("True class", names, default=names[0], required=True, key="true")
        taken = st.pills("Taken for", names, default=names[1], required=True, key="taken")
        pair = names.index(true), names.index(taken)
        chosen = select(Selection(*pair), predictions)
        st.text(f"{len(chosen):,} pictures")
        if pictures is not None and len(chosen):
            with st.container(key=f"gallery-{pair[0]}-{pair[1]}"):
                st.image(list(pictures.images_of(chosen[:PART])), width=96)


show_matrix()
