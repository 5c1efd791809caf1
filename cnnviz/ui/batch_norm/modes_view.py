"""The view "Train against eval": a picture's neighbours change its answer, until eval is on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import streamlit as st

from cnnviz.batchnorm import Mode
from cnnviz.errors import CnnvizError
from cnnviz.figures.snapshots import picture_uri
from cnnviz.norms.batch_effects import BATCH_SIZES, BatchVerdict, draw_neighbours, with_neighbours
from cnnviz.norms.modes_settings import ModesSettings, fit_modes_settings, read_modes_settings
from cnnviz.norms.modes_words import alone_sentence, answer_sentence, modes_snippet, share
from cnnviz.norms.network_settings import MOST_DRAWS
from cnnviz.norms.picture_batch import PictureBatch, class_counts
from cnnviz.ui.batch_norm import modes_costs
from cnnviz.ui.batch_norm.networks import (
    NormalizedNetwork,
    is_torch_here,
    network_names,
    network_titles,
    open_network,
    say_where_from,
    say_which_are_left_out,
)
from cnnviz.ui.charts import is_dark, show_chart
from cnnviz.ui.kept_settings import KeptSettings
from cnnviz.ui.page import draw_until_torch
from cnnviz.ui.url_state import PageState

if TYPE_CHECKING:
    from collections.abc import Sequence

_MODES: Final[dict[Mode, str]] = {"train": "model.train()", "eval": "model.eval()"}
_ALL: Final = ""
_ANSWERS: Final = "batch_norm.modes.answers"
_STYLE: Final = """
.cnnviz-asked { display: flex; gap: 1rem; align-items: center; margin: 0; flex-wrap: wrap; }
.cnnviz-asked > img {
    width: 7rem; image-rendering: pixelated; border-radius: 0.4rem;
    outline: 3px solid var(--cnnviz-accent);
}
.cnnviz-asked .answer { font-size: 2.4rem; font-weight: 700; line-height: 1.1; }
.cnnviz-asked .of { color: var(--cnnviz-muted); }
"""


def show(state: PageState) -> None:
    """Choose a picture and its batch; ask the network in both modes."""
    names = network_names()
    if not names.normalized:
        state.show_notes()
        st.info("No trained network here has batch normalization.")
        return
    models = names.normalized
    kept = KeptSettings("batch_norm", "modes", partial(read_modes_settings, models=models))
    kept.open(state)
    draw_until_torch(partial(_show, state, kept, models, names.others))


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What is on the screen: a batch whose first picture is the one that is asked about."""

    found: NormalizedNetwork
    settings: ModesSettings
    batch: PictureBatch
    verdict: BatchVerdict

    @property
    def label(self) -> int:
        return int(self.found.split.labels[self.settings.picture])

    @property
    def class_name(self) -> str:
        return self.found.split.class_names[self.label]

    @property
    def answer(self) -> float:
        """The probability of the picture's class, in the mode that is on."""
        verdict = self.verdict
        by_mode = verdict.train if self.settings.mode == "train" else verdict.evaluation
        return float(by_mode[0, self.label])


def _show(
    state: PageState,
    kept: KeptSettings[ModesSettings],
    models: tuple[str, ...],
    others: tuple[str, ...],
) -> None:
    if not is_torch_here():
        return
    found = open_network(kept.now().model)
    if found is None:
        return
    split = found.split
    settings, notes = fit_modes_settings(kept.now(), split.labels.tolist(), split.class_names)
    if settings != kept.now():
        kept.change(picture=settings.picture, only=settings.only)
        state.keep_notes(notes)
        if notes:
            st.rerun()
    _show_choices(kept, found, models)
    say_where_from(split)
    batch = _batch(found, settings)
    identity = f"{found.card.weights_sha256}/{split.digest}/{batch.indices.tolist()}"
    try:
        verdict = _verdict(identity, found, batch)
    except CnnvizError as error:
        st.error(str(error))
        return
    asked = _Asked(found, settings, batch, verdict)
    _show_answer(asked)
    modes_costs.show_sizes(found, settings, asked.label)
    modes_costs.show_forgotten(found)
    say_which_are_left_out(others)
    kept.write(state)
    _take_away(state, asked)


