"""The view "Paste your own": a network's text, read and never executed, and what becomes of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from cnnviz.data.catalogue import DATASETS
from cnnviz.errors import CnnvizError, ModelTextError, SettingError
from cnnviz.model_text import bounds
from cnnviz.model_text.blueprint import NetworkText, read_network
from cnnviz.model_text.examples import EXAMPLES
from cnnviz.model_text.mends import Mend
from cnnviz.model_text.misfits import Explanation, explain, size_text
from cnnviz.model_text.settings import PasteSettings, read_paste_settings
from cnnviz.runs.plan import Plan
from cnnviz.ui import warm_up
from cnnviz.ui.architecture.paste_listing import (
    STYLE,
    listing_html,
    misfit_listing,
    steps_html,
)
from cnnviz.ui.kept_settings import KeptSettings
from cnnviz.ui.page import draw_until_torch
from cnnviz.ui.plain_text import plain
from cnnviz.ui.training.setup_form import keep_plan
from cnnviz.ui.url_state import PageState
from cnnviz.ui.views import go_to_view

if TYPE_CHECKING:
    from cnnviz.model_text.steps import Traced

_KEPT: Final = KeptSettings("architectures", "paste", read_paste_settings)
_REFUSED: Final = f"{_KEPT.prefix}.refused"
_OWN: Final = "own"
_SIZES: Final = {
    (1, 28, 28): "MNIST",
    (3, 32, 32): "CIFAR-10",
    (3, 224, 224): "ImageNet",
}


def show(state: PageState) -> None:
    """The text on the left, what its network does with a picture on the right."""
    st.html(f"<style>{STYLE}</style>")
    _KEPT.open(state)
    draw_until_torch(partial(_show, state))


def _show(state: PageState) -> None:
    settings = _KEPT.now()
    written, becomes = st.columns([2, 3], gap="large")
    with written:
        _show_text(settings)
    with becomes:
        _show_network(settings)
    _KEPT.write(state)
    with st.expander("Take it away: link"):
        if settings.fits_a_link:
            st.caption("Opens this view with this text.")
            st.code(state.link(), language=None, wrap_lines=True)
        else:
            st.caption("The text is too long for a link: keep it as a file.")


def _show_text(settings: PasteSettings) -> None:
    chosen = settings.example or _OWN
    key = f"{_KEPT.prefix}.example"
    st.session_state[key] = chosen
    st.segmented_control(
        "Begin with",
        [*EXAMPLES, *([_OWN] if chosen == _OWN else [])],
        format_func=lambda name: EXAMPLES[name].title if name in EXAMPLES else "Your own",
        key=key,
        required=True,
        wrap=True,  # on a phone the last choice would be cut off
        on_change=_take_example,
        args=(key,),
    )
    refused: tuple[str, str] | None = st.session_state.get(_REFUSED)
    text = _KEPT.setting("text")
    if refused is not None:
        st.session_state[text["key"]] = refused[0]
    st.text_area(
        "nn.Sequential(...), or a class with `__init__` and `forward`",
        height=430,
        max_chars=bounds.MAX_CHARACTERS,
        key=text["key"],
        on_change=_take_text,
        args=(text["key"],),
        help="Read when you leave the box, or on Ctrl + Enter. It is taken apart and looked up, "
        "and never run.",
    )
    _show_size(settings)


def _show_size(settings: PasteSettings) -> None:
    key = f"{_KEPT.prefix}.size"
    shape = settings.input_shape
    st.session_state[key] = shape if shape in _SIZES else None
    st.segmented_control(
        "Picture that goes in",
        list(_SIZES),
        format_func=_SIZES.__getitem__,
        key=key,
        on_change=_take_size,
        args=(key,),
    )
    with st.container(horizontal=True):
        for name, most in (
            ("channels", bounds.MAX_CHANNELS),
            ("height", bounds.MAX_SIDE),
            ("width", bounds.MAX_SIDE),
        ):
            st.number_input(name.capitalize(), 1, most, step=1, width=110, **_KEPT.setting(name))


def _take_example(key: str) -> None:
    st.session_state.pop(_REFUSED, None)
    if (name := st.session_state[key]) in EXAMPLES:
        _KEPT.change(text=EXAMPLES[name].text)


def _take_size(key: str) -> None:
    if st.session_state[key] is not None:
        channels, height, width = st.session_state[key]
        _KEPT.change(channels=channels, height=height, width=width)


def _take_text(key: str) -> None:
    """Keeps what was typed; what cannot even be kept stays in the box, with the reason."""
    typed: Any = st.session_state[key]
    st.session_state.pop(_REFUSED, None)
    try:
        _KEPT.change(text=typed)
    except ModelTextError as error:
        st.session_state[_REFUSED] = (typed, str(error))


def _show_network(settings: PasteSettings) -> None:
    refused: tuple[str, str] | None = st.session_state.get(_REFUSED)
    if refused is not None:
        st.error(plain(f"This text is not read. {refused[1]}"))
        return
    try:
        text = read_network(settings.text)
    except ModelTextError as error:
        _show_refusal(settings.text, error)
        return
    if not warm_up.torch_is_ready():
        waits = warm_up.torch_is_coming()
        st.caption(
            "The text is read; its layers are traced as soon as PyTorch is loaded …"
            if waits
            else f"The layers cannot be traced: PyTorch {warm_up.status()}."
        )
        return
    try:
        traced = _trace(text, settings.input_shape)
    except ModelTextError as error:
        _show_refusal(settings.text, error)
        return
    if traced.misfit is not None:
        _show_misfit(traced, explain(traced.misfit, text.text))
    else:
        _show_totals(traced)
    st.html(steps_html(traced))


def _trace(text: NetworkText, input_shape: tuple[int, int, int]) -> Traced:
    from cnnviz.model_text.trace import trace_text

    return trace_text(text, input_shape)


def _show_refusal(text: str, error: ModelTextError) -> None:
    where = f"Line {error.line}: " if error.line else ""
    st.error(plain(f"{where}{error.reason}."))
    if error.line:
        line = text.split("\n")[error.line - 1 : error.line]
        from_here = max(0, error.column - 1)
        end = len(line[0]) if line else from_here
        span = (from_here, end) if error.column and from_here < end else None
        st.html(listing_html(text, {error.line: span}, frozenset()))
    st.caption(
        "The text is looked up word by word and never run. What is read: layers of nn, functions "
        "of F and torch, view, flatten and the like, + and torch.cat, names and numbers."
    )


def _show_misfit(traced: Traced, explained: Explanation) -> None:
    misfit = traced.misfit
    assert misfit is not None
    used = f", used in line {misfit.used_at.line}" if misfit.used_at else ""
    st.error(
        f"**Line {misfit.place.line}{used}.** {plain(explained.sentence)}\n\n"
        f"**{plain(explained.fix)}**"
    )
    if explained.mend is not None:
        st.button(
            "Mend it",
            key=f"{_KEPT.prefix}.mend",
            type="primary",
            on_click=_mend,
            args=(traced.text.text, explained.mend),
        )
    if misfit.message is not None:
        st.caption("PyTorch says, for a batch of 2 pictures:")
        st.code(misfit.message, language=None, wrap_lines=True)
    st.html(misfit_listing(traced.text.text, misfit))


def _mend(text: str, mend: Mend) -> None:
    try:
        _KEPT.change(text=mend.apply(text))
    except CnnvizError:
        return  # the text would grow too long


def _show_totals(traced: Traced) -> None:
    output = size_text(traced.output) if traced.output is not None else "–"
    st.markdown(
        f"**Every layer fits.** {traced.parameters:,} parameters, {traced.macs:,} "
        f"multiply-accumulates for one picture; {output} "
        f"{'numbers come' if traced.output and len(traced.output) == 1 else 'comes'} out."
    )
    _offer_training(traced)


def _offer_training(traced: Traced) -> None:
    """A button that brings the network to the training page, if it can be trained."""
    from cnnviz.model_text.pasted import trainable

    dataset = next(
        (
            info
            for info in DATASETS.values()
            if (info.channels, info.height, info.width) == traced.input_shape
        ),
        None,
    )
    if dataset is None:
        st.caption("To train it, choose the pictures of MNIST or CIFAR-10.")
        return
    text = traced.text.text
    try:
        trainable(text, traced.input_shape, len(dataset.class_names))
    except SettingError as error:
        st.caption(plain(f"It cannot be trained on {dataset.title}: {error}."))
        return
    if st.button(
        f"Train it on {dataset.title}",
        key=f"{_KEPT.prefix}.train",
        type="primary",
        on_click=_prepare_training,
        args=(text, dataset.name),
    ):
        st.switch_page("pages/training.py")


def _prepare_training(text: str, dataset: str) -> None:
    keep_plan(Plan.of_text(text, dataset))
    go_to_view("training", "new")
