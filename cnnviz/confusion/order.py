"""An order of the classes in which those that are taken for each other are neighbours.

Classes are joined, the most alike first, into a tree (average linkage: Sokal & Michener 1958, "A
Statistical Method for Evaluating Systematic Relationships"). A tree of n leaves can be written down
in 2^(n-1) orders; the one is taken whose neighbours are most alike in sum (optimal leaf ordering:
Bar-Joseph, Gifford & Jaakkola 2001, "Fast optimal leaf ordering for hierarchical clustering",
Bioinformatics 17). Nothing is left to chance: of equals the first in the data set's order is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cnnviz.confusion.matrix import Confusion, shares

Floats = npt.NDArray[np.float64]
Order = tuple[int, ...]


def similarity_order(confusion: Confusion) -> Order:
    """The classes of a confusion matrix (true, predicted), neighbours alike."""
    return leaf_order(class_distances(confusion))


def class_distances(confusion: Confusion) -> Floats:
    """How unlike two classes are, (classes, classes), symmetrical: 1 less how often they are mixed.

    That is the mean of two shares: of the one class's pictures that are taken for the other, and
    the other way round. A class without pictures is unlike all.
    """
    of_true = np.nan_to_num(shares(confusion), nan=0.0)
    distances: Floats = 1 - (of_true + of_true.T) / 2
    np.fill_diagonal(distances, 0)
    return distances


@dataclass(frozen=True, slots=True)
class _Tree:
    """Classes that were joined, and how: two trees, or one leaf."""

    leaves: Order
    parts: tuple[_Tree, _Tree] | None = None


def leaf_order(distances: Floats) -> Order:
    """The optimal leaf order of the average-linkage tree of symmetrical distances (n, n).

    Of an order and its reverse, that which begins with the earlier class.
    """
    orders = _best_orders(_average_linkage(distances), distances)
    order = min(orders.values())[1]
    return min(order, order[::-1])


def _average_linkage(distances: Floats) -> _Tree:
    trees = [_Tree((leaf,)) for leaf in range(len(distances))]
    while len(trees) > 1:
        # Between two trees: the mean distance of a leaf of the one to a leaf of the other.
        _, first, second = min(
            (float(distances[np.ix_(trees[i].leaves, trees[j].leaves)].mean()), i, j)
            for i in range(len(trees))
            for j in range(i + 1, len(trees))
        )
        joined = _Tree(trees[first].leaves + trees[second].leaves, (trees[first], trees[second]))
        # It stands where the earlier stood, so that ties go on being broken by class.
        trees[first] = joined
        del trees[second]
    return trees[0]


def _best_orders(tree: _Tree, distances: Floats) -> dict[tuple[int, int], tuple[float, Order]]:
    """For each pair of leaves that can be at the ends: the least sum of distances, and its order.

    The ends of an order lie in different parts; it is a best order of the one part, from its end
    to some leaf, and then a best order of the other, from some leaf to its end.
    """
    if tree.parts is None:
        leaf = tree.leaves[0]
        return {(leaf, leaf): (0.0, (leaf,))}
    left, right = (_best_orders(part, distances) for part in tree.parts)
    best: dict[tuple[int, int], tuple[float, Order]] = {}
    for (start, inner), (left_sum, left_order) in left.items():
        for (outer, end), (right_sum, right_order) in right.items():
            found = (
                left_sum + float(distances[inner, outer]) + right_sum,
                left_order + right_order,
            )
            if (start, end) not in best or found < best[start, end]:
                best[start, end] = found
                best[end, start] = (found[0], found[1][::-1])
    return best
