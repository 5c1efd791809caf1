"""Settings and sentences of "Train against eval" and "Running statistics"; their programs run."""

from __future__ import annotations

import contextlib
import io
import re
from typing import Any

import numpy as np
import pytest

from cnnviz.batchnorm import NormSettings, Statistics
from cnnviz.data.catalogue import CIFAR10
from cnnviz.errors import SettingError
from cnnviz.norms.forgotten_eval import load_forgotten_eval
from cnnviz.norms.modes_settings import (
    ModesSettings,
    fit_modes_settings,
    read_modes_settings,
)
from cnnviz.norms.modes_words import (
    alone_sentence,
    answer_sentence,
    forgotten_sentence,
    modes_snippet,
)
from cnnviz.norms.network_settings import DEFAULT_MODEL
from cnnviz.norms.running import course
from cnnviz.norms.running_settings import (
    BATCHES,
    CHANGE_AT,
    MOMENTA,
    RunningSettings,
    fit_running_settings,
    read_running_settings,
)
from cnnviz.norms.running_words import (
    distance_sentence,
    pace_sentence,
    running_snippet,
    shift_sentence,
    step_lines,
)

MODELS = ("other", DEFAULT_MODEL)
NAMES = CIFAR10.class_names
LABELS = [0, 0, 3, 3, 3, 5]


def run(program: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "snippet", "exec"), {})
    return printed.getvalue()


# --------------------------------------------------------------------------------- train and eval


@pytest.mark.parametrize(
    "settings",
    [
        ModesSettings(model=DEFAULT_MODEL),
        ModesSettings(model="other", picture=4, size=256, only="dog", draw=7, mode="eval"),
    ],
)
def test_modes_come_back_from_a_url(settings: ModesSettings) -> None:
    assert read_modes_settings(settings.to_query(), MODELS) == (settings, ())


def test_nonsense_in_a_url_is_said() -> None:
    query = {"model": "x", "n": "9", "mode": "maybe", "draw": "-1", "picture": "ten"}
    settings, notes = read_modes_settings(query, MODELS)
    assert settings.size == 8
    assert (settings.model, settings.mode, settings.draw) == (DEFAULT_MODEL, "train", 0)
    assert len(notes) == len(query)
    changes: dict[str, Any]
    for changes in ({"size": 3}, {"mode": "test"}, {"draw": -1}, {"picture": -2}, {"only": 3}):
        with pytest.raises(SettingError):
            ModesSettings(**dict[str, Any](model="x") | changes)


def test_what_is_not_there_is_replaced() -> None:
    def fit(**changes: Any) -> tuple[ModesSettings, tuple[str, ...]]:
        return fit_modes_settings(ModesSettings(model="m", **changes), LABELS, NAMES)

    assert fit()[0].picture == 2
    assert not fit()[1]
    settings, notes = fit(picture=6)
    assert settings.picture == 2
    assert notes
    assert fit(picture=5, only="cat")[0].only == "cat"
    settings, notes = fit(picture=5, only="dog")  # it is the only one itself
    assert settings.only == ""
    assert "dog" in notes[0]
    without_cats = fit_modes_settings(ModesSettings(model="m"), [1, 2], NAMES)[0]
    assert without_cats.picture == 0


def test_answers_in_words() -> None:
    assert "change" in answer_sentence("cat", [0.5], is_train=True)
    words = answer_sentence("cat", [0.5, 0.25, 0.375], is_train=True)
    assert "3 batches" in words
    assert "25.0 % to 50.0 %" in words
    assert "50.0 %" in answer_sentence("cat", [0.5, 0.5], is_train=False)
    assert alone_sentence(1)
    assert alone_sentence(2) is None


def test_the_record_in_words() -> None:
    from cnnviz.ui.shipped import trained_card, trained_networks

    file = next(file for file in trained_networks() if file.name == DEFAULT_MODEL)
    measured = load_forgotten_eval(file.folder, trained_card(DEFAULT_MODEL))
    assert measured is not None
    words = forgotten_sentence(measured)
    assert f"{100 * measured.evaluation.share:.1f} %" in words
    row = measured.row("shuffled", 256)
    assert row is not None
    assert f"batches of 256: **{100 * row.accuracy.share:.1f} %**" in words


@pytest.mark.usefixtures("_starter_pictures")
def test_the_program_prints_what_the_page_shows() -> None:
    from cnnviz.norms.neighbours import judge_batch
    from cnnviz.training.pictures import Normalization
    from cnnviz.ui.shipped import shown_split, trained_card, trained_network

    card, split = trained_card(DEFAULT_MODEL), shown_split("cifar10")
    indices = [7, 1, 2, 12]
    found = judge_batch(
        trained_network(DEFAULT_MODEL), split.images[indices], Normalization(card.mean, card.std)
    )
    label = int(split.labels[7])
    program = modes_snippet(
        "checkpoints", DEFAULT_MODEL, "cifar10", indices, label=label, class_name=NAMES[label]
    )
    train, evaluation = (100 * p[0, label] for p in (found.train, found.evaluation))
    expected = f"{NAMES[label]}: train {train:.1f} %, eval {evaluation:.1f} %"
    assert run(program).strip() == expected


# ------------------------------------------------------------------------------ running statistics


