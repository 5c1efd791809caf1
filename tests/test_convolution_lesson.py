"""The lesson's settings: what a view opens with, its URL, and what the browser may send."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnviz.convolution import window_at
from cnnviz.convolution_judge import compute, judge
from cnnviz.convolution_lesson import (
    BOUNDS,
    LESSON_IMAGE,
    QUERY_KEYS,
    VIEWS,
    LessonSettings,
    View,
    from_query,
    lesson_image,
    lesson_weight,
    opening_settings,
    to_query,
)
from cnnviz.errors import NoOutputError, SettingError
from cnnviz.geometry import PADDING_NAMES, POOL_KINDS, ConvSpec, PaddingName, PoolKind


def test_the_lesson_opens_with_the_classic_example() -> None:
    opening = opening_settings("hand")
    assert opening.image == (LESSON_IMAGE,)
    assert opening.weight == ((((1, 0, 1), (0, 1, 0), (1, 0, 1)),),)
    assert compute(opening).tolist() == [[[4, 3, 4], [2, 4, 3], [2, 3, 4]]]
    padded = replace(opening, padding=1, stride=2)
    first = window_at(
        padded.image_array, padded.weight_array, ConvSpec(3, stride=2, padding=1), 0, 0
    )
    assert first.total == 2
    assert compute(padded).shape == (1, 3, 3)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens_with_an_output_and_a_bare_url(view: View) -> None:
    opening = opening_settings(view)
    output = compute(opening)
    assert output.size > 0
    assert len(np.unique(output)) > 1
    assert to_query(opening) == {}
    assert from_query(view, {}) == (opening, ())


@pytest.mark.parametrize("view", VIEWS)
def test_smaller_images_and_filters_are_corners_of_larger_ones(view: View) -> None:
    low, high = BOUNDS[view].size
    largest = np.array(lesson_image(view, high))
    for size in range(low, high + 1):
        assert np.array_equal(np.array(lesson_image(view, size)), largest[:, :size, :size])
    low, high = BOUNDS[view].kernel
    for kernel in range(low, high + 1):
        shape = np.array(lesson_weight(view, kernel)).shape
        assert shape == (0,) if view == "pooling" else shape[2:] == (kernel, kernel)


def test_the_tent_filter_of_the_transposed_view_interpolates() -> None:
    output = compute(opening_settings("transposed"))[0]
    image = np.array(lesson_image("transposed", 3))[0]
    assert np.array_equal(output[::2, ::2], image)
    assert np.array_equal(output[::2, 1::2], (image[:, :-1] + image[:, 1:]) / 2)


def all_settings(view: View) -> st.SearchStrategy[LessonSettings]:
    """Any state that the page can show."""
    bounds = BOUNDS[view]
    cell = st.integers(-9, 9) | st.floats(-99, 99).map(lambda x: round(x, 4) + 0.0)

    @st.composite
    def build(draw: st.DrawFn) -> LessonSettings:
        opening = opening_settings(view)

        def within(name: str) -> int:
            limits = getattr(bounds, name)
            return draw(st.integers(*limits)) if limits else getattr(opening, name)

        size, kernel = within("size"), within("kernel")
        depth, filters = within("depth"), within("filters")
        is_convolution = view in ("hand", "colour")
        image = lesson_image(view, size)
        weight = tuple(bank[:depth] for bank in lesson_weight(view, kernel)[:filters])
        is_edited = draw(st.booleans())
        if is_edited:
            rows = [list(row) for row in image[0]]
            rows[draw(st.integers(0, size - 1))][0] = draw(cell)
            image = (tuple(map(tuple, rows)), *image[1:])
        if weight and is_edited:
            rows = [list(row) for row in weight[0][0]]
            rows[draw(st.integers(0, kernel - 1))][-1] = draw(cell)
            weight = ((tuple(map(tuple, rows)), *weight[0][1:]), *weight[1:])
        padding: int | PaddingName = within("padding")
        if is_convolution and draw(st.booleans()):
            padding = draw(st.sampled_from(PADDING_NAMES))
        pool: PoolKind = draw(st.sampled_from(POOL_KINDS)) if view == "pooling" else "max"
        return LessonSettings(
            view=view,
            size=size,
            kernel=kernel,
            stride=within("stride"),
            padding=padding,
            image=image,
            weight=weight,
            dilation=1 if pool == "average" else within("dilation"),
            padding_mode=draw(st.sampled_from(("zeros", "reflect", "replicate", "circular")))
            if is_convolution
            else "zeros",
            flip=is_convolution and draw(st.booleans()),
            bias=0 if view == "pooling" else draw(cell),
            depth=depth,
            filters=filters,
            pool=pool,
            ceil_mode=view == "pooling" and draw(st.booleans()),
            count_include_pad=view != "pooling" or draw(st.booleans()),
            output_padding=within("output_padding"),
        )

    return build()


@pytest.mark.parametrize("view", VIEWS)
def test_a_url_brings_back_the_state_that_wrote_it(view: View) -> None:
    @settings(max_examples=150)
    @given(all_settings(view))
    def check(shown: LessonSettings) -> None:
        back, notes = from_query(view, to_query(shown))
        assert back == shown
        assert notes == ()
        assert LessonSettings.from_json(json.loads(json.dumps(shown.to_json()))) == shown

    check()


@pytest.mark.parametrize("view", VIEWS)
def test_any_text_in_a_url_opens_a_valid_state(view: View) -> None:
    keys = st.sampled_from([*QUERY_KEYS.values(), "image", "filter"])

    @settings(max_examples=200)
    @given(st.dictionaries(keys, st.text(max_size=30) | st.sampled_from(["1e9", "-1", "nan", "7"])))
    def check(query: dict[str, str]) -> None:
        shown, _ = from_query(view, query)
        assert shown.view == view
        try:
            rows, columns = shown.spec.output_size(shown.size, shown.size)
        except (NoOutputError, SettingError):
            assert shown.step == 0
        else:
            assert shown.step < rows * columns

    check()


def test_nonsense_becomes_the_nearest_setting_with_a_sentence_each() -> None:
    query = {"stride": "0", "padding": "-1", "kernel": "1e9", "fill": "cat", "image": "1_2"}
    shown, notes = from_query("hand", query)
    assert (shown.stride, shown.padding, shown.kernel, shown.padding_mode) == (1, 0, 7, "zeros")
    assert len(notes) == 5
    for key in query:
        assert any(note.startswith(f"{key}={query[key]} ") for note in notes)


def test_step_is_moved_inside_the_output() -> None:
    assert from_query("hand", {"step": "500"})[0].step == 8
    assert from_query("hand", {"step": "4"})[0].step == 4
    assert from_query("hand", {"step": "4", "kernel": "7"})[0].step == 0


@pytest.mark.parametrize(
    ("patch", "match"),
    [
        ({"stride": 0}, "stride must be a whole number from 1 to 5, not 0"),
        ({"stride": 1.0}, "stride must be a whole number"),
        ({"stride": True}, "stride must be a whole number"),
        ({"kernel": 8}, "kernel must be a whole number from 1 to 7"),
        ({"padding": "some"}, "padding must be a whole number"),
        ({"image": [[[1, 2], [3, 4]]]}, "each plane of the image must have 5×5 cells"),
        ({"image": [[[1] * 5] * 4 + [[1, 1, 1, 1, 100]]]}, "must lie within ±99"),
        ({"image": [[["1"] * 5] * 5]}, "is not a number"),
        ({"image": [[[float("nan")] * 5] * 5]}, "must lie within ±99"),
        ({"image": 7}, "make no sense"),
        ({"weight": []}, "1 filters were announced, 0 given"),
        ({"bias": 1e9}, "bias must lie within ±99"),
        ({"padding_mode": "cat"}, "padding_mode is none of zeros"),
        ({"view": "cat"}, "view is none of hand"),
        ({"flip": "yes"}, "flip is none of"),
    ],
)
def test_what_the_browser_sends_is_checked(patch: dict[str, Any], match: str) -> None:
    sent = json.loads(json.dumps(opening_settings("hand").to_json())) | patch
    with pytest.raises(SettingError, match=match):
        LessonSettings.from_json(sent)


@pytest.mark.parametrize("sent", [None, 7, "cat", [], {}, {"view": "hand"}])
def test_a_report_without_settings_is_refused(sent: object) -> None:
    with pytest.raises(SettingError):
        LessonSettings.from_json(sent)


class TestJudge:
    @pytest.mark.parametrize("view", VIEWS)
    def test_all_three_agree_on_the_opening_state(self, view: View) -> None:
        opening = opening_settings(view)
        verdict = judge(opening, compute(opening).tolist(), ask_torch=True)
        assert verdict.state == "agree"
        assert verdict.text == "✓ browser = cnnviz = PyTorch"

    def test_a_browser_that_is_off_by_one_is_named(self) -> None:
        opening = opening_settings("hand")
        wrong = compute(opening)
        wrong[0, 1, 1] += 1
        verdict = judge(opening, wrong.tolist(), ask_torch=True)
        assert verdict.state == "differ"
        assert "your browser differs from cnnviz" in verdict.text
        assert "PyTorch" not in verdict.text

    def test_a_browser_that_shows_an_output_where_there_is_none_is_named(self) -> None:
        no_output = replace(
            opening_settings("hand"), kernel=7, weight=lesson_weight("hand", 7), size=5
        )
        assert judge(no_output, None, ask_torch=True).text == "✓ all three: no output"
        assert judge(no_output, [[[1.0]]], ask_torch=True).state == "differ"
        assert judge(opening_settings("hand"), None, ask_torch=True).state == "differ"

    @pytest.mark.parametrize("sent", ["cat", 7, [[["x"]]], [[[1], [1, 2]]], [[[[1]]]]])
    def test_nonsense_from_the_browser_differs(self, sent: object) -> None:
        assert judge(opening_settings("hand"), sent, ask_torch=False).state == "differ"

    def test_without_torch_the_verdict_waits_and_says_why(self) -> None:
        opening = opening_settings("hand")
        verdict = judge(opening, compute(opening).tolist(), ask_torch=False, why_no_torch="soon")
        assert verdict.state == "waiting"
        assert verdict.text == "✓ browser = cnnviz · soon"

    def test_minus_infinity_travels_as_null(self) -> None:
        empty = replace(
            opening_settings("pooling"),
            size=1,
            image=lesson_image("pooling", 1),
            padding=1,
            dilation=2,
            stride=1,
        )
        output = compute(empty)
        assert output.tolist() == [[[-np.inf]]]
        assert judge(empty, [[[None]]], ask_torch=True).state == "agree"
