"""Can a map be trusted? It is compared with two that know less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import streamlit as st

from cnnviz.attribution.methods import METHODS
from cnnviz.attribution.requests import AttributionRequest, Target
from cnnviz.attribution.results import DeletionCurve, RandomizationCheck
from cnnviz.attribution.words import deletion_sentence, randomization_sentence
from cnnviz.confusion.look import ORDER, SQUARES, LookSettings
from cnnviz.errors import SettingError
from cnnviz.ui.charts import is_dark
from cnnviz.ui.confusion.attribution_asked import Asked, requests_of
from cnnviz.ui.confusion.attribution_controls import look_control
from cnnviz.ui.confusion.attribution_maps import show_map
from cnnviz.ui.confusion.attribution_networks import FirstLook
from cnnviz.ui.confusion.attribution_pending import say_why_not, show_when_done, value_of
from cnnviz.ui.confusion.attribution_work import Work
from cnnviz.ui.confusion.kept import PAGE, change, kept_settings

_SQUARES: Final = {side: f"{side} × {side}" for side in SQUARES} | {"1": "single pixels"}


def show_trust(asked: Asked, look: FirstLook, settings: LookSettings, one: int) -> None:
    """The choice of a method and, once one is chosen, the two checks of its map."""
    st.markdown("#### Can we trust the map?")
    wanted = {*settings.methods, settings.trust}
    possible = [name for name in ORDER if name in wanted and look.support.why_not(name) is None]
    trust = settings.trust if settings.trust in possible else None
    if not possible:
        st.caption("Choose a method above to check its map.")
        return
    st.pills(
        f"Check the map for {asked.class_names[one]} of",
        possible,
        format_func=lambda name: METHODS[name].title,
        **look_control("trust", trust, lambda name: _set(trust=name)),
    )
    if trust is None:
        return
    try:
        (request,) = requests_of(settings, look, trust, (Target(one),))
    except SettingError as error:
        st.info(str(error))
        return
    forgotten, deleted = st.columns([7, 6], gap="large")
    with forgotten:
        _show_randomization(asked, look, settings, request)
    with deleted:
        _show_deletion(asked, look, settings, request)


def _show_randomization(
    asked: Asked, look: FirstLook, settings: LookSettings, request: AttributionRequest
) -> None:
    st.markdown("**Does it depend on what the network has learnt?**")
    depth = len(look.layers)
    layers = min(settings.layers, depth)
    st.slider(
        "Last layers that forget what they learnt",
        1,
        depth,
        help="Their weights are drawn anew, as before training. A map that stays the same shows "
        "the edges of the picture and not what the network knows (Adebayo et al. 2018).",
        **look_control("layers", layers, lambda number: _set(layers=number)),
    )
    name = look.layers[-layers]
    st.caption(
        f"Randomized: {name}, the last layer."
        if layers == 1
        else f"Randomized: the last {layers} layers, from {name} on."
    )

    def draw(works: Sequence[Work]) -> None:
        say_why_not("randomized", works)
        check: RandomizationCheck | None = value_of(works[0])
        if check is None:
            return
        # Each on a scale of its own: the randomized network's numbers have another size.
        own = replace(settings, scale="own")
        pairs = (("as trained", check.trained), ("randomized", check.randomized))
        for column, (title, made) in zip(st.columns(2, gap="small"), pairs, strict=True):
            with column:
                show_map(asked, made, own, among=(made,), key=f"check.{title}", title=title)
        st.markdown(randomization_sentence(check))

    show_when_done("randomized", lambda: [asked.check(look, request, layers)], draw)


def _show_deletion(
    asked: Asked, look: FirstLook, settings: LookSettings, request: AttributionRequest
) -> None:
    st.markdown("**Do the pixels that it marks matter?**")
    st.segmented_control(
        "Removed in squares of",
        list(SQUARES),
        format_func=_SQUARES.__getitem__,
        required=True,
        help="The most important go first and are replaced by the mean colour of the training "
        "pictures. Single pixels gone at random leave holes everywhere, which no network has seen; "
        "squares are the fairer comparison.",
        **look_control("squares", settings.squares, lambda side: _set(squares=side)),
    )
    title, names = METHODS[request.method].title, asked.class_names

    def draw(works: Sequence[Work]) -> None:
        from cnnviz.figures.attribution import deletion_figure

        say_why_not("deletion", works)
        curve: DeletionCurve | None = value_of(works[0])
        if curve is None:
            return
        sentence = deletion_sentence(curve, title, names)
        st.plotly_chart(
            deletion_figure(
                [(title, curve)],
                f"probability of {request.target.title(names)}",
                dark=is_dark(),
            ),
            theme=None,
            key=f"{PAGE}.deletion",
            alt=sentence,
            config={"displayModeBar": False},
        )
        st.markdown(sentence)

    side = int(settings.squares)
    show_when_done("deletion", lambda: [asked.deletion(look, request, side)], draw)


def _set(**changes: Any) -> None:
    change(look=replace(kept_settings().look, **changes))
