"""The order of the classes, against scipy and against all orders that there are."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from cnnviz.confusion.order import class_distances, leaf_order, similarity_order


def random_distances(count: int, seed: int) -> np.ndarray:
    upper = np.triu(np.random.default_rng(seed).random((count, count)), 1)
    distances: np.ndarray = upper + upper.T
    return distances


def length(order: tuple[int, ...], distances: np.ndarray) -> float:
    return float(sum(distances[a, b] for a, b in pairwise(order)))


def keeps_together(order: tuple[int, ...], tree: np.ndarray) -> bool:
    """Whether the leaves of every branch of scipy's tree are side by side."""
    branches = [{leaf} for leaf in range(len(order))]
    for left, right, *_ in tree:
        branches.append(branches[int(left)] | branches[int(right)])
    places = {leaf: place for place, leaf in enumerate(order)}
    spans = ([places[leaf] for leaf in branch] for branch in branches)
    return all(max(span) - min(span) == len(span) - 1 for span in spans)


@given(st.integers(2, 12), st.integers(0, 10_000))
def test_against_scipy(count: int, seed: int) -> None:
    """It keeps the branches of scipy's tree together, and is never longer than scipy's order.

    Scipy's is longer now and then, though meant to be the best; see the next test for all orders.
    """
    distances = random_distances(count, seed)
    order = leaf_order(distances)
    condensed = squareform(distances)
    tree = linkage(condensed, method="average")
    scipys = tuple(int(leaf) for leaf in leaves_list(optimal_leaf_ordering(tree, condensed)))
    assert sorted(order) == list(range(count))
    assert keeps_together(order, tree)
    assert length(order, distances) <= length(scipys, distances) + 1e-9


@given(st.integers(1, 10_000))
def test_it_is_the_best_of_all_orders_of_the_tree(seed: int) -> None:
    """Of six leaves: among all permutations, those that keep every branch of the tree together."""
    distances = random_distances(6, seed)
    tree = linkage(squareform(distances), method="average")
    best = min(
        length(order, distances) for order in permutations(range(6)) if keeps_together(order, tree)
    )
    assert length(leaf_order(distances), distances) == pytest.approx(best)


def test_those_that_are_confused_are_neighbours() -> None:
    confusion = np.diag([10] * 6)
    for first, second in ((0, 3), (3, 5), (1, 4)):
        confusion[first, second] = confusion[second, first] = 4
    order = similarity_order(confusion)
    places = {label: place for place, label in enumerate(order)}
    assert abs(places[0] - places[3]) == abs(places[3] - places[5]) == 1
    assert abs(places[1] - places[4]) == 1
    assert order[0] < order[-1]


def test_ties_and_edges_are_always_decided_alike() -> None:
    assert similarity_order(np.diag([3])) == (0,)
    assert similarity_order(np.diag([3, 3])) == (0, 1)
    assert similarity_order(np.diag([5] * 4)) == (0, 1, 2, 3)
    assert sorted(similarity_order(np.zeros((5, 5), dtype=int))) == list(range(5))


def test_distances_are_symmetrical_shares() -> None:
    distances = class_distances(np.array([[6, 4, 0], [1, 4, 0], [0, 0, 0]]))
    expected = np.array([[0, 0.7, 1], [0.7, 0, 1], [1, 1, 0]])
    np.testing.assert_allclose(distances, expected)
