"""The page's settings and its URL."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnviz.confusion.calibration import BINNINGS
from cnnviz.confusion.matrix import NUMBERS
from cnnviz.confusion.scores import MEASURES
from cnnviz.confusion.selection import Selection
from cnnviz.confusion.settings import (
    DEFAULT_MODEL,
    ORDERS,
    ConfusionSettings,
    default_source,
    fit_settings,
    from_query,
    to_query,
)
from cnnviz.confusion.sources import SourceList, list_sources
from cnnviz.errors import SettingError
from tests.confusion.invented import some_predictions

SOURCES = list_sources()
KEYS = [source.key for source in SOURCES.sources]
CHECKPOINTS = [source.key for source in SOURCES.sources if not source.is_run]
RUNS = [source.key for source in SOURCES.sources if source.is_run]


@st.composite
def settings_(draw: st.DrawFn) -> ConfusionSettings:
    """Any settings that there can be with what ships."""
    model = SOURCES.find(draw(st.sampled_from(KEYS)))
    others = [
        source.key
        for source in SOURCES.sources
        if (source.is_run, source.dataset) == (model.is_run, model.dataset)
    ]
    against = draw(st.none() | st.sampled_from(others))
    epochs = st.none() | st.sampled_from(model.epochs) if model.is_run else st.none()
    return ConfusionSettings(
        model=model.key,
        epoch=draw(epochs),
        against=against,
        against_epoch=None if against is None else draw(epochs),
        flip=draw(st.booleans()) and model.has_flip,
        numbers=draw(st.sampled_from(NUMBERS)),
        diagonal=draw(st.booleans()),
        order=draw(st.sampled_from(ORDERS)),
        selection=Selection(true=draw(st.none() | st.integers(0, 9)), which="wrong"),
        picture=draw(st.none() | st.integers(0, 49_999)),
        measure=draw(st.sampled_from(MEASURES)),
        binning=draw(st.sampled_from(BINNINGS)),
    )


@given(settings_())
def test_the_url_brings_back_the_same(settings: ConfusionSettings) -> None:
    assert from_query(to_query(settings, SOURCES), SOURCES) == (settings, ())


def test_what_is_shown_first() -> None:
    first, notes = from_query({}, SOURCES)
    assert first == ConfusionSettings(model=DEFAULT_MODEL)
    assert notes == ()
    assert to_query(first, SOURCES) == {}
    others = SourceList(tuple(s for s in SOURCES.sources if s.key != DEFAULT_MODEL))
    assert default_source(others) == others.sources[0]
    with pytest.raises(SettingError, match="there is no trained network: `python -m cnnviz train`"):
        from_query({}, SourceList(()))


NAMES = (
    "model",
    "epoch",
    "against",
    "against_epoch",
    "flip",
    "numbers",
    "diagonal",
    "order",
    "picture",
    "true",
    "like",
)


@given(
    st.dictionaries(
        st.sampled_from(NAMES),
        st.text(max_size=40) | st.sampled_from([*KEYS, "nan", "-7", "1e99", "1", "5", "of_true"]),
    )
)
def test_nonsense_becomes_valid_and_is_told(query: dict[str, str]) -> None:
    settings, notes = from_query(query, SOURCES)
    assert settings.model in KEYS
    assert all(note.endswith(".") and len(note) < 200 for note in notes)
    assert from_query(to_query(settings, SOURCES), SOURCES) == (settings, ())


def test_networks_that_do_not_fit_are_left_out_and_told() -> None:
    settings, notes = from_query({"model": "VGG16-cifar10 ", "against": RUNS[0]}, SOURCES)
    assert (settings.model, settings.against) == ("vgg16-cifar10", None)
    assert notes == (
        f"against={RUNS[0]} is left out: it was asked about other pictures than vgg16-cifar10.",
    )
    settings, notes = from_query({"model": "run~99", "against": "none"}, SOURCES)
    assert (settings.model, settings.against) == (DEFAULT_MODEL, None)
    assert notes == (
        f"model=run~99 is now {DEFAULT_MODEL}: there is no such network here.",
        "against=none is left out: there is no such network here.",
    )
    settings, notes = from_query({"model": RUNS[0], "epoch": "400", "flip": "1"}, SOURCES)
    assert (settings.epoch, settings.flip) == (20, False)
    assert notes == (
        "flip=1 is now 0: a run was not asked about mirrored pictures.",
        "epoch=400 is now 20, the nearest epoch that was kept.",
    )
    settings, notes = from_query({"epoch": "3"}, SOURCES)
    assert settings.epoch is None
    assert notes == ("epoch=3 is left out: it is no run.",)
    settings, _ = from_query({"against": "lenet5-mnist"}, SOURCES)
    assert settings.against is None
    settings, notes = from_query({"versus": "disagree"}, SOURCES)
    assert settings.selection.versus == "any"
    assert notes == ("versus=disagree is left out: there is no second network to compare with.",)


def test_pictures_that_the_network_was_not_asked_about() -> None:
    predictions = some_predictions(20, step=5)
    asked = ConfusionSettings(model="any", picture=13, selection=Selection(like=1000))
    fitted, notes = fit_settings(asked, predictions)
    assert (fitted.picture, fitted.selection.like) == (15, 95)
    assert notes == (
        "like=1000 is now 95, the nearest picture that there is.",
        "picture=13 is now 15, the nearest picture that there is.",
    )
    assert fit_settings(fitted, predictions) == (fitted, ())


def test_what_is_refused() -> None:
    good = ConfusionSettings(model="any")
    for changes, message in (
        ({"numbers": "percent"}, "numbers is 'percent': use counts or"),
        ({"order": "size"}, "order is 'size': use dataset or similarity"),
        ({"picture": -1}, "picture is -1"),
        ({"epoch": 1.5}, "epoch is 1.5"),
    ):
        with pytest.raises(SettingError, match=message):
            replace(good, **changes)
