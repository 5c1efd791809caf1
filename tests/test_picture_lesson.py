"""The lesson on a picture: settings and addresses, feature maps, summaries, agreement, snippet."""

import contextlib
import dataclasses
import io
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnviz import torch_reference
from cnnviz.errors import NoOutputError, SettingError
from cnnviz.filters import FILTERS
from cnnviz.picture_lesson import (
    NO_MAP,
    SAMPLES,
    MapSummary,
    PictureSettings,
    agree,
    describe_filters,
    feature_map,
    pytorch_snippet,
    read_report,
    sample_indexes,
    summarise,
    summarise_map,
)
from cnnviz.picture_settings import SHOWS
from cnnviz.pictures import sample_picture, to_grey

Grey = npt.NDArray[np.float64]


@pytest.fixture(name="grey", scope="module")
def _grey() -> Grey:
    return np.random.default_rng(0).integers(0, 256, (17, 23)).astype(np.float64)


def weights(size: int) -> st.SearchStrategy[tuple[tuple[float, ...], ...]]:
    row = st.tuples(*[st.floats(-100, 100).map(lambda weight: weight + 0.0)] * size)
    return st.tuples(*[row] * size)


kernels = st.sampled_from([3, 5, 7]).flatmap(weights)
filters = st.one_of(
    st.fixed_dictionaries({"filter_key": st.sampled_from([named.key for named in FILTERS])}),
    st.fixed_dictionaries({"filter_key": st.none(), "own_kernel": kernels}),
)
settings_strategy = st.builds(
    lambda chosen, **rest: PictureSettings(**chosen, **rest),
    filters,
    stride=st.integers(1, 4),
    padding=st.integers(0, 3),
    dilation=st.integers(1, 3),
    flip=st.booleans(),
    bias=st.floats(-255, 255).map(lambda bias: bias + 0.0),
    show=st.sampled_from(SHOWS),
)


# ------------------------------------------------------------------------- settings and addresses


@given(settings_strategy)
def test_an_address_brings_the_settings_back(settings: PictureSettings) -> None:
    assert PictureSettings.from_query(settings.to_query()) == (settings, ())


def test_the_default_needs_no_query() -> None:
    assert PictureSettings().to_query() == {}
    assert PictureSettings.from_query({}) == (PictureSettings(), ())


def test_the_query_holds_only_what_differs_and_reads_well() -> None:
    own = PictureSettings(
        filter_key=None, own_kernel=((1, 0, -1), (2, 0.5, -2), (1, 0, -1)), stride=2, flip=True
    )
    assert own.to_query() == {"kernel": "1_0_-1~2_0.5_-2~1_0_-1", "stride": "2", "flip": "1"}


def test_other_keys_of_the_page_are_left_alone() -> None:
    assert PictureSettings.from_query({"view": "picture", "lang": "de"}) == (PictureSettings(), ())


hostile = st.one_of(
    st.lists(st.integers(0, 0x10FFFF).map(chr), max_size=60).map("".join),
    st.text(alphabet="0123456789._~-+einfaNx \t", max_size=60),
    st.sampled_from(["1e999999999", "-" * 5000, "9" * 100_000, "nan", "-inf", "1_0", "٣", "0x2"]),
    st.just("~".join(["_".join(["1e9"] * 7)] * 7)),
)


@given(
    st.dictionaries(
        st.sampled_from(
            ("filter", "kernel", "stride", "padding", "dilation", "flip", "bias", "show")
        ),
        hostile,
    )
)
def test_any_text_gives_valid_settings_and_is_hardly_repeated(query: dict[str, str]) -> None:
    settings, changes = PictureSettings.from_query(query)
    assert PictureSettings.from_query(settings.to_query()) == (settings, ())
    for sentence in changes:
        assert len(sentence) < 240
        assert sentence.isprintable()


@pytest.mark.parametrize(
    ("query", "changed", "sentence"),
    [
        ({"stride": "0"}, {"stride": 1}, "stride=0 is now 1 (whole numbers from 1 to 4)."),
        ({"padding": "inf"}, {"padding": 3}, "padding=inf is now 3 (whole numbers from 0 to 3)."),
        ({"dilation": "nan"}, {"dilation": 1}, "dilation=nan is not a number: 1 is kept."),
        ({"flip": "maybe"}, {"flip": False}, "flip=maybe is now 0 (1 or 0)."),
        ({"bias": "1e6"}, {"bias": 255.0}, "bias=1e6 is now 255 (numbers from -255 to 255)."),
        (
            {"show": "pink"},
            {"show": "signed"},
            "show=pink is now signed (there are range, signed, relu, clipped).",
        ),
        (
            {"kernel": "1_2~3_4"},
            {},
            "kernel=1_2~3_4 is left out (it must hold 3×3 numbers).",
        ),
        (
            {"kernel": "1_0_0~0_x_0~0_0_1"},
            {},
            "kernel=1_0_0~0_x_0~0_0_1 is left out (every cell must be a number within ±100).",
        ),
    ],
)
def test_every_change_is_explained(
    query: dict[str, str], changed: dict[str, Any], sentence: str
) -> None:
    settings, changes = PictureSettings.from_query(query)
    assert settings == dataclasses.replace(PictureSettings(), **changed)
    assert changes == (sentence,)


