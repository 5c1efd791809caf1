"""The view "Receptive field": what a unit sees in theory, and what moves it, measured."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from cnnviz.activations.receptive_settings import (
    ALL,
    LAST,
    FieldSettings,
    fit_field_settings,
    read_field_settings,
)
from cnnviz.activations.receptive_words import (
    LEGEND,
    change_sentence,
    field_snippet,
    measured_words,
    theory_sentence,
)
from cnnviz.checkpoints.card import CheckpointCard
from cnnviz.checkpoints.folders import checkpoint_folders, find_checkpoint
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import CnnvizError
from cnnviz.norms.picture_batch import PictureBatch, draw_batch
from cnnviz.training.run_folder import RunFolder
from cnnviz.ui.architecture.field_figures import STYLE, field_figure
from cnnviz.ui.batch_norm.networks import is_torch_here, network_titles, say_where_from
from cnnviz.ui.charts import is_dark
from cnnviz.ui.kept_settings import KeptSettings
from cnnviz.ui.page import draw_until_torch
from cnnviz.ui.shipped import shown_split, trained_card, trained_network, trained_networks
from cnnviz.ui.url_state import PageState

if TYPE_CHECKING:
    from torch import nn

    from cnnviz.activations.receptive import MeasuredField, SeenLayer, Unit

PICTURES: Final = 64
"""That the gradient is averaged over; fewer where there are not so many."""


def show(state: PageState) -> None:
    """Choose a unit; its field in theory and as measured, untrained, trained and by epoch."""
    models = _models()
    if not models:
        state.show_notes()
        st.info("There is no trained network here.")
        return
    kept = KeptSettings("architectures", "field", partial(read_field_settings, models=models))
    kept.open(state)
    draw_until_torch(partial(_show, state, kept, models))


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """A network and what it is measured on. Shared: never changed."""

    card: CheckpointCard
    network: nn.Module
    folder: str
    """Of its files, as seen from app.py."""
    run: RunFolder
    """Of its training; it need not exist."""
    batch: PictureBatch

    @property
    def epochs(self) -> tuple[int, ...]:
        """That were kept, and 0 before them; none where there are none."""
        kept = self.run.snapshot_epochs()
        return (0, *(epoch for epoch in kept if epoch)) if kept else ()


def _models() -> tuple[str, ...]:
    """The networks whose cards can be read. Needs no torch."""
    found = []
    for file in trained_networks():
        try:
            trained_card(file.name)
        except CnnvizError:
            continue
        found.append(file.name)
    return tuple(found)


def _open(name: str) -> _Shown:
    card = trained_card(name)
    file = find_checkpoint(name, checkpoint_folders(PROJECT))
    return _Shown(
        card,
        trained_network(name),
        file.folder.name,
        RunFolder(file.folder / f"{name}.run"),
        draw_batch(shown_split(card.dataset.name), PICTURES),
    )


def _show(state: PageState, kept: KeptSettings[FieldSettings], models: tuple[str, ...]) -> None:
    if not is_torch_here():
        return
    from cnnviz.activations.receptive import Unit, seen_layers

    try:
        found = _open(kept.now().model)
        layers = {
            layer.name: layer for layer in seen_layers(found.network, found.card.spec.input_shape)
        }
    except CnnvizError as error:
        st.error(str(error))
        return
    shapes = {name: layer.shape for name, layer in layers.items()}
    count = len(found.batch.indices)
    asked = kept.now()
    settings, notes = fit_field_settings(asked, shapes, pictures=count, epochs=found.epochs)
    if settings != asked:
        kept.change(**{name: getattr(settings, name) for name in FieldSettings.__slots__})
        if notes:
            state.keep_notes(notes)
            st.rerun()
    _show_choices(kept, layers, models, found)
    settings = kept.now()
    kept.write(state)
    channel = None if settings.channel == ALL else settings.channel
    unit = Unit(settings.layer, settings.row, settings.column, channel)
    _show_fields(settings, unit, layers[unit.layer], found)
    say_where_from(found.batch.split)
    with st.expander("Take it away: PyTorch code and link"):
        st.caption("Measures the trained network's field; to be run beside app.py.")
        st.code(
            field_snippet(
                found.folder,
                settings.model,
                found.card.dataset.name,
                found.batch.indices.tolist(),
                unit,
            ),
            language="python",
            height=400,
        )
        st.caption("Opens this view as it is now.")
        st.code(state.link(), language=None, wrap_lines=True)


# -------------------------------------------------------------------------------------- the choices


def _show_choices(
    kept: KeptSettings[FieldSettings],
    layers: dict[str, SeenLayer],
    models: tuple[str, ...],
    found: _Shown,
) -> None:
    settings = kept.now()
    channels, height, width = layers[settings.layer].shape

    def changing(name: str, **others: Any) -> dict[str, Any]:
        """A control that sets others anew with its own setting."""
        given = kept.setting(name)

        def taken() -> None:
            kept.change(**{name: st.session_state[given["key"]]} | others)

        return {**given, "on_change": taken}

    middle = {"row": -1, "column": -1, "channel": ALL}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Network",
            models,
            format_func=network_titles(models).__getitem__,
            width=330,
            **changing("model", layer="", epoch=LAST, **middle),
        )
        st.selectbox(
            "Layer",
            list(layers),
            format_func=lambda name: f"{name}: {_size(layers[name])}",
            width=230,
            help="Convolutions and poolings, with the size of their units' fields in theory.",
            **changing("layer", **middle),
        )
        st.selectbox(
            "Channel",
            [ALL, *range(channels)],
            format_func=lambda channel: "all" if channel == ALL else str(channel),
            width=110,
            **kept.setting("channel"),
        )
        if height > 1:
            st.slider("Row of the unit", 0, height - 1, width=190, **kept.setting("row"))
        if width > 1:
            st.slider("Column of the unit", 0, width - 1, width=190, **kept.setting("column"))
        if found.epochs:
            st.select_slider(
                "Epoch",
                [*found.epochs[:-1], LAST],
                format_func=lambda epoch: "trained" if epoch == LAST else str(epoch),
                width=240,
                **kept.setting("epoch"),
            )
        st.button(
            "Other picture",
            key=f"{kept.prefix}.other",
            on_click=lambda: kept.change(
                picture=(kept.now().picture + 1) % len(found.batch.indices)
            ),
        )


def _size(layer: SeenLayer) -> str:
    height, width = layer.field.size
    return f"{height} × {width}"


# ------------------------------------------------------------------------------------- the fields


def _show_fields(settings: FieldSettings, unit: Unit, layer: SeenLayer, found: _Shown) -> None:
    identity = f"{settings.model}/{found.card.weights_sha256}/{found.batch.split.digest}"
    before = _measured(f"{identity}/0", unit, 0, found)
    after = _measured(f"{identity}/{settings.epoch}", unit, settings.epoch, found)
    st.markdown(f"{theory_sentence(layer, after)} **{_what_changed(settings, before, after)}**")
    from cnnviz.figures.receptive import gradient_picture, gradient_shares, outline

    dark = is_dark()
    most = max(float(gradient_shares(each.gradient).max()) for each in (before, after))
    picture = found.batch.images[settings.picture]
    label = found.batch.split.class_names[
        found.batch.split.labels[found.batch.indices[settings.picture]]
    ]
    titles = ("Before training", "Trained" if settings.epoch == LAST else _epoch(settings.epoch))
    figures = [
        field_figure(
            picture,
            after.theory,
            title="In theory",
            words=(
                f"every pixel within {_size(layer)} counts",
                f"drawn on a picture: {label}",
            ),
            is_photo=True,
        ),
        *(
            field_figure(
                gradient_picture(each.gradient, most, dark=dark),
                each.theory,
                title=title,
                words=measured_words(each),
                most=outline(each.effective()),
            )
            for each, title in zip((before, after), titles, strict=True)
        ),
    ]
    st.markdown(
        f'{STYLE}<div class="cnnviz-fields">{"".join(figures)}</div>', unsafe_allow_html=True
    )
    st.caption(
        f"{LEGEND} The stronger the colour, the more a pixel moves the unit: |∂unit/∂pixel| over "
        f"{after.pictures} test pictures, its root, on one scale in both."
    )
    if found.epochs:
        _show_epochs(identity, settings, unit, found, limit=after.visible**0.5)


def _epoch(epoch: int) -> str:
    return "Before training" if epoch == 0 else f"After epoch {epoch}"


def _what_changed(settings: FieldSettings, before: MeasuredField, after: MeasuredField) -> str:
    if settings.epoch == LAST:
        return change_sentence(before, after)
    return change_sentence(
        before,
        after,
        words=f"{settings.epoch} {'epoch' if settings.epoch == 1 else 'epochs'} of training",
    )


@st.cache_resource(show_spinner="Measuring …", max_entries=400)
def _measured(identity: str, unit: Unit, epoch: int, _found: _Shown) -> MeasuredField:
    """Of the trained network (LAST), as it began (0), or after an epoch; once for all viewers."""
    from cnnviz.activations.receptive import measure_field, untrained
    from cnnviz.training.pictures import Normalization

    card = _found.card
    normalization = Normalization(card.mean, card.std)
    images = _found.batch.images
    if epoch == LAST:
        network = _found.network
    elif epoch == 0:
        network = untrained(card.spec, card.config.seed, images, normalization)
    else:
        network = _network_after(_found, epoch)
    return measure_field(network, images, normalization, unit)


def _network_after(found: _Shown, epoch: int) -> nn.Module:
    from cnnviz.checkpoints.weights import network_of
    from cnnviz.training.snapshot import Snapshot

    return network_of(found.card.spec, Snapshot.load(found.run.snapshot(epoch)).weights)


def _show_epochs(
    identity: str, settings: FieldSettings, unit: Unit, found: _Shown, *, limit: float
) -> None:

    from cnnviz.figures.receptive import sizes_figure

    fields = [_measured(f"{identity}/{epoch}", unit, epoch, found) for epoch in found.epochs]
    chosen = found.epochs[-1] if settings.epoch == LAST else settings.epoch
    figure = sizes_figure(
        found.epochs,
        [field.effective_size() for field in fields],
        [field.share_in_middle for field in fields],
        limit=limit,
        chosen=chosen,
        dark=is_dark(),
    )
    first, last = fields[0].effective_size(), fields[-1].effective_size()
    st.plotly_chart(
        figure,
        theme=None,
        alt=f"Effective size by epoch, from {first:.1f} to {last:.1f} pixels a side.",
        key="architectures.field.epochs",
        config={"displayModeBar": False},
    )