# ---------------------------------------------------------------------------------------- controls


def _show_choices(
    kept: KeptSettings[ModesSettings], found: NormalizedNetwork, models: tuple[str, ...]
) -> None:
    split, settings = found.split, kept.now()
    counts = class_counts(split)

    def change_model() -> None:
        model = st.session_state[f"{kept.prefix}.model"]
        kept.change(model=model, picture=-1, only=_ALL, draw=0)

    def change_class() -> None:
        name = st.session_state[f"{kept.prefix}.class"]
        kept.change(picture=_next_of(split.labels, split.class_names.index(name), -1))

    def next_picture() -> None:
        picture = kept.now().picture
        kept.change(picture=_next_of(split.labels, int(split.labels[picture]), picture))

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Network",
            models,
            format_func=network_titles(models).__getitem__,
            width=240,
            **{**kept.setting("model"), "on_change": change_model},
        )
        st.session_state[f"{kept.prefix}.class"] = split.class_names[
            int(split.labels[settings.picture])
        ]
        st.selectbox(
            "Picture of a",
            [name for name, count in counts.items() if count],
            width=150,
            key=f"{kept.prefix}.class",
            on_change=change_class,
        )
        st.button("Another one", key=f"{kept.prefix}.next", on_click=next_picture)
        st.selectbox(
            "Its neighbours",
            [_ALL, *(name for name, count in counts.items() if count)],
            format_func=lambda name: f"all {name}" if name else "of all classes",
            width=170,
            **kept.setting("only"),
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.select_slider("Pictures in the batch", BATCH_SIZES, width=320, **kept.setting("size"))
        st.segmented_control(
            "Mode",
            list(_MODES),
            format_func=_MODES.__getitem__,
            required=True,
            **kept.setting("mode"),
        )
        st.button(
            "Other neighbours",
            type="primary",
            key=f"{kept.prefix}.other",
            on_click=lambda: kept.change(draw=(kept.now().draw + 1) % MOST_DRAWS),
            disabled=settings.size == 1,
        )


def _next_of(labels: npt.NDArray[np.int64], label: int, after: int) -> int:
    """The next picture of a class, from the beginning again behind the last."""
    places = np.flatnonzero(labels == label)
    later = places[places > after]
    return int(later[0] if len(later) else places[0])


def _batch(found: NormalizedNetwork, settings: ModesSettings) -> PictureBatch:
    """The picture first, then its neighbours."""
    split = found.split
    only = split.class_names.index(settings.only) if settings.only else None
    neighbours = draw_neighbours(
        split.labels,
        settings.size - 1,
        seed=settings.draw,
        only=only,
        without=settings.picture,
    )
    return PictureBatch(split, np.concatenate([[settings.picture], neighbours]))


@st.cache_resource(show_spinner="Running the network …", max_entries=256)
def _verdict(identity: str, _found: NormalizedNetwork, _batch: PictureBatch) -> BatchVerdict:
    """Of one batch, run once for all who look at it."""
    from cnnviz.norms.neighbours import judge_batch
    from cnnviz.training.pictures import Normalization

    images = _batch.images
    card = _found.card
    return judge_batch(
        _found.network,
        with_neighbours(images[0], images[1:]),
        Normalization(card.mean, card.std),
    )


# ------------------------------------------------------------------------------------------ answer


def _show_answer(asked: _Asked) -> None:
    from cnnviz.figures.batch_effects import answers_figure, two_modes_figure

    answers = _answers_so_far(asked)
    of_this_mode = [p for mode, p in answers if mode == asked.settings.mode]
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.html(f"<style>{_STYLE}</style>{_answer_html(asked)}")
        words = answer_sentence(
            asked.class_name, of_this_mode, is_train=asked.settings.mode == "train"
        )
        st.markdown(alone_sentence(asked.settings.size) or words)
        figure = answers_figure(answers, asked.class_name, dark=is_dark())
        show_chart(figure, "batch_norm.modes.answers_chart", f"{_answer_words(asked)} {words}")
    with right:
        _show_neighbours(asked.batch)
        verdict, names = asked.verdict, asked.found.split.class_names
        figure = two_modes_figure(verdict.train[0], verdict.evaluation[0], names, dark=is_dark())
        show_chart(figure, "batch_norm.modes.both", _both_words(asked))


def _answers_so_far(asked: _Asked) -> Sequence[tuple[Mode, float]]:
    """Of this picture in this session; a run that asks the same again adds nothing."""
    from cnnviz.figures.batch_effects import ANSWERS

    settings = asked.settings
    subject = (asked.found.card.weights_sha256, settings.picture, settings.size, settings.only)
    kept = st.session_state.get(_ANSWERS)
    if kept is None or kept[0] != subject:
        kept = (subject, [])
    batch = (settings.mode, settings.draw)
    answers: list[tuple[tuple[Mode, int], float]] = kept[1]
    if not answers or answers[-1][0] != batch:
        answers = [*answers, (batch, asked.answer)][-ANSWERS:]
    st.session_state[_ANSWERS] = (subject, answers)
    return [(mode, p) for (mode, _), p in answers]


def _answer_words(asked: _Asked) -> str:
    mode, name = asked.settings.mode, asked.class_name
    return f"In {mode} mode this picture is {name} with {share(asked.answer)}."


def _answer_html(asked: _Asked) -> str:
    uri = picture_uri(asked.batch.images[0])
    return (
        f'<div class="cnnviz-asked"><img src="{uri}" alt="The {escape(asked.class_name)} that is '
        f'asked about"><div role="status"><div class="answer">{share(asked.answer)}</div>'
        f'<div class="of">{escape(asked.class_name)}, by {_MODES[asked.settings.mode]}</div>'
        "</div></div>"
    )


def _both_words(asked: _Asked) -> str:
    train, evaluation = asked.verdict.train[0], asked.verdict.evaluation[0]
    names = asked.found.split.class_names
    return (
        f"Most likely in train mode: {names[int(train.argmax())]}, {share(float(train.max()))}; in "
        f"eval mode: {names[int(evaluation.argmax())]}, {share(float(evaluation.max()))}."
    )


def _show_neighbours(batch: PictureBatch) -> None:
    neighbours = PictureBatch(batch.split, batch.indices[1:])
    count = len(neighbours.indices)
    if not count:
        st.caption("No neighbours.")
        return
    words = f"{count} {'neighbour' if count == 1 else 'neighbours'}: {neighbours.words}."
    sheet = neighbours.sheet(columns=min(32, max(8, round((3 * count) ** 0.5))))
    st.html(
        f'<figure style="margin: 0"><img src="{picture_uri(sheet)}" alt="{escape(words)}" '
        'style="display: block; width: 100%; max-height: 11rem; object-fit: contain; '
        'object-position: left; image-rendering: pixelated; border-radius: 0.3rem"></figure>'
    )
    st.caption(words)


def _take_away(state: PageState, asked: _Asked) -> None:
    with st.expander("Take it away: PyTorch code and link"):
        st.caption("Asks the network in both modes; to be run beside app.py.")
        st.code(
            modes_snippet(
                asked.found.folder,
                asked.found.name,
                asked.found.card.dataset.name,
                asked.batch.indices.tolist(),
                label=asked.label,
                class_name=asked.class_name,
            ),
            language="python",
            height=400,
        )
        st.caption("Opens this view as it is now.")
        st.code(state.link(), language=None, wrap_lines=True)
