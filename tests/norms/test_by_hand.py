"""Batch normalization by hand: settings, their URL, the odd cases, and who judges whom."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnviz.batchnorm import Array, batch_norm, channel_statistics
from cnnviz.errors import SettingError, ShapeError
from cnnviz.norms.by_hand import (
    CHANNELS,
    EPS,
    LESSON_BATCH,
    LIMIT,
    MODES,
    OPENING,
    PICTURES,
    SIDES,
    VARIANCE_LIMIT,
    HandSettings,
    freeze_batch,
    from_query,
    lesson_batch,
    new_layer,
    to_query,
)
from cnnviz.norms.by_hand_judge import ANSWER_PARTS, compute, compute_by_torch, judge
from cnnviz.norms.by_hand_presets import PRESETS


@st.composite
def all_settings(draw: st.DrawFn) -> HandSettings:
    """Any state that the view can show."""
    shape = [draw(st.integers(*bounds)) for bounds in (PICTURES, CHANNELS, SIDES)]
    x = np.array(lesson_batch(*shape))
    number = st.integers(-9, 9) | st.floats(-LIMIT, LIMIT).map(lambda value: round(value, 4) + 0.0)
    if draw(st.booleans()):
        x.flat[draw(st.integers(0, x.size - 1))] = draw(number)
    channels = shape[1]

    def each(values: st.SearchStrategy[float]) -> tuple[float, ...]:
        return tuple(float(draw(values)) for _ in range(channels))

    return HandSettings(
        x=freeze_batch(x),
        gamma=each(number),
        beta=each(number),
        running_mean=each(number),
        running_variance=each(st.floats(0, VARIANCE_LIMIT).map(lambda value: round(value, 4))),
        eps=draw(st.floats(*EPS)),
        momentum=draw(st.floats(0, 1)),
        mode=draw(st.sampled_from(MODES)),
        cell=draw(st.integers(0, x.size - 1)),
    )


def test_the_view_opens_with_numbers_for_the_head_and_a_bare_url() -> None:
    statistics = channel_statistics(OPENING.batch)
    assert statistics.mean.tolist() == [3, 10]
    assert np.sqrt(statistics.variance).tolist() == [2, 4]
    assert to_query(OPENING) == {}
    assert from_query({}) == (OPENING, ())


def test_smaller_batches_are_corners_of_larger_ones() -> None:
    largest = np.array(LESSON_BATCH)
    assert largest.shape == (PICTURES[1], CHANNELS[1], SIDES[1], SIDES[1])
    for n, c, side in product(*(range(low, high + 1) for low, high in (PICTURES, CHANNELS, SIDES))):
        assert np.array_equal(np.array(lesson_batch(n, c, side)), largest[:n, :c, :side, :side])


@settings(max_examples=100)
@given(all_settings())
def test_a_url_and_the_browser_bring_back_the_state(shown: HandSettings) -> None:
    assert from_query(to_query(shown)) == (shown, ())
    assert HandSettings.from_json(json.loads(json.dumps(shown.to_json()))) == shown


@settings(max_examples=150)
@given(
    st.dictionaries(
        st.sampled_from(
            ["n", "c", "side", "x", "gamma", "beta", "mean", "variance", "eps", "mode", "cell"]
        ),
        st.text(max_size=30) | st.sampled_from(["1e9", "-1", "nan", "7", "2_3", "-1_-1"]),
    )
)
def test_any_text_in_a_url_opens_a_state(query: dict[str, str]) -> None:
    shown, _ = from_query(query)
    assert from_query(to_query(shown)) == (shown, ())


def test_nonsense_becomes_the_nearest_setting_with_a_sentence_each() -> None:
    query = {"n": "9", "side": "0", "eps": "-1", "momentum": "2", "mode": "cat", "x": "1_2"}
    query |= {"gamma": "1_2_3", "variance": "-1_1", "cell": "99"}
    shown, notes = from_query(query)
    assert shown.shape == (PICTURES[1], OPENING.shape[1], 1, 1)
    assert (shown.eps, shown.momentum, shown.mode) == (EPS[0], 1, "train")
    assert (shown.gamma, shown.running_variance, shown.cell) == ((1, 1), (1, 1), 7)
    assert sorted(note.split("=")[0].split()[0] for note in notes) == sorted(query)


@pytest.mark.parametrize(
    ("patch", "match"),
    [
        ({"x": 7}, "make no sense"),
        ({"x": []}, "number of pictures must be from 1 to 4, not 0"),
        ({"x": [[[]]]}, "height must be from 1 to 3, not 0"),
        ({"x": [[[[1, 2], [3, 4]]]]}, "gamma has 2 numbers for 1 channels"),
        ({"x": [[[[1, 2], [3]], [[1, 2], [3, 4]]]]}, "each picture must have 2 channels of 2×2"),
        ({"x": [[[[1]], [[100]]]] * 2}, "numbers of x must lie between -99 and 99"),
        ({"x": [[[[1]], [[float("nan")]]]] * 2}, "must lie between"),
        ({"x": [[[["1"]], [["2"]]]] * 2}, "is not a number"),
        ({"x": [[[[True]], [[2]]]] * 2}, "is not a number"),
        ({"x": [[[[1]], [[2]]]] * 9}, "number of pictures must be from 1 to 4, not 9"),
        ({"gamma": [1]}, "gamma has 1 numbers for 2 channels"),
        ({"gamma": [1, 10**400]}, "make no sense"),
        ({"running_variance": [1, -1]}, "running_variance must lie between 0 and"),
        ({"eps": 0}, "eps is 0.0: use a number"),
        ({"momentum": None}, "is not a number"),
        ({"mode": ["train"]}, "mode is"),
        ({"cell": 24}, "the batch has fewer numbers"),
        ({"cell": 1.5}, "cell is 1.5: use a whole number"),
    ],
)
def test_what_the_browser_sends_is_checked(patch: dict[str, Any], match: str) -> None:
    with pytest.raises(SettingError, match=match):
        HandSettings.from_json(OPENING.to_json() | patch)


@pytest.mark.parametrize("sent", [None, 7, "cat", [], {}, {"x": [[[[1]]]]}])
def test_a_report_without_settings_is_refused(sent: object) -> None:
    with pytest.raises(SettingError):
        HandSettings.from_json(sent)


# -------------------------------------------------------------------------------- the odd cases


def _preset(key: str) -> HandSettings:
    return next(preset.settings for preset in PRESETS if preset.key == key)


def test_presets_show_what_they_are_named_after() -> None:
    assert len({preset.title for preset in PRESETS}) == len(PRESETS)
    assert _preset("one").shape[0] == 1
    assert channel_statistics(_preset("constant").batch).variance[0] == 0
    assert 0 < channel_statistics(_preset("nearly").batch).variance[0] < 1e-4
    large = _preset("eps")
    assert large.eps > channel_statistics(large.batch).variance[0]
    undone = _preset("undone")
    np.testing.assert_allclose(_answer_parts(undone)["output"], undone.x, atol=1e-3)
    for compute_one in (compute, compute_by_torch):
        with pytest.raises(ShapeError):
            compute_one(_preset("single"))
    untrained = _preset("untrained")
    np.testing.assert_allclose(_answer_parts(untrained)["output"], untrained.x, rtol=1e-5)


# -------------------------------------------------------------------------------- who judges whom


def _answer_parts(shown: HandSettings) -> dict[str, Array]:
    """As the browser reports them: a list a part."""
    result = batch_norm(
        shown.batch,
        shown.gamma,
        shown.beta,
        mode=shown.mode,
        settings=shown.norm_settings,
        running=shown.running,
    )
    assert result.running is not None
    values = (result.output, result.running.mean, result.running.variance)
    return dict(zip(ANSWER_PARTS, values, strict=True))


def _answer(shown: HandSettings) -> dict[str, list[float]]:
    return {name: part.reshape(-1).tolist() for name, part in _answer_parts(shown).items()}


@settings(max_examples=60)
@given(all_settings())
def test_cnnviz_and_pytorch_agree_on_every_state(shown: HandSettings) -> None:
    verdict = judge(shown, _answer(shown) if _has_output(shown) else None, ask_torch=True)
    assert verdict.state == "agree", verdict.detail


def test_rounding_is_not_called_a_difference() -> None:
    """The worst: large and constant numbers, over the smallest root, times the largest gamma."""
    x = np.full((4, 2, 3, 3), 98.7)
    shown = new_layer(freeze_batch(x), gamma=(LIMIT, -LIMIT), eps=EPS[0])
    assert judge(shown, _answer(shown), ask_torch=True).state == "agree"


def _has_output(shown: HandSettings) -> bool:
    return shown.mode == "eval" or shown.batch[:, 0].size > 1


@pytest.mark.parametrize("part", ANSWER_PARTS)
def test_a_browser_that_is_off_is_named(part: str) -> None:
    sent = _answer(OPENING)
    sent[part][-1] += 1e-6
    verdict = judge(OPENING, sent, ask_torch=True)
    assert verdict.state == "differ"
    assert verdict.text == "✗ your browser differs from cnnviz"


@pytest.mark.parametrize(
    "sent", [None, "cat", 7, {}, {"output": [1], "running_mean": [], "running_variance": "x"}]
)
def test_nonsense_from_the_browser_differs(sent: object) -> None:
    assert judge(OPENING, sent, ask_torch=False).state == "differ"


def test_an_output_where_there_is_none_differs_and_none_agrees() -> None:
    single = _preset("single")
    assert judge(single, None, ask_torch=True).text == "✓ all three: no output"
    assert judge(single, _answer(replace(single, mode="eval")), ask_torch=True).state == "differ"


def test_without_torch_the_verdict_waits_and_says_why() -> None:
    verdict = judge(OPENING, _answer(OPENING), ask_torch=False, why_no_torch="soon")
    assert (verdict.state, verdict.text) == ("waiting", "✓ browser = cnnviz · soon")
