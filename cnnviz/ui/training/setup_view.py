"""The view "New training" of the training page: choose, and start."""

from __future__ import annotations

from functools import cache

import streamlit as st

from cnnviz.checkpoints.accuracy_text import percent
from cnnviz.checkpoints.card import load_card
from cnnviz.checkpoints.folders import SHIPPED
from cnnviz.data.availability import find_availability
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import CheckpointError, RunError, SettingError
from cnnviz.runs.estimate import format_about, seconds_by_card
from cnnviz.runs.limits import Limits
from cnnviz.runs.plan import Plan, read_plan
from cnnviz.training.presets import PRESETS, Preset
from cnnviz.ui.data_offer import offer_data
from cnnviz.ui.plain_text import plain
from cnnviz.ui.training import network_table, schedule_line, start_bar
from cnnviz.ui.training.service import training_service
from cnnviz.ui.training.setup_form import (
    KEPT,
    PLAN,
    field_key,
    keep_plan,
    kept_plan,
    show_form,
    take_field,
)
from cnnviz.ui.training.viewer import this_viewer
from cnnviz.ui.training.words import duration
from cnnviz.ui.url_state import PageState

_OWN = "own"
"""What the row of presets shows for a plan that began from none of them."""


def show(state: PageState) -> None:
    """Presets, the start, the settings and the network; kept in the URL through `state`."""
    st.html(f"<style>{start_bar.STYLE}{network_table.STYLE}{schedule_line.STYLE}</style>")
    try:
        service = training_service()
    except (RunError, SettingError) as error:
        st.error(f"Nothing can be trained on this server: {plain(str(error))}")
        return
    viewer = this_viewer(service)
    is_news = state.has_news_for(PLAN)
    if is_news or PLAN not in st.session_state:
        # Not news, if the viewer comes from another view of the page: its query is not for this.
        query = state.query if is_news else {}
        plan, notes = read_plan(query, service.limits, first=first_preset())
        keep_plan(plan)
        state.keep_notes(notes)
    # The recipe of a network that was chosen may go beyond what this server allows.
    keep_plan(plan := kept_plan().within(service.limits))
    state.write({"view": "new"} | plan.to_query())
    state.show_notes()
    _show_presets(plan, service.limits)
    bar = st.container(key="start-bar")
    there = offer_data(plan.config.dataset, viewer)
    with bar:
        start_bar.show_start(plan, there, service, viewer)
    settings, network = st.columns([3, 2], gap="large")
    with settings:
        show_form(plan, service.limits)
    with network:
        schedule_line.show_schedule(plan.config)
        network_table.show_network(plan.config.spec)


def first_preset() -> str:
    """The first whose data set is on this machine, else the first for which a starter set is."""
    trains = {key: find_availability(p.config.dataset).train for key, p in PRESETS.items()}
    whole = [key for key, source in trains.items() if source not in (None, "starter")]
    some = [key for key, source in trains.items() if source is not None]
    return (whole or some or list(PRESETS))[0]


def _show_presets(plan: Plan, limits: Limits) -> None:
    """The row of presets, what the chosen one is, and what was changed of it."""
    chosen = plan.preset or _OWN
    st.segmented_control(
        "Begin with",
        [*PRESETS, *([_OWN] if chosen == _OWN else [])],
        default=chosen,
        format_func=lambda name: PRESETS[name].name if name in PRESETS else "Your own",
        key=field_key("preset", chosen),
        required=True,
        on_change=_take_preset,
        args=(limits,),
    )
    with st.container(gap="xsmall"):
        if plan.preset is None:
            st.markdown(f"{plan.title}, beginning from the settings that were found good for it.")
        else:
            preset = PRESETS[plan.preset]
            st.markdown(preset.sentence)
            if words := " ".join((preset.note, _trained_words(preset))).strip():
                st.caption(words)
        _show_changes(plan, limits)


def _show_changes(plan: Plan, limits: Limits) -> None:
    changed = "; ".join(
        f"{found.words} {found.values[1]} instead of {found.values[0]}"
        for found in plan.differences()
    )
    if not changed:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(" ".join((f"Changed: {changed}.", *plan.beyond(limits))), width="content")
        if plan != plan.unchanged().within(limits):
            st.button(
                "Undo the changes",
                key=f"{KEPT}.undo",
                on_click=lambda: keep_plan(plan.unchanged().within(limits)),
                type="tertiary",
            )


def _take_preset(limits: Limits) -> None:
    chosen = take_field("preset")
    if chosen in PRESETS:
        keep_plan(Plan.of_preset(chosen, name=kept_plan().name).within(limits))


@cache
def _trained_words(preset: Preset) -> str:
    """What the cards of the networks that come with cnnviz know of it."""
    name = preset.checkpoint or preset.pace
    if name is None:
        return ""
    try:
        card = load_card(PROJECT / SHIPPED, name)
    except CheckpointError:
        return ""  # a copy without the trained networks
    threads, hardware = card.hardware.threads, card.hardware
    place = (
        f"on {threads} thread{'' if threads == 1 else 's'} of an {hardware.device_name} in "
        f"{hardware.precision}"
    )
    if preset.checkpoint is None:
        seconds = seconds_by_card(preset.config, card)
        return f"It takes {format_about(seconds)} {place}; other processors differ."
    return (
        f"The network that comes with cnnviz was trained so in {duration(int(card.train_s))} "
        f"{place}, and is right on {percent(card.single_view.overall)} of the test pictures "
        f"({percent(card.with_flip.overall)} with test-time flip)."
    )
