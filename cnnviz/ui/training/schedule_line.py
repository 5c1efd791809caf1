"""The learning rate over a training, as a line in SVG."""

from __future__ import annotations

from typing import Final

import streamlit as st

from cnnviz.training.config import TrainingConfig
from cnnviz.training.schedule import learning_rate_at

STYLE: Final = """
.cnnviz-schedule { margin: 0 0 1rem; }
.cnnviz-schedule svg { width: 100%; height: 4.5rem; overflow: visible; }
.cnnviz-schedule polyline {
    fill: none; stroke: var(--cnnviz-accent); stroke-width: 2; vector-effect: non-scaling-stroke;
}
.cnnviz-schedule line {
    stroke: var(--cnnviz-border); stroke-width: 1; vector-effect: non-scaling-stroke;
}
.cnnviz-schedule figcaption { color: var(--cnnviz-muted); font-size: 0.9rem; }
"""
_POINTS: Final = 200


def show_schedule(config: TrainingConfig) -> None:
    """The line, and in words where it begins and ends."""
    st.markdown(schedule_html(config), unsafe_allow_html=True)


def schedule_html(config: TrainingConfig) -> str:
    """A figure whose width is that of the training."""
    rates = [learning_rate_at(config, step, _POINTS) for step in range(_POINTS)]
    top = max(rates) or 1.0
    points = " ".join(
        f"{step * 100 / (_POINTS - 1):.1f},{40 - 38 * rate / top:.2f}"
        for step, rate in enumerate(rates)
    )
    epochs = f"{config.epochs:,} epoch{'' if config.epochs == 1 else 's'}"
    words = f"Learning rate over {epochs}: {config.schedule}, at most {config.learning_rate:g}"
    if config.warmup:
        words += f" after {100 * config.warmup:g}&nbsp;% of the steps"
    # On one line: Markdown takes what is indented for code.
    return (
        f'<figure class="cnnviz-schedule"><figcaption>{words}</figcaption>'
        f'<svg viewBox="0 0 100 42" preserveAspectRatio="none" aria-hidden="true">'
        f'<line x1="0" y1="40" x2="100" y2="40"/><polyline points="{points}"/></svg></figure>'
    )
