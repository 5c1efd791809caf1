"""The views of the convolution lesson that are walked window by window."""

from functools import partial
from typing import Any

import streamlit as st

from cnnviz.convolution_judge import judge
from cnnviz.convolution_lesson import LessonSettings, View, from_query, opening_settings, to_query
from cnnviz.errors import SettingError
from cnnviz.snippets import lesson_snippet
from cnnviz.ui.components.window_lab import window_lab
from cnnviz.ui.lab_reports import receive_report
from cnnviz.ui.page import draw_until_torch
from cnnviz.ui.url_state import PageState


def show(view: View, state: PageState) -> None:
    """The lab, its verdict, and what can be taken away; kept in the URL through `state`."""
    if state.has_news_for(_kept(view)):
        settings, notes = from_query(view, state.query)
        open_settings(settings)
        state.keep_notes(notes)
    state.show_notes()
    # The browser's report redraws this much and no more; PyTorch joins the verdict when it can.
    draw_until_torch(partial(_lab, view, state))


def open_settings(settings: LessonSettings) -> None:
    """Make this the state of its view, whatever the browser shows now."""
    st.session_state[_kept(settings.view)] = settings
    st.session_state[f"{_kept(settings.view)}.version"] = _version(settings.view) + 1


def current_settings(view: View) -> LessonSettings:
    """The state of a view: the last one that the browser reported, or the opening one."""
    settings: LessonSettings = st.session_state.get(_kept(view), opening_settings(view))
    return settings


def _kept(view: View) -> str:
    return f"convolution.{view}"


def _version(view: View) -> int:
    """Counts how often Python, rather than the browser, has set the state of a view."""
    version: int = st.session_state.get(f"{_kept(view)}.version", 0)
    return version


def _lab(view: View, state: PageState) -> None:
    key = f"window_lab.{view}"
    report: Any = st.session_state.get(key, {}).get("report")
    verdict = _receive(view, report) if report else None
    settings = current_settings(view)
    state.write(({} if view == "hand" else {"view": view}) | to_query(settings))
    window_lab(settings, key=key, version=_version(view), verdict=verdict)
    with st.expander("Take it away: PyTorch code and link"):
        st.caption("Reproduces what is on the screen, with PyTorch alone.")
        st.code(lesson_snippet(settings), language="python")
        st.caption("Opens this page in this state, edited cells included.")
        st.code(state.link(), language=None, wrap_lines=True)


def _receive(view: View, report: Any) -> dict[str, str] | None:
    """Keep the reported settings and judge the reported output."""

    def read(value: object) -> LessonSettings:
        settings = LessonSettings.from_json(value)
        if settings.view != view:
            raise SettingError(f"settings of {settings.view} are none of {view}")
        return settings

    def keep(settings: LessonSettings) -> None:
        st.session_state[_kept(view)] = settings

    return receive_report(
        report, _version(view), read=read, judge=judge, answer="output", keep=keep
    )
