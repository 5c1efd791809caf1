"""The batch of pictures that a view looks at."""

from __future__ import annotations

import re

import numpy as np
import pytest

from cnnviz.norms.picture_batch import class_counts, draw_batch
from tests.norms.networks import a_split

SPLIT = a_split()


@pytest.mark.parametrize("count", [1, 7, 40, 500])
def test_each_picture_at_most_once_and_no_more_than_there_are(count: int) -> None:
    batch = draw_batch(SPLIT, count)
    assert len(set(batch.indices.tolist())) == len(batch.indices) == min(count, len(SPLIT))
    np.testing.assert_array_equal(batch.images, SPLIT.images[batch.indices])
    numbers = [int(number) for number in re.findall(r"(\d+) class", batch.words)]
    assert sum(numbers) == len(batch.indices)


def test_of_one_class_and_others_by_another_draw() -> None:
    counts = class_counts(SPLIT)
    assert sum(counts.values()) == len(SPLIT)
    name = max(counts, key=counts.__getitem__)
    batch = draw_batch(SPLIT, 500, only=name)
    assert batch.words == f"{counts[name]} {name}"
    assert set(SPLIT.labels[batch.indices]) == {SPLIT.class_names.index(name)}
    first, same, other = (draw_batch(SPLIT, 8, draw=draw).indices for draw in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert set(first) != set(other)


@pytest.mark.parametrize(("count", "shape"), [(3, (32, 100, 3)), (40, (100, 542, 3))])
def test_the_sheet_shows_each_in_its_place(count: int, shape: tuple[int, ...]) -> None:
    batch = draw_batch(SPLIT, count)
    sheet = batch.sheet()
    assert sheet.shape == shape
    for place, image in enumerate(batch.images):
        top, left = 34 * (place // 16), 34 * (place % 16)
        np.testing.assert_array_equal(sheet[top : top + 32, left : left + 32], image)
    assert (sheet[:, 32:34] == 255).all()  # the gap
