"""Two networks on the same pictures: where they disagree, and whether one of them is better."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cnnviz.confusion.judgements import Judgements
from cnnviz.confusion.mcnemar import McNemar, difference_interval
from cnnviz.errors import ShapeError

Mask = npt.NDArray[np.bool_]

_SIGNIFICANT = 0.05


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two networks' judgements of the same pictures; ShapeError if they are of different ones."""

    first: Judgements
    second: Judgements

    def __post_init__(self) -> None:
        if self.first.classes != self.second.classes or not np.array_equal(
            self.first.labels, self.second.labels
        ):
            raise ShapeError(
                f"the one network judged {len(self.first):,} pictures in {self.first.classes} "
                f"classes, the other {len(self.second):,} in {self.second.classes}: compare two on "
                "the same pictures"
            )

    def __len__(self) -> int:
        """Pictures."""
        return len(self.first)

    @cached_property
    def disagree(self) -> Mask:
        """Whether the two predict different classes (N,)."""
        differ: Mask = self.first.predictions != self.second.predictions
        return differ

    @cached_property
    def first_only(self) -> Mask:
        """Whether only the first is right (N,)."""
        return self.first.is_correct & ~self.second.is_correct

    @cached_property
    def second_only(self) -> Mask:
        """Whether only the second is right (N,)."""
        return self.second.is_correct & ~self.first.is_correct

    @cached_property
    def counts(self) -> Outcomes:
        """How many pictures fell to whom."""
        both_right = self.first.is_correct & self.second.is_correct
        both_wrong = ~(self.first.is_correct | self.second.is_correct)
        return Outcomes(
            both_right=int(both_right.sum()),
            first_only=int(self.first_only.sum()),
            second_only=int(self.second_only.sum()),
            same_mistake=int((both_wrong & ~self.disagree).sum()),
            other_mistakes=int((both_wrong & self.disagree).sum()),
        )


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How many pictures two networks got right or wrong."""

    both_right: int
    first_only: int
    second_only: int
    same_mistake: int
    """Both wrong, and alike."""
    other_mistakes: int
    """Both wrong, each in its own way."""

    @property
    def count(self) -> int:
        """Pictures."""
        right = self.both_right + self.first_only + self.second_only
        return right + self.same_mistake + self.other_mistakes

    @property
    def test(self) -> McNemar:
        """Whether one of them is better."""
        return McNemar(self.first_only, self.second_only)

    @property
    def difference(self) -> float:
        """Accuracy of the second less that of the first, -1 to 1."""
        return (self.second_only - self.first_only) / self.count

    @property
    def difference_interval(self) -> tuple[float, float]:
        """(low, high), its 95 % interval."""
        return difference_interval(self.first_only, self.second_only, self.count)


def comparison_sentences(outcomes: Outcomes, first_name: str, second_name: str) -> tuple[str, ...]:
    """What the comparison says, in sentences that can be read aloud."""
    test, count = outcomes.test, outcomes.count
    both_wrong = outcomes.same_mistake + outcomes.other_mistakes
    sentences = [
        f"Of {count:,} pictures both networks get {outcomes.both_right:,} right and "
        f"{both_wrong:,} wrong; these do not say which is better.",
    ]
    if test.count == 0:
        return (*sentences, "No picture is left on which one is right and the other wrong.")
    sentences.append(
        f"On the other {test.count:,} only one is right: {first_name} on {test.first_only:,}, "
        f"{second_name} on {test.second_only:,}."
    )
    sentences.append(
        "If both were equally good, these pictures would fall to either of them like tosses of a "
        f"coin. So uneven a split would then come up {_how_often(test.mid_p)} (McNemar's test, "
        f"mid-p value {p_text(test.mid_p)})."
    )
    low, high = (100 * end for end in outcomes.difference_interval)
    if test.mid_p < _SIGNIFICANT:
        better = second_name if outcomes.difference > 0 else first_name
        ends = (low, high) if outcomes.difference > 0 else (-high, -low)
        sentences.append(
            f"So {better} is better on such pictures, by {100 * abs(outcomes.difference):.2f} "
            f"percentage points (95 % interval: {_points(*ends)})."
        )
    else:
        sentences.append(
            "That is no rare thing, so these pictures do not show that one is better. The accuracy "
            f"of {second_name} less that of {first_name} may lie anywhere from "
            f"{_points(low, high)} percentage points."
        )
    sentences.append(
        "The test is about these two trained networks; trained again from another seed, each "
        "would differ a little."
    )
    return tuple(sentences)


def p_text(p: float) -> str:
    """A p value as it is printed: 0.035, or "below 0.001"."""
    return "below 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _how_often(p: float) -> str:
    if p < 0.001:
        return "less than once in a thousand times"
    if p > 0.99:
        return "nearly every time"
    total, word = (1000, "thousand") if p < 0.01 else (100, "hundred")
    times = round(total * p)
    return f"once in a {word} times" if times == 1 else f"{times} times in a {word}"


def _points(low: float, high: float) -> str:
    return f"{low:.2f} to {high:.2f}".replace("-", "−")
