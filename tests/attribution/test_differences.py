"""A map of a difference from two maps is what `explain` makes of the difference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cnnviz.attribution.cards import MethodName
from cnnviz.attribution.differences import difference, parts_of
from cnnviz.attribution.explain import explain
from cnnviz.attribution.methods import METHODS
from cnnviz.attribution.requests import Target, request_for
from cnnviz.attribution.support import examine
from cnnviz.errors import SettingError
from tests.attribution.networks import CAT, DOG, FAST, LENET, request_quick, subject_named


@pytest.mark.parametrize("name", [LENET, FAST])
@pytest.mark.parametrize("method", METHODS)
def test_it_is_what_explain_makes(method: MethodName, name: str) -> None:
    subject = subject_named(name)
    if examine(subject.network, subject.input_shape).why_not(method):
        pytest.skip("this network does not allow it")
    request = request_quick(method, Target(DOG, CAT))
    parts = parts_of(request)
    if parts is None:
        assert not METHODS[request.method].is_linear
        return
    wanted = explain(subject, request)
    made = difference(*(explain(subject, part) for part in parts))
    size = float(np.abs(wanted.map).max())
    np.testing.assert_allclose(made.map, wanted.map, atol=1e-3 * size)
    assert made.request == request
    assert made.layer == wanted.layer
    assert made.score == pytest.approx(wanted.score, abs=1e-4)
    if wanted.channels is not None:
        assert made.channels is not None
        np.testing.assert_allclose(made.channels, wanted.channels, atol=1e-3 * size)
    if wanted.completeness is not None:
        assert made.completeness is not None
        assert made.completeness.total == pytest.approx(wanted.completeness.total, abs=1e-3)
        assert made.completeness.expected == pytest.approx(wanted.completeness.expected, abs=1e-4)


def test_what_does_not_follow_is_not_derived() -> None:
    assert parts_of(request_for("saliency", Target(DOG))) is None
    assert parts_of(request_for("saliency", Target(DOG, CAT), magnitude=True)) is None
    assert parts_of(request_for("grad_cam", Target(DOG, CAT), positive=True)) is None
    assert parts_of(request_for("guided_backprop", Target(DOG, CAT))) is None


def test_two_maps_that_do_not_belong_together() -> None:
    subject = subject_named(LENET)
    one = explain(subject, request_for("saliency", Target(DOG)))
    other = explain(subject, request_for("input_x_gradient", Target(CAT)))
    with pytest.raises(SettingError, match="do not make the map of a difference"):
        difference(one, other)
    with pytest.raises(SettingError, match="against itself"):
        difference(one, one)
    swapped = difference(one, replace(one, request=request_for("saliency", Target(CAT))))
    assert not swapped.map.any()
