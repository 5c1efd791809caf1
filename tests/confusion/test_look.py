"""Which maps are shown: defaults, the URL there and back, and links that ask for nonsense."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnviz.attribution.methods import METHODS
from cnnviz.attribution.parameters import Choice, LayerChoice, Number, Parameter, Switch, Value
from cnnviz.attribution.requests import Target
from cnnviz.confusion.look import (
    MOST_LAYERS,
    MOST_STARTERS,
    OPENING,
    ORDER,
    SCALES,
    SQUARES,
    LookSettings,
    Rival,
    with_fitting_stride,
)
from cnnviz.data.catalogue import CIFAR10
from cnnviz.errors import SettingError
from cnnviz.query import QueryReader

NAMES = CIFAR10.class_names
CAT, DOG = 3, 5


def read(query: dict[str, str]) -> tuple[LookSettings, list[str]]:
    reader = QueryReader(query)
    return LookSettings.from_reader(reader, NAMES), reader.notes


def values_of(parameter: Parameter) -> st.SearchStrategy[Value]:
    if isinstance(parameter, Switch):
        return st.booleans()
    if isinstance(parameter, Choice):
        return st.sampled_from([word for word, _ in parameter.choices])
    if isinstance(parameter, LayerChoice):
        return st.sampled_from(["", "relu0", "block1.conv2"])
    if isinstance(parameter, Number):
        steps = round(100 * (parameter.most - parameter.least))
        return st.integers(0, steps).map(lambda step: round(parameter.least + step / 100, 2))
    return st.integers(parameter.least, parameter.most)


@st.composite
def looks(draw: st.DrawFn) -> LookSettings:
    parameters = [
        (card.name, parameter.name, draw(values_of(parameter)))
        for card in METHODS.values()
        for parameter in card.parameters
        if draw(st.booleans())
    ]
    target = draw(st.none() | st.integers(0, 9))
    rivals: list[Rival] = ["auto", "none", *range(10)]
    minus = draw(st.sampled_from(rivals))
    return LookSettings(
        methods=tuple(draw(st.sets(st.sampled_from(ORDER)))),
        target=target,
        minus="auto" if minus == target else minus,
        opacity_percent=draw(st.integers(0, 100)),
        scale=draw(st.sampled_from(SCALES)),
        parameters=tuple(parameters),
        trust=draw(st.none() | st.sampled_from(ORDER)),
        layers=draw(st.integers(1, MOST_LAYERS)),
        squares=draw(st.sampled_from(SQUARES)),
        starter=draw(st.integers(1, MOST_STARTERS)),
    )


@given(looks())
def test_what_is_written_is_read_back_without_a_note(look: LookSettings) -> None:
    assert read(look.to_query(NAMES)) == (look, [])


def test_what_is_shown_first_needs_no_words() -> None:
    assert LookSettings().to_query(NAMES) == {}
    assert LookSettings().methods == OPENING
    assert set(ORDER) == set(METHODS)


@pytest.mark.parametrize(
    ("query", "note"),
    [
        ({"maps": "tea leaves"}, "maps=tea leaves is left out"),
        ({"target": "unicorn"}, "target=unicorn is now auto"),
        ({"minus": "<b>"}, "minus=<b> is now auto"),
        ({"opacity": "900"}, "opacity=900 is now 100"),
        ({"scale": "log"}, "scale=log is now method"),
        ({"trust": "me"}, "trust=me is now none"),
        ({"layers": "0"}, "layers=0 is now 1"),
        ({"starter": "-2"}, "starter=-2 is now 1"),
        ({"squares": "3"}, "squares=3 is now 4"),
        ({"parameters": "grad_cam.layer:../../x"}, "cannot be set so"),
        ({"parameters": "integrated_gradients.steps:1e9"}, "cannot be set so"),
        ({"parameters": "integrated_gradients.steps:9999"}, "cannot be set so"),
        ({"parameters": "occlusion.baseline:cat"}, "cannot be set so"),
        ({"parameters": "smoothgrad.noise:nan"}, "cannot be set so"),
        ({"parameters": "saliency.magnitude:perhaps"}, "cannot be set so"),
        ({"parameters": "::::"}, "cannot be set so"),
    ],
)
def test_a_link_that_asks_for_nonsense(query: dict[str, str], note: str) -> None:
    look, notes = read(query)
    assert look == replace(LookSettings(), opacity_percent=look.opacity_percent)
    assert any(note in said for said in notes), notes


def test_which_classes_are_compared() -> None:
    order = (DOG, CAT, 0, 1, 2, 4, 6, 7, 8, 9)
    look = LookSettings()
    assert look.classes(order, CAT) == (DOG, CAT)  # what it said, and what it is
    assert look.classes(order, 7) == (DOG, 7)
    assert look.classes(order, DOG) == (DOG, CAT)  # recognised: its rival
    assert look.classes(order, None) == (DOG, CAT)
    assert replace(look, target=CAT).classes(order, CAT) == (CAT, DOG)
    assert replace(look, minus="none").classes(order, CAT) == (DOG, None)
    assert replace(look, minus=8).classes(order, CAT) == (DOG, 8)
    assert replace(look, minus=DOG).classes(order, CAT) == (DOG, CAT)  # never against itself
    assert replace(look, target=1, minus=2).without_classes() == look


def test_parameters_reach_the_request_and_defaults_are_dropped() -> None:
    look = LookSettings().with_parameter("integrated_gradients", "steps", 80)
    assert look.request("integrated_gradients", Target(DOG)).whole("steps") == 80
    assert look.with_parameter("integrated_gradients", "steps", 50).parameters == ()
    narrow = LookSettings().with_parameter("occlusion", "window", 1)
    with pytest.raises(SettingError, match="at most the window"):
        narrow.request("occlusion", Target(DOG))
    fitting = with_fitting_stride(narrow)
    assert fitting.request("occlusion", Target(DOG)).whole("stride") == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"methods": ("tea",)},
        {"methods": ("lrp", "lrp")},
        {"opacity_percent": 101},
        {"layers": 0},
        {"scale": "x"},
        {"parameters": (("lrp", "steps", 3),)},
    ],
)
def test_settings_that_make_no_sense(fields: dict[str, object]) -> None:
    with pytest.raises(SettingError):
        LookSettings(**fields)  # type: ignore[arg-type]
