"""What all looks of the view "What it buys" share: settings, charts, captions, the race."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import streamlit as st

from cnnviz.data.catalogue import find_dataset
from cnnviz.models.registry import find_model
from cnnviz.norms.buys_settings import BuysSettings
from cnnviz.runs.plan import Plan
from cnnviz.training.config import TrainingConfig
from cnnviz.ui import charts
from cnnviz.ui.kept_settings import KeptSettings
from cnnviz.ui.url_state import PageState

KEPT: Final = KeptSettings("batch_norm", "buys", BuysSettings.from_query)
_STYLE: Final = """
.st-key-norm-race a p { color: var(--cnnviz-accent); text-decoration: underline; }
"""
_RACERS: Final = (("norm", "With batch normalization"), ("no-norm", "Without it"))
"""Preset -> what its link is called."""


def fit_settings(state: PageState, settings: BuysSettings, notes: tuple[str, ...]) -> None:
    """Keep the nearest settings that were recorded; say what of a link was changed."""
    if settings != KEPT.now():
        KEPT.change(rate=settings.rate, layer=settings.layer, channel=settings.channel)
        if notes:
            state.keep_notes(notes)
            st.rerun()


def show_chart(figure: Any, name: str, words: str) -> None:
    """As `charts.show_chart`, under a key of this view."""
    charts.show_chart(figure, f"{KEPT.prefix}.chart.{name}", words)


def say_how(config: TrainingConfig, more: str = "") -> None:
    """What was trained, and that it was done once."""
    network = f"{find_model(config.model).title} on {find_dataset(config.dataset).title}"
    st.caption(
        f"{network}, {config.epochs} epochs, batches of {config.batch_size}, seed {config.seed}: "
        f"one run each, so that small differences may be chance. {more}"
    )


def show_race(prepared: Callable[[str], Plan], words: str = "") -> None:
    """Links to the training page, prepared with batch normalization and without."""
    st.html(f"<style>{_STYLE}</style>")
    with st.container(key="norm-race", border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"**A race of your own**{words}: start both, then compare.", width="content")
        for preset, title in _RACERS:
            st.page_link(
                "pages/training.py",
                label=title,
                query_params={"view": "new"} | prepared(preset).to_query(),
                width="content",
            )
        st.page_link(
            "pages/training.py",
            label="Compare them",
            query_params={"view": "compare"},
            width="content",
        )
