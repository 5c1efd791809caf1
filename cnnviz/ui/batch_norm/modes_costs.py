"""What the mode costs: one picture over batch sizes, and the whole test split from a record."""

from __future__ import annotations

from typing import Final

import streamlit as st

from cnnviz.checkpoints.folders import checkpoint_folders, find_checkpoint
from cnnviz.data.datasets import PROJECT
from cnnviz.errors import CnnvizError
from cnnviz.norms.batch_effects import SizeSweep
from cnnviz.norms.forgotten_eval import load_forgotten_eval
from cnnviz.norms.modes_settings import ModesSettings
from cnnviz.norms.modes_words import forgotten_sentence, share
from cnnviz.ui.batch_norm.networks import NormalizedNetwork
from cnnviz.ui.charts import is_dark, show_chart

_SWEEPS: Final = "batch_norm.modes.sweeps"
_MOST_SWEEPS: Final = 8
DRAWS: Final = 4
"""Of neighbours, for each batch size."""


def show_sizes(found: NormalizedNetwork, settings: ModesSettings, label: int) -> None:
    """The picture in batches of 1 to 256, once somebody asks for it: thousands of pictures run."""
    from cnnviz.figures.batch_effects import batch_size_figure

    st.subheader("From one picture to 256", anchor=False)
    swept: dict[object, SizeSweep] = st.session_state.setdefault(_SWEEPS, {})
    key = found.card.weights_sha256, found.split.digest, settings.picture, settings.only
    sweep = swept.get(key)
    if sweep is None:
        asked = st.button(
            "Run all batch sizes",
            key="batch_norm.modes.sweep",
            help=f"Each size with {DRAWS} draws of neighbours; some seconds for a large network.",
        )
        if not asked:
            st.caption("How large must a batch be before neighbours hardly matter?")
            return
        sweep = _sweep(found, settings)
        if sweep is None:
            return
        while len(swept) >= _MOST_SWEEPS:
            swept.pop(next(iter(swept)))
        swept[key] = sweep
    name = found.split.class_names[label]
    least, _, greatest = sweep.of_class(label)
    small = next(place for place, size in enumerate(sweep.batch_sizes) if size > 1)
    words = (
        f"In batches of {sweep.batch_sizes[small]} the answer lies between "
        f"{share(float(least[small]))} and {share(float(greatest[small]))}, in batches of "
        f"{sweep.batch_sizes[-1]} between {share(float(least[-1]))} and "
        f"{share(float(greatest[-1]))}; with eval it is "
        f"{share(float(sweep.evaluation[0, label]))}, whatever the batch."
    )
    st.markdown(words)
    show_chart(
        batch_size_figure(sweep, label, name, dark=is_dark()), "batch_norm.modes.sizes", words
    )


def _sweep(found: NormalizedNetwork, settings: ModesSettings) -> SizeSweep | None:
    from cnnviz.norms.neighbours import sweep_batch_sizes
    from cnnviz.training.pictures import Normalization

    split, card = found.split, found.card
    only = split.class_names.index(settings.only) if settings.only else None
    bar = st.progress(0.0, "Batches of 1")

    def tell(words: str, part: float) -> None:
        bar.progress(min(1.0, part), words)

    try:
        return sweep_batch_sizes(
            found.network,
            split.images[settings.picture],
            split.images,
            split.labels,
            Normalization(card.mean, card.std),
            draws=DRAWS,
            seed=settings.draw,
            only=only,
            without=settings.picture,
            progress=tell,
        )
    except CnnvizError as error:
        st.error(str(error))
        return None
    finally:
        bar.empty()


def show_forgotten(found: NormalizedNetwork) -> None:
    """What a forgotten model.eval() costs on the test split, where it was measured."""
    from cnnviz.figures.batch_effects import forgotten_eval_figure

    st.subheader("A forgotten model.eval(), on the whole test set", anchor=False)
    folder = find_checkpoint(found.name, checkpoint_folders(PROJECT)).folder
    command = f"python -m cnnviz batch-norm forgotten-eval {found.name}"
    try:
        measured = load_forgotten_eval(folder, found.card)
    except CnnvizError as error:
        st.error(str(error))
        return
    if measured is None:
        st.info(f"Not measured for this network yet. From the shell, in some minutes: `{command}`")
        return
    words = forgotten_sentence(measured)
    st.markdown(words)
    show_chart(forgotten_eval_figure(measured, dark=is_dark()), "batch_norm.modes.forgotten", words)
    st.caption(
        f"Recorded on {measured.hardware.device_name}, {measured.created[:10]}. Measure it again:"
    )
    st.code(measured.command, language="bash", wrap_lines=True)
