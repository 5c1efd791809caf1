"""The view "16·5·5": how many numbers the first fully connected layer is handed, and why."""

from __future__ import annotations

from html import escape
from typing import Final

import streamlit as st

from cnnviz.architecture.first_linear import (
    KERNELS,
    MOST_FEATURES,
    PADDINGS,
    POOLS,
    SIZES,
    FirstLinearSettings,
    demanded,
    draw_question,
    first_linear_snippet,
    judge_guess,
    mend_sentence,
    read_first_linear,
    stages,
    torch_error,
)
from cnnviz.ui import warm_up
from cnnviz.ui.kept_settings import KeptSettings
from cnnviz.ui.page import draw_until_torch
from cnnviz.ui.url_state import PageState

_KEPT: Final = KeptSettings("architectures", "flatten", read_first_linear)
_QUESTION: Final = f"{_KEPT.prefix}.question"
_GUESS: Final = f"{_KEPT.prefix}.guess"
_JUDGED: Final = f"{_KEPT.prefix}.judged"
_STYLE: Final = """
.cnnviz-chain { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
.cnnviz-chain :is(th, td) {
    border: 0; border-bottom: 1px solid var(--cnnviz-border); padding: 0.3rem 0.6rem 0.3rem 0;
    text-align: left; color: var(--cnnviz-text); vertical-align: top;
}
.cnnviz-chain td.shape { font-weight: 700; white-space: nowrap; }
.cnnviz-chain code { font-size: 0.85em; }
.cnnviz-chain tr.misfit td { color: var(--cnnviz-red); }
.cnnviz-chain tr.last :is(th, td) { border-bottom: 0; font-size: 1.1em; }
@media (max-width: 640px) { .cnnviz-chain :is(.code) { display: none; } }
"""


def show(state: PageState) -> None:
    """Change the picture or the windows: what does the first fully connected layer demand?"""
    _KEPT.open(state)
    controls, chain = st.columns([2, 3], gap="large")
    with controls:
        _show_controls()
    settings = _KEPT.now()
    with chain:
        st.html(f"<style>{_STYLE}</style>{_chain_html(settings)}")
        if settings.ask:
            _show_question(settings)
        else:
            _show_misfit(settings)
    _KEPT.write(state)
    with st.expander("Take it away: PyTorch code and link"):
        st.caption("Passes a picture through, layer by layer, to where it fits no more.")
        st.code(first_linear_snippet(settings), language="python")
        st.caption("Opens this view as it is now.")
        st.code(state.link(), language=None, wrap_lines=True)


def _show_controls() -> None:
    asks = _KEPT.now().ask
    st.slider("Height and width of the picture", *SIZES, **_KEPT.setting("size"))
    st.slider("Kernel of both convolutions", *KERNELS, **_KEPT.setting("kernel"))
    st.slider("Padding of both", *PADDINGS, **_KEPT.setting("padding"))
    st.slider("Side and stride of both poolings (1: none)", *POOLS, **_KEPT.setting("pool"))
    st.toggle("Ask me: hide the sizes", **{**_KEPT.setting("ask"), "on_change": _change_ask})
    if asks:
        st.button("Another network", key=f"{_KEPT.prefix}.another", on_click=_ask_another)
    else:
        st.number_input(
            "fc1 = nn.Linear(?, 120)",
            1,
            MOST_FEATURES,
            step=1,
            width=220,
            **_KEPT.setting("expects"),
        )


def _change_ask() -> None:
    _KEPT.change(ask=st.session_state[f"{_KEPT.prefix}.ask"])
    st.session_state.pop(_JUDGED, None)


def _ask_another() -> None:
    number = st.session_state.get(_QUESTION, 0) + 1
    st.session_state[_QUESTION] = number
    st.session_state.pop(_JUDGED, None)
    question = draw_question(number)
    _KEPT.change(**{name: getattr(question, name) for name in FirstLinearSettings.__slots__})


def _chain_html(settings: FirstLinearSettings) -> str:
    told = stages(settings)
    is_hidden = settings.ask and st.session_state.get(_JUDGED) != (settings, "")
    rows = []
    for place, stage in enumerate(told):
        shape = " × ".join(f"{number:,}" for number in stage.shape) or "does not fit"
        formula = stage.formula
        if is_hidden and place:
            shape, formula = "?", ""
        kind = "last" if stage.name == "flatten" else "" if stage.shape or is_hidden else "misfit"
        rows.append(
            f'<tr class="{kind}"><th scope="row">{escape(stage.name)}</th>'
            f'<td class="code"><code>{escape(stage.code)}</code></td>'
            f'<td>{escape(formula)}</td><td class="shape">{escape(shape)}</td></tr>'
        )
    return (
        '<table class="cnnviz-chain" aria-label="From the picture to the first fully connected '
        'layer"><thead><tr><th>layer</th><th class="code">PyTorch</th><th>how it follows</th>'
        f"<th>output</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _show_misfit(settings: FirstLinearSettings) -> None:
    words = mend_sentence(settings)
    features = demanded(settings)
    if features == settings.expects:
        st.success(words)
        return
    st.error(words)
    if features is not None:
        st.button(
            "Mend it",
            type="primary",
            key=f"{_KEPT.prefix}.mend",
            on_click=_KEPT.change,
            kwargs={"expects": min(features, MOST_FEATURES)},
        )
    draw_until_torch(lambda: _show_message(settings))


def _show_message(settings: FirstLinearSettings) -> None:
    """What PyTorch says of it, word for word."""
    if not warm_up.torch_is_ready():
        st.caption("What PyTorch says of it is shown once it is loaded …")
        return
    if message := torch_error(settings):
        st.caption("PyTorch says, for one picture:")
        st.code(message, language=None, wrap_lines=True)


def _show_question(settings: FirstLinearSettings) -> None:
    with st.form(f"{_KEPT.prefix}.form", border=True):
        st.number_input(
            "How many numbers arrive at fc1?", 0, 10_000_000, step=1, key=_GUESS, width=260
        )
        st.form_submit_button("Check", type="primary", on_click=_judge)
    judged = st.session_state.get(_JUDGED)
    if judged is None or judged[0] != settings:
        return
    if judged[1]:
        st.warning(judged[1])
    else:
        channels, height, width = stages(settings)[-2].shape
        st.success(f"Right: {channels}·{height}·{width} = {demanded(settings):,}.")


def _judge() -> None:
    settings = _KEPT.now()
    st.session_state[_JUDGED] = (settings, judge_guess(settings, st.session_state[_GUESS]) or "")
