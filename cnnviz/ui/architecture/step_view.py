"""The view "One step": forward, backward and one step of the optimizer, with all their numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import streamlit as st

from cnnviz.errors import SettingError
from cnnviz.one_step.network import losses, take_step
from cnnviz.one_step.settings import (
    CELL_LIMIT,
    CLASS_NAMES,
    CLASSES,
    MOMENTA,
    MOST_STEPS,
    PICTURES,
    POOLS,
    RATES,
    read_step_settings,
)
from cnnviz.one_step.snippet import step_snippet
from cnnviz.one_step.stage import Stage
from cnnviz.one_step.stages import stages_of
from cnnviz.query import Cells
from cnnviz.ui.architecture.step_board import board_html, told_html
from cnnviz.ui.components.number_grid import number_grid
from cnnviz.ui.kept_settings import KeptSettings
from cnnviz.ui.url_state import PageState

_KEPT: Final = KeptSettings("architectures", "step", read_step_settings)
_GRID: Final = "architectures.step.grid"
_OWN: Final = "your own"
_POOLINGS: Final = {"none": "none (4 × 4 picture)", "max": "max", "average": "average"}


def show(state: PageState) -> None:
    """The board of numbers, told stage by stage; nothing here needs torch."""
    _KEPT.open(state)
    st.fragment(partial(_show, state))()


def _show(state: PageState) -> None:
    _receive()
    _show_choices()
    settings = _KEPT.now()
    step = take_step(settings)
    stages = stages_of(settings, step)
    at = min(settings.stage, len(stages) - 1)
    _show_walk(stages, at)
    told = losses(settings, MOST_STEPS + 1)
    st.markdown(
        told_html(stages, at) + board_html(settings, step, stages, at, told),
        unsafe_allow_html=True,
    )
    _KEPT.write(state)
    with st.expander("Take it away: PyTorch code and link"):
        st.caption("Takes the same steps, with PyTorch alone.")
        st.code(step_snippet(settings), language="python", height=400)
        st.caption("Opens this view as it is now, edited pixels included.")
        st.code(state.link(), language=None, wrap_lines=True)


def _show_choices() -> None:
    settings = _KEPT.now()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = [*PICTURES, *([_OWN] if settings.cells else [])]
        picture = _control("picture", _choose_picture)
        st.session_state[picture["key"]] = _OWN if settings.cells else settings.picture
        st.selectbox("Picture", shown, width=150, **picture)
        st.segmented_control(
            "Its class",
            list(range(settings.classes)),
            format_func=CLASS_NAMES.__getitem__,
            required=True,
            **_KEPT.setting("target"),
        )
        st.segmented_control(
            "Classes",
            CLASSES,
            required=True,
            **_control(
                "classes",
                lambda count: _KEPT.change(
                    classes=count, target=min(_KEPT.now().target, count - 1)
                ),
            ),
        )
        st.selectbox(
            "Pooling",
            POOLS,
            format_func=_POOLINGS.__getitem__,
            width=210,
            **_control("pool", lambda pool: _KEPT.change(pool=pool, cells=None)),
        )
        st.select_slider(
            "Learning rate η",
            RATES,
            format_func=lambda rate: f"{rate:g}",
            width=230,
            **_KEPT.setting("rate"),
        )
        st.segmented_control(
            "Momentum",
            MOMENTA,
            format_func=lambda momentum: f"{momentum:g}",
            required=True,
            **_KEPT.setting("momentum"),
        )
    with st.expander("Type other pixels"):
        number_grid(
            settings.image.tolist(),
            name="Picture",
            limit=CELL_LIMIT,
            identity=f"{settings.picture}/{settings.cells}/{settings.pool}",
            key=_GRID,
        )


def _control(name: str, take: Callable[[Any], None]) -> dict[str, Any]:
    """A control that shows a setting, and changes others with it."""
    given = _KEPT.setting(name)
    return {**given, "on_change": lambda: take(st.session_state[given["key"]])}


def _choose_picture(name: str) -> None:
    if name != _OWN:
        target = CLASS_NAMES.index(name) if name in CLASS_NAMES else _KEPT.now().target
        target = min(target, _KEPT.now().classes - 1)
        _KEPT.change(picture=name, cells=None, target=target)


def _receive() -> None:
    """Keep the pixels that were typed in the grid, once."""
    sent: Any = st.session_state.get(_GRID, {}).get("typed")
    if not isinstance(sent, dict) or sent.get("n") == st.session_state.get(f"{_GRID}.n"):
        return
    st.session_state[f"{_GRID}.n"] = sent.get("n")
    try:
        cells: Cells = tuple(tuple(float(cell) for cell in row) for row in sent["cells"])
        _KEPT.change(cells=cells)
    except (SettingError, TypeError, ValueError, KeyError):
        return  # it may hold anything: what makes no sense changes nothing


def _show_walk(stages: tuple[Stage, ...], at: int) -> None:
    """Back, next, and a slider over all stages."""
    settings = _KEPT.now()
    last = len(stages) - 1
    key = f"{_KEPT.prefix}.stage"
    st.session_state[key] = at

    def name(place: int) -> str:
        return f"{place + 1}. {stages[place].phase}: {stages[place].title}"

    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Back",
            key=f"{_KEPT.prefix}.back",
            disabled=at == 0,
            on_click=lambda: _KEPT.change(stage=at - 1),
        )
        if at < last:
            st.button(
                "Next",
                key=f"{_KEPT.prefix}.next",
                type="primary",
                on_click=lambda: _KEPT.change(stage=at + 1),
            )
        else:
            st.button(
                "Keep this step, tell the next",
                key=f"{_KEPT.prefix}.keep",
                type="primary",
                disabled=settings.steps == MOST_STEPS,
                on_click=lambda: _KEPT.change(stage=0, steps=settings.steps + 1),
            )
        st.select_slider(
            "Stage",
            range(len(stages)),
            format_func=name,
            label_visibility="collapsed",
            width=520,
            key=key,
            on_change=lambda: _KEPT.change(stage=st.session_state[key]),
        )
        if settings.steps:
            st.button(
                f"Begin again ({settings.steps} done)",
                key=f"{_KEPT.prefix}.again",
                on_click=lambda: _KEPT.change(stage=0, steps=0),
            )
