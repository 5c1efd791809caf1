"""The size formula asked backwards."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnviz.backwards import (
    LIMITS,
    Search,
    search_from_query,
    search_to_query,
    write_formula,
    write_layer,
)
from cnnviz.geometry import ConvSpec


def test_every_way_from_32_to_16_by_brute_force_with_pytorch() -> None:
    search = Search()
    found = {
        (spec.kernel_size[0], spec.stride[0], spec.pad_sides[0][0], spec.dilation[0])
        for spec in search.find()
    }
    image = torch.zeros(1, 1, 32, 32)
    expected = set()
    for k in range(1, 8):
        for s in range(1, 5):
            for p in range(4):
                for d in range(1, 3):
                    layer = torch.nn.Conv2d(1, 1, k, s, p, d)
                    if layer(image).shape[-2:] == (16, 16):
                        expected.add((k, s, p, d))
    assert found == expected
    assert (2, 2, 0, 1) in found
    assert (3, 2, 1, 1) in found


@pytest.mark.parametrize(("size", "to"), [(32, 16), (28, 28), (224, 112), (7, 1), (5, 3)])
def test_the_written_layer_does_what_the_written_formula_says(size: int, to: int) -> None:
    search = Search(from_size=size, to_size=to, in_channels=2, out_channels=3)
    for spec in search.find():
        text = write_layer(spec, 2, 3)
        layer = eval(text, {"nn": torch.nn})
        assert layer(torch.zeros(1, 2, size, size)).shape == (1, 3, to, to)
        parameters = sum(p.numel() for p in layer.parameters())
        assert spec.count_parameters(2, 3) == parameters
        formula = write_formula(spec, size)
        left, right = formula.removeprefix("⌊").split(" = ")
        value = eval(left.replace("−", "-").replace("·", "*").replace("/", "//").replace("⌋", ""))
        assert value == int(right) == to


def test_formula_text() -> None:
    assert write_formula(ConvSpec(3, 2, 1), 32) == "⌊(32 + 2·1 − 1·(3−1) − 1)/2⌋ + 1 = 16"
    assert write_layer(ConvSpec(3), 1, 6) == "nn.Conv2d(1, 6, kernel_size=3)"


def test_what_cannot_be_reached_names_its_neighbours() -> None:
    search = Search(from_size=32, to_size=40)
    assert search.find() == ()
    assert search.nearest_reachable() == (38,)
    for size in search.reachable_sizes():
        assert search.find(size)
    gap = Search(from_size=32, to_size=22, max_dilation=1)
    assert gap.find() == ()
    below, above = gap.nearest_reachable()
    assert (below, above) == (19, 26)
    assert not any(gap.find(size) for size in range(below + 1, above))


@settings(max_examples=100)
@given(st.fixed_dictionaries({name: st.integers(*limits) for name, limits in LIMITS.items()}))
def test_a_url_brings_back_the_search(values: dict[str, int]) -> None:
    search = Search(**values)
    assert search_from_query(search_to_query(search)) == (search, ())


def test_nonsense_is_brought_inside() -> None:
    search, notes = search_from_query({"from": "0", "to": "cat", "max_kernel": "1e9"})
    assert (search.from_size, search.to_size, search.max_kernel) == (1, 16, 11)
    assert len(notes) == 3
