"""What maps and their checks say, read against numbers chosen by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cnnviz.attribution.requests import Target, request_for
from cnnviz.attribution.results import (
    Attribution,
    Completeness,
    DeletionCurve,
    RandomizationCheck,
)
from cnnviz.attribution.words import (
    completeness_sentence,
    deletion_sentence,
    map_sentence,
    randomization_sentence,
)

NAMES = ("ant", "bee", "cat")


def map_of(values: list[list[float]]) -> Attribution:
    return Attribution(
        request=request_for("saliency", Target(2, 0)),
        map=np.array(values, dtype=np.float32),
        channels=None,
        score=1.0,
        completeness=None,
        layer=None,
        elapsed_s=0.1,
    )


def check_of(similarity: float, layers: tuple[str, ...] = ("fc",)) -> RandomizationCheck:
    one = map_of([[1, 2]])
    return RandomizationCheck(one, one, layers, 0, similarity)


def curve_of(values: list[float], random_values: list[list[float]]) -> DeletionCurve:
    shares = np.linspace(0, 1, len(values))
    return DeletionCurve(
        target=Target(2),
        baseline="mean",
        removed=np.rint(shares * 100).astype(np.int64),
        probabilities=np.zeros((len(values), 3)),
        values=np.array(values),
        random_values=np.array(random_values),
    )


def test_a_map() -> None:
    assert map_sentence(map_of([[1, 2], [-3, 0]]), NAMES) == (
        "Saliency for cat − ant: the largest number is −3, in row 1, column 0."
    )
    assert map_sentence(map_of([[0, 0]]), NAMES) == "Saliency for cat − ant: 0 everywhere."


def test_completeness() -> None:
    assert completeness_sentence(Completeness(2.0, 2.5)) == (
        "The pixels add up to +2; exact would be +2.5. Completeness error: −0.5, 20.0 % of it."
    )
    assert completeness_sentence(Completeness(2.5, 2.5)).endswith("less than 0.1 % of it.")
    assert completeness_sentence(Completeness(0.5, 0.0)).endswith("Completeness error: +0.5.")


@pytest.mark.parametrize(
    ("similarity", "words"),
    [
        (0.91, "0.91. They are nearly the same"),
        (0.7, "0.70. They are nearly the same"),
        (0.5, "0.50. They are related"),
        (0.1, "0.10. They have little in common"),
        (-0.4, "-0.40. They have little in common"),
        (float("nan"), "One of the two maps is flat"),
    ],
)
def test_randomization(similarity: float, words: str) -> None:
    assert words in randomization_sentence(check_of(similarity))
    assert "layer fc " in randomization_sentence(check_of(similarity)).replace(":", " ")
    assert "layers fc, conv" in randomization_sentence(check_of(similarity, ("fc", "conv")))


def test_deletion() -> None:
    slow, fast = [1.0, 0.9, 0.0], [1.0, 0.1, 0.0]
    said = deletion_sentence(curve_of(fast, [slow, slow]), "Grad-CAM", NAMES)
    assert "Grad-CAM: 0.30; at random 0.70" in said
    assert "cat is lost sooner than in each of the 2 random orders" in said
    said = deletion_sentence(curve_of(slow, [fast, fast]), "Grad-CAM", NAMES)
    assert "no sooner than in any of the 2" in said
    said = deletion_sentence(curve_of([1.0, 0.5, 0.0], [fast, slow]), "Grad-CAM", NAMES)
    assert "sooner than in 1 of the 2" in said
