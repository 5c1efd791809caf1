"""Settings of the views on real networks and of the relatives: URLs, and the nearest there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnviz.batchnorm import Mode
from cnnviz.errors import CnnvizError, SettingError
from cnnviz.norms.network_settings import (
    DEFAULT_MODEL,
    MODES,
    PICTURE_COUNTS,
    FoldSettings,
    NetworkSettings,
    fit_fold_settings,
    fit_network_settings,
    read_fold_settings,
    read_network_settings,
)
from cnnviz.norms.relatives import KINDS
from cnnviz.norms.relatives_lesson import (
    CHANNELS,
    GROUPS,
    PICTURES,
    SIDES,
    SOURCES,
    RelativesSettings,
    Source,
    draw_tensor,
    notes_on,
    relate_all,
)

MODELS = ("another", DEFAULT_MODEL)
LAYERS = {"norm1": 16, "norm2": 32, "norm3": 8}


@given(
    model=st.sampled_from(MODELS),
    layer=st.sampled_from(["", *LAYERS]),
    channel=st.integers(0, 500),
    pictures=st.sampled_from(PICTURE_COUNTS),
    only=st.sampled_from(["", "cat"]),
    draw=st.integers(0, 999),
    mode=st.sampled_from(MODES),
)
def test_network_settings_come_back_from_their_url(mode: Mode, **values: Any) -> None:
    settings = NetworkSettings(mode=mode, **values)
    assert read_network_settings(settings.to_query(), MODELS) == (settings, ())


@given(
    model=st.sampled_from(MODELS),
    layer=st.sampled_from(["", *LAYERS]),
    channel=st.integers(0, 500),
    plane=st.integers(0, 500),
)
def test_fold_settings_come_back_from_their_url(**values: Any) -> None:
    settings = FoldSettings(**values)
    assert read_fold_settings(settings.to_query(), MODELS) == (settings, ())


@given(
    pictures=st.sampled_from(PICTURES),
    side=st.sampled_from(SIDES),
    groups=st.sampled_from(GROUPS),
    source=st.sampled_from(SOURCES),
    draw=st.integers(0, 999),
    share=st.floats(0, 0.99),
)
def test_relatives_settings_come_back_from_their_url(
    pictures: int, side: int, groups: int, source: Source, draw: int, share: float
) -> None:
    cell = int(share * pictures * CHANNELS * side**2)
    settings = RelativesSettings(
        pictures=pictures, side=side, groups=groups, source=source, draw=draw, cell=cell
    )
    assert RelativesSettings.from_query(settings.to_query()) == (settings, ())


def test_an_empty_link_opens_the_default_or_what_there_is() -> None:
    assert read_network_settings({}, MODELS)[0].model == DEFAULT_MODEL
    assert read_fold_settings({}, ("another",))[0].model == "another"
    assert NetworkSettings(model=DEFAULT_MODEL).to_query() == {}
    assert FoldSettings(model=DEFAULT_MODEL).to_query() == {}
    assert RelativesSettings().to_query() == {}


@pytest.mark.parametrize(
    ("query", "changed", "note"),
    [
        ({"model": "cat"}, {}, f"model=cat is now {DEFAULT_MODEL} (with batch normalization"),
        ({"n": "50"}, {"pictures": 64}, "n=50 is now 64 (there are 2, 8, 32, 64, 128)."),
        ({"n": "20"}, {"pictures": 8}, "n=20 is now 8"),
        ({"n": "1e9"}, {"pictures": 128}, "n=1e9"),
        ({"n": "many"}, {}, "n=many is not a"),
        ({"channel": "-3"}, {}, "channel=-3 is now 0"),
        ({"draw": "x"}, {}, "draw=x is not a"),
        ({"mode": "test"}, {}, "mode=test"),
        ({"layer": "l" * 500}, {"layer": None}, ""),
    ],
)
def test_what_a_link_asks_for_in_vain(
    query: dict[str, str], changed: dict[str, Any], note: str
) -> None:
    settings, notes = read_network_settings(query, MODELS)
    default = NetworkSettings(model=DEFAULT_MODEL)
    for name in NetworkSettings.__dataclass_fields__:
        expected = changed.get(name, getattr(default, name))
        if expected is not None:
            assert getattr(settings, name) == expected
    assert len(settings.layer) <= 100
    assert note in "".join(notes)
    assert bool(notes) == bool(note)


def test_the_nearest_that_a_network_has() -> None:
    def fit(**asked: Any) -> tuple[NetworkSettings, tuple[str, ...]]:
        return fit_network_settings(NetworkSettings(model="m", **asked), LAYERS, {"cat": 3})

    settings, notes = fit()
    assert (settings.layer, settings.channel, notes) == ("norm2", 0, ())  # the one in the middle
    settings, notes = fit(layer="conv1", channel=99, only="dog")
    assert (settings.layer, settings.channel, settings.only) == ("norm2", 31, "")
    layer, channel, only = notes
    assert layer == "layer=conv1 is now norm2 (there are norm1, norm2, norm3)."
    assert channel == "channel=99 is now 31 (norm2 has channels 0 to 31)."
    assert "no pictures of dog" in only
    assert fit(layer="norm3", channel=7, only="cat") == (
        NetworkSettings(model="m", layer="norm3", channel=7, only="cat"),
        (),
    )
    fold, notes = fit_fold_settings(
        FoldSettings(model="m", layer="norm3", channel=8, plane=40), {"norm3": (8, 32)}
    )
    assert (fold.channel, fold.plane, len(notes)) == (7, 31, 2)
    assert notes[1] == "plane=40 is now 31 (norm3 has planes 0 to 31)."


@pytest.mark.parametrize(
    ("query", "changed", "note"),
    [
        ({"n": "9"}, {"pictures": 4}, "n=9 is now 4"),
        ({"side": "0"}, {"side": 1}, "side=0 is now 1"),
        ({"groups": "5"}, {"groups": 6}, "groups=5 is now 6 (numbers that divide 6 channels)."),
        ({"groups": "4"}, {"groups": 3}, "groups=4 is now 3"),
        ({"source": "moon"}, {}, "source=moon"),
        ({"cell": "72"}, {"cell": 71}, "cell=72 is now 71"),
        ({"n": "1", "side": "1", "cell": "71"}, {"pictures": 1, "side": 1, "cell": 5}, "is now 5"),
    ],
)
def test_what_a_link_to_the_relatives_asks_for_in_vain(
    query: dict[str, str], changed: dict[str, Any], note: str
) -> None:
    settings, notes = RelativesSettings.from_query(query)
    assert settings == RelativesSettings(**changed)
    assert note in notes[0]


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: NetworkSettings(model="m" * 101), "use a name of up to 100 characters"),
    (lambda: NetworkSettings(model="m", channel=-1), "channel is -1"),
    (lambda: NetworkSettings(model="m", pictures=3), "pictures is 3: use one of 2, 8"),
    (lambda: NetworkSettings(model="m", mode="test"), "mode is 'test'"),  # type: ignore[arg-type]
    (lambda: FoldSettings(model="m", layer=7), "layer is 7"),  # type: ignore[arg-type]
    (lambda: FoldSettings(model="m", plane=-1), "plane is -1"),
    (lambda: RelativesSettings(groups=4), "groups is 4: use one of 1, 2, 3, 6"),
    (lambda: RelativesSettings(pictures=5), "pictures is 5"),
    (lambda: RelativesSettings(source="moon"), "source is 'moon'"),  # type: ignore[arg-type]
    (lambda: RelativesSettings(cell=72), "cell is 72: the tensor has 72 numbers"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_what_no_setting_can_be(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make()
    assert issubclass(SettingError, CnnvizError)


# --------------------------------------------------------------------- the relatives' tensor


def test_more_pictures_and_larger_maps_only_add_to_the_tensor() -> None:
    largest = draw_tensor(RelativesSettings(pictures=PICTURES[-1], side=SIDES[-1]))
    assert np.abs(largest).max() <= 9
    assert (largest == largest.round()).all()
    for pictures in PICTURES:
        for side in SIDES:
            settings = RelativesSettings(pictures=pictures, side=side)
            x = draw_tensor(settings)
            assert x.shape == settings.shape
            np.testing.assert_array_equal(x, largest[:pictures, :, :side, :side])
    assert (draw_tensor(RelativesSettings(draw=1)) != draw_tensor(RelativesSettings())).any()


@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("pictures", PICTURES)
def test_a_note_says_another_s_name_where_the_numbers_are_another_s(
    pictures: int, side: int, groups: int
) -> None:
    relatives = relate_all(draw_tensor(RelativesSettings(pictures=pictures, side=side)), groups)
    notes = notes_on(relatives)
    for kind in KINDS:
        one = relatives[kind]
        if one.output is None:
            assert one.count == 1
            assert notes[kind].startswith("Refused")
            continue
        for number, (mean, variance) in enumerate(zip(one.mean, one.variance, strict=True)):
            members = draw_tensor(RelativesSettings(pictures=pictures, side=side))[
                one.sets == number
            ]
            assert (members.mean(), members.var()) == pytest.approx((mean, variance))
        for other in ("instance", "layer"):
            if f"the same as {other} normalization" in notes[kind]:
                theirs = relatives[other].output
                assert theirs is not None
                np.testing.assert_allclose(one.output, theirs)
    same = {kind for kind in KINDS if "the same as" in notes[kind]}
    assert ("batch" in same) == (pictures == 1 and side > 1)
    assert ("group" in same) == (groups == 1 or (groups == CHANNELS and side > 1))
