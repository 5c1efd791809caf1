"""The view "Draw a digit": what the networks trained on MNIST take it for while it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import streamlit as st

from cnnviz.checkpoints.folders import checkpoint_folders, find_checkpoint
from cnnviz.data.datasets import PROJECT
from cnnviz.digits.ink import Pixels
from cnnviz.digits.judge import Logits, judge
from cnnviz.digits.settings import (
    MOST_NETWORKS,
    DigitSettings,
    digit_query,
    read_digit_settings,
)
from cnnviz.digits.snippet import digit_snippet
from cnnviz.errors import CnnvizError
from cnnviz.models.registry import find_model
from cnnviz.ui import warm_up
from cnnviz.ui.components.digit_pad import AskedNetwork, digit_pad
from cnnviz.ui.drawn_digit import keep_drawn_digit
from cnnviz.ui.lab_reports import receive_report
from cnnviz.ui.page import draw_until_torch
from cnnviz.ui.shipped import trained_card, trained_network, trained_networks
from cnnviz.ui.url_state import PageState
from cnnviz.ui.views import go_to_view
from cnnviz.verdict import Verdict

PAD: Final = "digit_pad.draw"
_KEPT: Final = "architectures.digit"
_FIRST: Final = ("lenet5-mnist", "improved_lenet-mnist")
"""Those that come with cnnviz; what was trained here comes behind them."""


def show(state: PageState) -> None:
    """The pad, its verdict, and what can be taken away; kept in the URL through `state`."""
    there = _networks_on_mnist()
    if state.has_news_for(_KEPT):
        settings, notes = read_digit_settings(state.query, there)
        st.session_state[_KEPT] = settings
        st.session_state[f"{_KEPT}.version"] = _version() + 1
        state.keep_notes(notes)
    # Containers, so that the pad keeps its place: one that moves is mounted anew.
    with st.container():
        state.show_notes()
    if not there:
        st.info("No network here is trained on MNIST, so there is none to ask about a digit.")
        return
    # The browser's report redraws this much and no more; PyTorch joins the verdict when it can.
    draw_until_torch(partial(_lab, state, there))


def _now(there: tuple[str, ...]) -> DigitSettings:
    """What is kept; what an empty link opens where nothing is, or a network that is gone."""
    settings: DigitSettings | None = st.session_state.get(_KEPT)
    if settings is None or not set(settings.networks) <= set(there):
        settings = read_digit_settings({}, there)[0]
        st.session_state[_KEPT] = settings
    return settings


def _version() -> int:
    """Counts how often a link, rather than the browser, has set the state."""
    version: int = st.session_state.get(f"{_KEPT}.version", 0)
    return version


def _lab(state: PageState, there: tuple[str, ...]) -> None:
    with st.container():
        if len(there) > len(_FIRST):
            _choose_networks(there)
        networks, problems = _asked(_now(there).networks)
        for problem in problems:
            st.error(problem)
    report: Any = st.session_state.get(PAD, {}).get("report")
    verdict = _receive(report, there) if report else None
    settings = _now(there)
    keep_drawn_digit(settings.pixels)
    state.write({"view": "digit"} | digit_query(settings, there))
    digit_pad(
        settings,
        networks,
        key=PAD,
        version=_version(),
        there=_known_to_browser(report),
        verdict=verdict,
        waiting=_waiting_words(),
    )
    _links(state, settings, there)


def _choose_networks(there: tuple[str, ...]) -> None:
    key = f"{_KEPT}.networks"
    st.session_state[key] = list(_now(there).networks)

    def taken() -> None:
        if chosen := tuple(st.session_state[key]):
            kept = _now(there)
            st.session_state[_KEPT] = DigitSettings(
                strokes=kept.strokes, pen=kept.pen, fit=kept.fit, networks=chosen
            )

    st.multiselect(
        "Networks that are asked",
        there,
        format_func=_titles(there).__getitem__,
        max_selections=MOST_NETWORKS,
        key=key,
        on_change=taken,
    )


def _receive(report: Any, there: tuple[str, ...]) -> dict[str, str] | None:
    """Keep the reported drawing, and judge the reported picture and logits."""
    names = _now(there).networks

    def judged(
        settings: DigitSettings, browser: object, /, *, ask_torch: bool, why_no_torch: str
    ) -> Verdict:
        ask = partial(_ask_torch, names) if ask_torch else None
        return judge(settings, browser, ask=ask, why_no_torch=why_no_torch)

    def keep(settings: DigitSettings) -> None:
        st.session_state[_KEPT] = settings

    return receive_report(
        report,
        _version(),
        read=lambda value: DigitSettings.from_json(value, names),
        judge=judged,
        answer="answer",
        keep=keep,
    )


def _known_to_browser(report: Any) -> tuple[str, ...]:
    """The networks whose numbers it says that it has."""
    has = report.get("has") if isinstance(report, Mapping) else None
    return tuple(map(str, has)) if isinstance(has, list | tuple) else ()


def _waiting_words() -> str:
    if warm_up.torch_is_coming():
        return "The networks are being read: their answers come in a moment. Draw already."
    if warm_up.torch_is_ready():
        return "None of these networks can be run in the browser."
    return f"PyTorch, which reads the networks, is not available here: {warm_up.status()}."


# ------------------------------------------------------------------------------------ the networks


def _networks_on_mnist() -> tuple[str, ...]:
    """By name, those that come with cnnviz first. Needs no torch."""
    found = []
    for file in trained_networks():
        try:
            if trained_card(file.name).dataset.name == "mnist":
                found.append(file.name)
        except CnnvizError:
            continue  # a card that cannot be read is told of where checkpoints are listed
    return tuple(sorted(found, key=lambda name: (name not in _FIRST, _place(name), name)))


def _place(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else 0


def _titles(names: Sequence[str]) -> dict[str, str]:
    """The family's name, with the checkpoint's own where it was trained here."""
    families = {name: find_model(trained_card(name).spec.name).title for name in names}
    return {
        name: family if name in _FIRST else f"{family} ({name})"
        for name, family in families.items()
    }


def _asked(names: tuple[str, ...]) -> tuple[list[AskedNetwork], list[str]]:
    """Those that can be asked, and what is wrong with the others; none while torch is loading."""
    asked, problems = list[AskedNetwork](), list[str]()
    for name in names if warm_up.torch_is_ready() else ():
        try:
            asked.append(_asked_network(name, trained_card(name).weights_sha256))
        except CnnvizError as error:
            problems.append(str(error))
    return asked, problems


@st.cache_resource(show_spinner=False, max_entries=16)
def _asked_network(name: str, digest: str) -> AskedNetwork:
    from cnnviz.digits.browser_net import browser_net

    net = browser_net(trained_network(name), trained_card(name))
    return AskedNetwork(name, _titles([name])[name], digest[:16], net)


def _ask_torch(names: tuple[str, ...], pixels: Pixels) -> dict[str, Logits]:
    """The logits of each network that the browser can run, by PyTorch."""
    from cnnviz.predictions import predict_logits
    from cnnviz.training.pictures import Normalization

    logits = {}
    for asked in _asked(names)[0]:
        normalization = Normalization(asked.net.mean, asked.net.std)
        picture = np.ascontiguousarray(pixels[None, :, :, None])  # (N, H, W, C)
        found = predict_logits(trained_network(asked.name), picture, normalization)
        logits[asked.name] = found[0].astype(np.float64)
    return logits


# ----------------------------------------------------------------------------- where it leads from


def _links(state: PageState, settings: DigitSettings, there: tuple[str, ...]) -> None:
    from cnnviz.ui.architecture_views import ARCHITECTURE_VIEWS  # which imports this module

    if "inside" in ARCHITECTURE_VIEWS and st.button(
        "Look inside the network with this digit",
        key=f"{_KEPT}.inside",
        disabled=not settings.strokes,
    ):
        st.session_state["digit.look_inside"] = True
        st.session_state["digit.look_inside.model"] = settings.networks[0]
        go_to_view("architectures", "inside")
        st.rerun()
    name = settings.networks[0]
    folder = find_checkpoint(name, checkpoint_folders(PROJECT)).folder.name
    with st.expander("Take it away: PyTorch code and link"):
        st.caption(f"Asks {_titles([name])[name]} about this digit; to be run beside app.py.")
        st.code(digit_snippet(settings.pixels, folder, name), language="python", height=400)
        st.caption("Opens this view with these strokes.")
        st.code(state.link(), language=None, wrap_lines=True)
