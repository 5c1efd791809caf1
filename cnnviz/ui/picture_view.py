"""The view "on a picture" of the convolution lesson."""

from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import streamlit as st

from cnnviz.errors import NoOutputError, SettingError
from cnnviz.picture_lesson import (
    NO_MAP,
    Agreement,
    BrowserReport,
    MapSummary,
    PictureSettings,
    agree,
    feature_map,
    pytorch_snippet,
    read_report,
    summarise,
    summarise_map,
)
from cnnviz.pictures import Picture, sample_picture, to_grey
from cnnviz.ui import warm_up
from cnnviz.ui.charts import is_dark
from cnnviz.ui.components.picture_lab import picture_id, picture_lab
from cnnviz.ui.page import draw_until_torch
from cnnviz.ui.uploads import bring_picture
from cnnviz.ui.url_state import PageState, open_page_state

MAX_SIDE: Final = 160
"""Pixels on the longer side: with the widest padding, twice as large still fits on a phone."""

LAB_KEY: Final = "picture_lab"
_CHELSEA: Final = "Chelsea the cat"
_FILE: Final = "A file of yours"
_CAMERA: Final = "Your camera"
_KEPT: Final = "convolution.picture"
"""Begins the names of what the session keeps: settings, version, the picture and its file."""


def show(state: PageState | None = None) -> None:
    """The picture, its filter and its feature map; kept in the URL through the page's `state`."""
    if state is None:
        state = open_page_state("convolution", is_entered=False)
    if state.has_news_for(f"{_KEPT}.settings"):
        settings, notes = PictureSettings.from_query(state.query)
        st.session_state[f"{_KEPT}.settings"] = settings
        st.session_state[f"{_KEPT}.version"] = _version() + 1
        state.keep_notes(notes)
    # Containers, so that the lab keeps its place in the page: one that moves is mounted anew, and
    # what the hand did in the last moment is lost.
    with st.container():
        state.show_notes()
    with st.container():
        picture = _choose_picture()
    draw_until_torch(partial(_lab, picture, state))


def current_settings() -> PictureSettings:
    """The settings that the browser reported last, or the opening ones."""
    settings: PictureSettings = st.session_state.get(f"{_KEPT}.settings", PictureSettings())
    return settings


def _version() -> int:
    """Counts how often Python, rather than the browser, has set the settings."""
    version: int = st.session_state.get(f"{_KEPT}.version", 0)
    return version


# ------------------------------------------------------------------------------------ the picture


def _choose_picture() -> Picture:
    source = st.radio(
        "Picture",
        (_CHELSEA, _FILE, _CAMERA),
        horizontal=True,
        key=f"{_KEPT}.source",
        persist_state="session",
    )
    if source == _CHELSEA:
        st.session_state.pop(f"{_KEPT}.shown", None)
        return sample_picture(max_side=MAX_SIDE)
    shown = bring_picture(
        _KEPT, is_camera=source == _CAMERA, max_side=MAX_SIDE, is_another_shown=True
    )
    if shown is None:
        return sample_picture(max_side=MAX_SIDE)
    if shown.notes:
        st.caption(" ".join(shown.notes))
    return shown


# ------------------------------------------------------------------------- the lab and its verdict


def _lab(picture: Picture, state: PageState) -> None:
    grey = to_grey(picture.pixels)
    verdict = _receive(grey)
    settings = current_settings()
    state.write({"view": "picture"} | settings.to_query())
    picture_lab(grey, settings, version=_version(), verdict=verdict, key=LAB_KEY)
    _show_values(grey, settings)
    with st.expander("Take it away: PyTorch code, picture and link"):
        st.caption("Computes this feature map from the picture as it is shown, with PyTorch alone.")
        st.code(pytorch_snippet(settings), language="python")
        st.download_button(
            "Download the picture as picture.png",
            picture.to_png,
            file_name="picture.png",
            mime="image/png",
            on_click="ignore",
            key=f"{_KEPT}.download",
        )
        st.caption("Opens this page with these settings; a picture of your own is not in the link.")
        st.code(state.link(), language=None, wrap_lines=True)


def _receive(grey: npt.NDArray[np.float64]) -> dict[str, object] | None:
    """Keep the settings that the browser reports, and judge the map that it reports."""
    sent: Any = st.session_state.get(LAB_KEY, {}).get("state")
    if sent is None:
        return None
    try:
        report = read_report(sent)
    except SettingError as error:
        return {"state_id": "", "ok": False, "text": str(error)}
    if report.version != _version():
        return None  # sent before Python set the settings
    st.session_state[f"{_KEPT}.settings"] = report.settings
    if report.picture_id != picture_id(grey):
        return None  # about the picture before this one
    verdict = _judge(grey, report)
    return {"state_id": report.state_id, "ok": verdict.ok, "text": verdict.text}


def _judge(grey: npt.NDArray[np.float64], report: BrowserReport) -> Agreement:
    torch_summary = _summarise_by_torch(grey, report.settings) if warm_up.torch_is_ready() else None
    why = "PyTorch is loading …" if warm_up.torch_is_coming() else "PyTorch is not available here."
    return agree(report.summary, summarise(grey, report.settings), torch_summary, why_no_torch=why)


def _summarise_by_torch(grey: npt.NDArray[np.float64], settings: PictureSettings) -> MapSummary:
    from cnnviz import torch_reference

    weight = np.array(settings.kernel)[None, None]  # (1, 1, k, k)
    if settings.flip:
        weight = weight[:, :, ::-1, ::-1].copy()
    try:
        maps = torch_reference.conv2d(grey[None], weight, settings.to_spec(), bias=[settings.bias])
    except NoOutputError:
        return NO_MAP
    return summarise_map(maps[0])


def _show_values(grey: npt.NDArray[np.float64], settings: PictureSettings) -> None:
    from cnnviz.figures.convolution import value_histogram_figure

    try:
        values = feature_map(grey, settings)
    except NoOutputError:
        return
    figure = value_histogram_figure(values, dark=is_dark())
    st.plotly_chart(
        figure,
        theme=None,
        alt=f"Histogram of the feature map. {figure.layout.title.text}.",
        key=f"{_KEPT}.histogram",
        config={"displayModeBar": False},
    )