@pytest.mark.parametrize("momentum", MOMENTA)
def test_running_settings_come_back_from_a_url(momentum: float | None) -> None:
    settings = RunningSettings(
        model="other", layer="norm1", channel=3, size=32, momentum=momentum, shift=80, fed=60
    )
    assert read_running_settings(settings.to_query(), MODELS) == (settings, ())
    assert read_running_settings({}, MODELS) == (RunningSettings(model=DEFAULT_MODEL), ())


def test_nonsense_for_running_statistics() -> None:
    query = {"momentum": "2", "fed": "61", "shift": "1", "n": "3", "channel": "-1", "model": "?"}
    settings, notes = read_running_settings(query, MODELS)
    assert len(notes) == len(query)
    assert settings.fed in (0, BATCHES)
    layer, channel, notes = fit_running_settings(
        RunningSettings(model="m", layer="none", channel=9), {"a": 4, "b": 16}
    )
    assert (layer, channel) == ("b", 9)
    assert notes
    assert fit_running_settings(RunningSettings(model="m"), {"a": 4, "b": 16}) == ("a", 0, ())
    changes: dict[str, Any]
    for changes in ({"fed": 61}, {"momentum": 0.15}, {"size": 1}, {"shift": -1}, {"layer": None}):
        with pytest.raises(SettingError):
            RunningSettings(**dict[str, Any](model="x") | changes)


def batches_of(count: int, level: float = 0.0) -> tuple[Statistics, ...]:
    random = np.random.default_rng(3)
    return tuple(
        Statistics(random.normal(level, 1, 2), random.uniform(1, 2, 2), 50) for _ in range(count)
    )


@pytest.mark.parametrize("momentum", [0.1, None])
def test_the_step_is_written_with_its_numbers(momentum: float | None) -> None:
    batches = batches_of(5)
    settings = RunningSettings(model="m", channel=1, momentum=momentum, fed=3)
    told = course(batches, NormSettings(momentum=momentum))
    mean, between, variance = step_lines(told, batches, settings)
    for line, values in ((mean, told.running_mean), (variance, told.running_variance)):
        assert f"{values[3, 1]:.4g}".replace("-", "−") in line
        assert f"{values[2, 1]:.4g}".replace("-", "−") in line
    assert f"{batches[2].unbiased_variance[1]:.4g}" in between
    assert step_lines(told, batches, RunningSettings(model="m")) == ()
    assert f"{told.mean_error[3, 1]:.2g}" in distance_sentence(told, settings)


def test_the_pace_in_words() -> None:
    words = pace_sentence(RunningSettings(model="m", momentum=0.1, fed=10))
    assert "**34.9 %**" in words
    assert "**6.6** batches" in words
    assert "**29**" in words
    assert "¹⁰" in words
    assert "1/n" in pace_sentence(RunningSettings(model="m", momentum=None, fed=2))
    assert "last batch" in pace_sentence(RunningSettings(model="m", momentum=1.0))


def test_a_shift_is_forgotten() -> None:
    batches = (*batches_of(CHANGE_AT), *batches_of(BATCHES - CHANGE_AT, 5.0))
    told = course(batches[:CHANGE_AT], NormSettings(momentum=0.2), then=batches[CHANGE_AT:])
    settings = RunningSettings(model="m", momentum=0.2, shift=40, fed=CHANGE_AT + 3)
    words = shift_sentence(told, settings)
    assert words is not None
    assert "**51.2 %**" in words
    assert "**14** brighter" in words
    before = RunningSettings(model="m", momentum=0.2, shift=40, fed=CHANGE_AT)
    assert shift_sentence(told, before) is None
    assert len(told.after(4).running_mean) == 5
    assert len(told.after(4).true_mean) == BATCHES + 1


@pytest.mark.usefixtures("_starter_pictures")
@pytest.mark.parametrize("momentum", [0.1, None])
def test_the_program_feeds_the_layer_itself(momentum: float | None) -> None:
    from cnnviz.norms.batch_effects import brighten, draw_neighbours
    from cnnviz.norms.batch_series import batch_series
    from cnnviz.training.pictures import Normalization
    from cnnviz.ui.shipped import shown_split, trained_card, trained_network

    fed = CHANGE_AT + 2
    settings = RunningSettings(
        model=DEFAULT_MODEL,
        layer="norm1_2",
        channel=3,
        size=2,
        momentum=momentum,
        shift=80,
        fed=fed,
    )
    card, split = trained_card(DEFAULT_MODEL), shown_split("cifar10")
    images = split.images[draw_neighbours(split.labels, fed * 2, seed=0)]
    images[CHANGE_AT * 2 :] = brighten(images[CHANGE_AT * 2 :], 80)
    batches = batch_series(
        trained_network(DEFAULT_MODEL),
        images,
        Normalization(card.mean, card.std),
        "norm1_2",
        batch_size=2,
    )
    told = course(batches, NormSettings(momentum=momentum))
    printed = run(running_snippet("checkpoints", DEFAULT_MODEL, "cifar10", settings))
    numbers = [float(text) for text in re.findall(r"(-?[\d.e-]+)\s*$", printed, re.MULTILINE)]
    expected = [told.running_mean[-1, 3], told.running_variance[-1, 3]]
    np.testing.assert_allclose(numbers, expected, rtol=2e-3)


@pytest.fixture
def _starter_pictures(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No data but what comes with cnnviz, seen from its own folder."""
    from cnnviz.data.datasets import PROJECT

    monkeypatch.delenv("CNNVIZ_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(PROJECT)