def test_an_unknown_filter_becomes_the_default_one() -> None:
    settings, changes = PictureSettings.from_query({"filter": "cat"})
    assert settings.filter_key == "sobel_x"
    assert changes[0].startswith("filter=cat is now sobel_x (there are identity, box_blur, ")


def test_a_kernel_beats_a_filter() -> None:
    query = {"kernel": "1_0_0~0_1_0~0_0_1", "filter": "emboss"}
    settings, changes = PictureSettings.from_query(query)
    assert settings.kernel == ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    assert changes == ()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"filter_key": None}, "either the key of a filter or a kernel"),
        ({"own_kernel": ((0.0,) * 3,) * 3}, "either the key of a filter or a kernel"),
        ({"filter_key": "cat"}, "no filter is called 'cat'"),
        ({"filter_key": None, "own_kernel": ((1.0,),)}, "3×3, 5×5 or 7×7"),
        ({"filter_key": None, "own_kernel": ((1.0,) * 3,) * 2 + ((1.0,),)}, "3×3, 5×5 or 7×7"),
        ({"filter_key": None, "own_kernel": ((float("nan"),) * 3,) * 3}, "within ±100"),
        ({"stride": 0}, "stride must be 1 to 4, not 0"),
        ({"stride": True}, "stride must be 1 to 4, not True"),
        ({"padding": 4}, "padding must be 0 to 3, not 4"),
        ({"dilation": 1.0}, r"dilation must be 1 to 3, not 1\.0"),
        ({"bias": float("inf")}, "bias must lie within ±255, not inf"),
        ({"flip": 1}, "flip must be True or False, not 1"),
        ({"show": "pink"}, "show must be one of range, signed, relu, clipped"),
    ],
)
def test_settings_are_checked(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        PictureSettings(**wrong)


# ------------------------------------------------------------------------- maps and their summary


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("key", [named.key for named in FILTERS])
def test_maps_are_pytorchs(grey: Grey, key: str, flip: bool) -> None:
    for stride, padding, dilation in itertools.product((1, 3), (0, 2), (1, 2)):
        settings = PictureSettings(key, None, stride, padding, dilation, flip, bias=-7.5)
        weight = np.array(settings.kernel)
        if flip:
            weight = weight[::-1, ::-1].copy()
        expected = torch_reference.conv2d(
            grey[None], weight[None, None], settings.to_spec(), bias=[-7.5]
        )[0]
        np.testing.assert_allclose(feature_map(grey, settings), expected, atol=1e-9)


def test_no_output_is_said(grey: Grey) -> None:
    settings = PictureSettings("motion_blur", dilation=3)  # spans 19 of 17 rows
    with pytest.raises(NoOutputError):
        feature_map(grey, settings)
    assert summarise(grey, settings) == NO_MAP


def test_a_summary_holds_what_the_map_holds(grey: Grey) -> None:
    settings = PictureSettings("identity")
    inner = grey[1:-1, 1:-1]
    summary = summarise(grey, settings)
    assert (summary.height, summary.width) == inner.shape
    assert (summary.minimum, summary.maximum) == (inner.min(), inner.max())
    assert summary.mean == pytest.approx(inner.mean())
    assert len(summary.samples) == SAMPLES
    assert all(inner.ravel()[index] == value for index, value in summary.samples)


@given(st.integers(1, 100_000))
def test_samples_are_spread_from_first_to_last(count: int) -> None:
    indexes = sample_indexes(count)
    assert len(indexes) == len(set(indexes)) == min(count, SAMPLES)
    assert indexes[0] == 0
    assert indexes[-1] == count - 1
    gaps = np.diff(indexes)
    assert gaps.size == 0 or gaps.max() - gaps.min() <= 1


SUMMARY = MapSummary(4, 5, -1.0, 2.0, 0.5, ((0, 1.0), (19, 2.0)))


def test_agreement_of_three_of_two_and_on_nothing() -> None:
    assert agree(SUMMARY, SUMMARY, SUMMARY).text == (
        "Your browser, cnnviz and PyTorch agree on 4 × 5 values."
    )
    waiting = agree(SUMMARY, SUMMARY, None, why_no_torch="PyTorch is loading …")
    assert waiting.ok
    assert waiting.text == ("Your browser and cnnviz agree on 4 × 5 values. PyTorch is loading …")
    assert agree(NO_MAP, NO_MAP, NO_MAP).text == (
        "Your browser, cnnviz and PyTorch agree: no output."
    )


def test_rounding_is_no_difference_but_more_is() -> None:
    near = dataclasses.replace(SUMMARY, mean=0.5 + 1e-10)
    assert agree(near, SUMMARY, SUMMARY).ok
    far = dataclasses.replace(SUMMARY, mean=0.5 + 1e-6)
    assert agree(far, SUMMARY, SUMMARY).text == "Your browser differs from cnnviz by up to 1e-06."


@pytest.mark.parametrize(
    "change",
    [
        {"minimum": -1.1},
        {"maximum": 2.1},
        {"mean": 0.6},
        {"mean": float("nan")},
        {"samples": ((0, 1.0), (19, 2.5))},
        {"samples": ((0, 1.0), (18, 2.0))},
        {"samples": ((0, 1.0),)},
        {"height": 5, "width": 4},
    ],
)
def test_whoever_differs_is_named(change: dict[str, Any]) -> None:
    other = dataclasses.replace(SUMMARY, **change)
    browser = agree(other, SUMMARY, SUMMARY)
    torch = agree(SUMMARY, SUMMARY, other)
    assert not browser.ok
    assert browser.text.startswith("Your browser ")
    assert "PyTorch" not in browser.text
    assert not torch.ok
    assert torch.text.startswith("PyTorch ")
    both = agree(other, SUMMARY, other)
    assert "Your browser" in both.text
    assert "PyTorch" in both.text


def test_a_map_of_another_size_is_named_with_both_sizes() -> None:
    assert agree(NO_MAP, SUMMARY, None).text == ("Your browser gives 0 × 0 values, cnnviz 4 × 5.")


# -------------------------------------------------------------------------- the browser's report


def report(settings: PictureSettings, grey: Grey) -> dict[str, Any]:
    summary = summarise(grey, settings)
    return {
        "id": "a-1",
        "picture": "p",
        "version": 3,
        "filter": settings.filter_key,
        "kernel": [list(row) for row in settings.kernel],
        "stride": settings.stride,
        "padding": settings.padding,
        "dilation": settings.dilation,
        "flip": settings.flip,
        "bias": settings.bias,
        "show": settings.show,
        "summary": {
            "height": summary.height,
            "width": summary.width,
            "min": summary.minimum,
            "max": summary.maximum,
            "mean": summary.mean,
            "samples": [list(sample) for sample in summary.samples],
        },
    }


@given(settings_strategy)
def test_a_report_survives_json(settings: PictureSettings) -> None:
    grey = np.arange(12 * 13, dtype=np.float64).reshape(12, 13)
    found = read_report(json.loads(json.dumps(report(settings, grey))))
    assert found.settings == settings
    assert (found.state_id, found.picture_id, found.version) == ("a-1", "p", 3)
    assert agree(found.summary, summarise(grey, settings), None).ok


@pytest.mark.parametrize(
    "change",
    [
        {"stride": "2"},
        {"stride": 2.0},
        {"filter": "cat"},
        {"filter": ["cat"]},
        {"filter": None, "kernel": None},
        {"filter": None, "kernel": "1,2"},
        {"filter": None, "kernel": [[True] * 3] * 3},
        {"bias": float("nan")},
        {"bias": "0"},
        {"show": []},
        {"version": "x"},
        {"summary": None},
        {"summary": {}},
        {"summary": {"height": 1e999}},
    ],
)
def test_a_report_without_sense_is_refused(grey: Grey, change: dict[str, Any]) -> None:
    with pytest.raises(SettingError):
        read_report(report(PictureSettings(), grey) | change)


@pytest.mark.parametrize("nothing", [None, 3, "x", [], {}])
def test_a_report_that_is_none_is_refused(nothing: object) -> None:
    with pytest.raises(SettingError, match="report makes no sense"):
        read_report(nothing)


def test_filters_are_ready_for_the_browser() -> None:
    described = json.loads(json.dumps(describe_filters()))
    assert [entry["key"] for entry in described] == [named.key for named in FILTERS]
    assert described[1]["kernel"][0][0] == 1 / 9


# ------------------------------------------------------------------------------------ the snippet


OWN = tuple(tuple(0.1 * row - 0.3 * column for column in range(5)) for row in range(5))


@pytest.mark.parametrize(
    "settings",
    [
        PictureSettings(),
        PictureSettings("emboss", stride=3, padding=2, dilation=2, flip=True, bias=-12.5),
        PictureSettings("motion_blur", padding=3),
        PictureSettings(None, OWN, stride=2, padding=1),
    ],
)
def test_the_snippet_computes_the_same_map(
    settings: PictureSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = sample_picture(max_side=96)
    (tmp_path / "picture.png").write_bytes(picture.to_png())
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(pytorch_snippet(settings), "snippet", "exec"), names)
    expected = feature_map(to_grey(picture.pixels), settings)
    np.testing.assert_allclose(names["feature_map"].numpy(), expected, atol=1e-9)
    assert f"torch.Size([{expected.shape[0]}, {expected.shape[1]}])" in printed.getvalue()
    assert summarise_map(expected) == summarise(to_grey(picture.pixels), settings)
