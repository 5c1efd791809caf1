"""Home: the lessons, and what this machine has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from cnnviz.checkpoints.folders import checkpoint_folders, list_checkpoints
from cnnviz.data.locations import find_data
from cnnviz.ui import (
    architecture_preview,
    batch_norm_preview,
    confusion_preview,
    drawing,
    machine_card,
    preview,
    training_preview,
)
from cnnviz.ui.page import set_up_page
from cnnviz.ui.training.service import trainings_here

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Card:
    """A view of a lesson, as the home page offers it; `view` as the lesson's URL has it."""

    view: str
    title: str
    text: str
    draw: Callable[[], str]


CONVOLUTION = (
    Card(
        "hand",
        "By hand",
        "Slide a filter over a grid of numbers, change anything, and see every product.",
        preview.by_hand,
    ),
    Card(
        "picture",
        "On a picture",
        "Edges, blur, emboss: filters on a photograph, or on one of yours.",
        preview.on_a_picture,
    ),
    Card(
        "colour",
        "In colour",
        "Three channels, one filter as deep as they are, one sum.",
        preview.in_colour,
    ),
    Card(
        "pooling",
        "Pooling",
        "The same window, with a maximum or an average instead of a filter.",
        preview.pooling,
    ),
    Card(
        "transposed",
        "Transposed",
        "How a stride can make the output larger than the input.",
        preview.transposed,
    ),
    Card(
        "backwards",
        "Ask it backwards",
        "You know both sizes: which settings lead from one to the other?",
        preview.backwards,
    ),
    Card(
        "quiz",
        "Try it yourself",
        "Say the size or the number before the page shows it.",
        preview.quiz,
    ),
)

ARCHITECTURES = (
    Card(
        "step",
        "One step",
        "A network of one filter, forward, backward and one step on, with every number.",
        architecture_preview.one_step,
    ),
    Card(
        "field",
        "Receptive field",
        "Which pixels a unit sees in theory, and which of them move it, measured.",
        architecture_preview.fields,
    ),
    Card(
        "digit",
        "Draw a digit",
        "What networks take your handwriting for, while you draw.",
        architecture_preview.digit,
    ),
)

BATCH_NORM = (
    Card(
        "hand",
        "A batch by hand",
        "Change a number of a small batch: its mean, its spread and all others answer.",
        batch_norm_preview.by_hand,
    ),
    Card(
        "network",
        "In a real network",
        "A layer's numbers before normalization, after it, and after ReLU.",
        batch_norm_preview.layers,
    ),
    Card(
        "buys",
        "What it buys",
        "With and without, at several learning rates; and two accounts of why it helps.",
        batch_norm_preview.learning_rates,
    ),
)

TRAINING = (
    Card(
        "new",
        "Train a network",
        "Choose a network and a data set, press start, and watch the curves draw themselves.",
        training_preview.curves,
    ),
    Card(
        "compare",
        "Compare",
        "Several trainings in one picture, and only the settings in which they differ.",
        training_preview.compared,
    ),
    Card(
        "time",
        "Time machine",
        "One slider over the epochs: filters, mistakes and single pictures as they change.",
        training_preview.filters,
    ),
)

CONFUSION = (
    Card(
        "matrix",
        "Confusion matrix",
        "Click a number, see its pictures, and ask of each where the network looked.",
        confusion_preview.matrix,
    ),
    Card(
        "calibration",
        "Calibration",
        "Does a network know how sure it may be?",
        confusion_preview.calibrated,
    ),
    Card(
        "own",
        "Your own picture",
        "What it says of a photograph of yours, and where it looked.",
        confusion_preview.own_picture,
    ),
)

STYLE = """
[class*="st-key-lesson-cards-"] {
    display: grid; gap: 1rem; align-items: stretch;
    grid-template-columns: repeat(4, minmax(0, 1fr));
}
[class*="st-key-lesson-cards-"] > * { height: 100%; }
[class*="st-key-lesson-cards-"] > :first-child { grid-column: span 2; }
@media (max-width: 1150px) {
    [class*="st-key-lesson-cards-"] { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
@media (max-width: 640px) {
    [class*="st-key-lesson-cards-"] { grid-template-columns: minmax(0, 1fr); }
    [class*="st-key-lesson-cards-"] > :first-child { grid-column: auto; }
}
[class*="st-key-card-"] {
    position: relative; height: 100%; gap: 0.35rem; padding: 1.1rem;
    background: var(--cnnviz-surface); border: 1px solid var(--cnnviz-border);
    border-radius: 0.9rem; transition: border-color 120ms, box-shadow 120ms;
}
[class*="st-key-card-"]:hover {
    border-color: var(--cnnviz-accent); box-shadow: inset 0 0 0 1px var(--cnnviz-accent);
}
/* The link's own box grows over the whole card, which makes the card one link. */
[class*="st-key-card-"] [data-testid="stElementContainer"],
[class*="st-key-card-"] [data-testid="stPageLink"],
[class*="st-key-card-"] [data-testid="stPageLink"] * { position: static; }
[class*="st-key-card-"] a { padding: 0; background: none !important; }
[class*="st-key-card-"] a::after {
    content: ""; position: absolute; inset: 0; border-radius: 0.9rem;
}
[class*="st-key-card-"] a:focus-visible { outline: none; box-shadow: none; }
[class*="st-key-card-"] a:focus-visible::after {
    outline: 3px solid var(--cnnviz-accent); outline-offset: 2px;
}
[class*="st-key-card-"] a p { font-size: 1.2rem; font-weight: 650; color: var(--cnnviz-accent); }
.cnnviz-card-text { margin: 0; color: var(--cnnviz-muted); text-wrap: pretty; }
"""

set_up_page(
    "Convolutional networks, made visible",
    "🔲",
    "Pick a view and move something. Every number you see was computed on the spot, or measured.",
)
st.html(f"<style>{drawing.STYLE}{machine_card.STYLE}{STYLE}</style>")


def show_lesson(page: str, title: str, question: str, cards: Sequence[Card]) -> None:
    """A lesson's heading, the question that it answers, and its views as cards."""
    st.header(title, anchor=False)
    st.html(f'<p class="cnnviz-lead">{question}</p>')
    with st.container(key=f"lesson-cards-{page}"):
        for card in cards:
            with st.container(key=f"card-{page}-{card.view}"):
                if picture := card.draw():
                    st.markdown(picture, unsafe_allow_html=True)
                link = {"view": card.view}
                st.page_link(f"pages/{page}.py", label=card.title, icon="", query_params=link)
                st.html(f'<p class="cnnviz-card-text">{card.text}</p>')


show_lesson(
    "convolution",
    "Convolution",
    "What does one filter do to an image, and why is the output this size?",
    CONVOLUTION,
)
show_lesson(
    "architectures",
    "Architectures",
    "How do layers add up, and what does each one see?",
    ARCHITECTURES,
)
show_lesson("batch_norm", "Batch normalization", "What does it do to the numbers?", BATCH_NORM)
show_lesson("training", "Training", "What happens while a network learns?", TRAINING)
show_lesson("confusion", "Confusion", "What does it get wrong, and where did it look?", CONFUSION)
machine_card.show(
    find_data(PROJECT), list_checkpoints(*checkpoint_folders(PROJECT)), trainings_here()
)
