"""What a network says of each picture: how sure it is, how close the second guess, how wrong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cnnviz.evaluation import Integers, Logits, confusion_matrix, log_probabilities

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Judgements:
    """Logits (N, classes) of pictures with labels (N,), judged picture by picture.

    Everything is computed once, when it is first asked for; nothing is to be changed. ShapeError
    if the two do not fit each other, NonFiniteError for a logit that is nan or infinite.
    """

    logits: Logits
    labels: Integers

    def __post_init__(self) -> None:
        _ = self.confusion, self.log_probabilities  # refuses what does not fit

    def __len__(self) -> int:
        """Pictures."""
        return len(self.labels)

    @property
    def classes(self) -> int:
        """How many there are."""
        return int(self.logits.shape[1])

    @cached_property
    def log_probabilities(self) -> Floats:
        """(N, classes)"""
        return log_probabilities(self.logits)

    @cached_property
    def probabilities(self) -> Floats:
        """(N, classes)"""
        return np.exp(self.log_probabilities)

    @cached_property
    def predictions(self) -> Wholes:
        """The predicted class (N,): that of the largest logit, of equal ones the first."""
        first: Wholes = self.logits.argmax(1).astype(np.int64)
        return first

    @cached_property
    def confusion(self) -> Wholes:
        """(classes, classes), as `cnnviz.evaluation.confusion_matrix` counts it."""
        _ = self.log_probabilities  # refuses logits that are none before their labels
        return confusion_matrix(self.labels, self.predictions, self.classes)

    @cached_property
    def is_correct(self) -> npt.NDArray[np.bool_]:
        """Whether the predicted class is the true one (N,)."""
        same: npt.NDArray[np.bool_] = self.predictions == self.labels
        return same

    @cached_property
    def confidence(self) -> Floats:
        """Probability of the predicted class (N,)."""
        return self._of_each(self.probabilities, self.predictions)

    @cached_property
    def loss(self) -> Floats:
        """Cross-entropy of each picture (N,), in nats: minus the log of its class's probability."""
        return -self._of_each(self.log_probabilities, self.labels) + 0.0  # no -0.0

    @cached_property
    def margin(self) -> Floats:
        """How far the first guess is ahead (N,): its probability less that of the second guess.

        0 is a tie, 1 is certainty. Where there is one class only it is 1.
        """
        if self.classes == 1:
            return np.ones(len(self))
        two = np.partition(self.probabilities, -2, axis=1)[:, -2:]  # (N, 2), the largest last
        return two[:, 1] - two[:, 0]

    @cached_property
    def rank(self) -> Wholes:
        """The true class's place among the guesses (N,): 0 if it is the first, 1 the second.

        Of equal logits the class that comes first in the data set's order is ahead.
        """
        own = self._of_each(self.logits, self.labels)[:, None]  # (N, 1)
        earlier = np.arange(self.classes) < self.labels[:, None]  # (N, classes)
        ahead = (self.logits > own) | ((self.logits == own) & earlier)
        found: Wholes = ahead.sum(1).astype(np.int64)
        return found

    def guesses(self, picture: int) -> Wholes:
        """The classes (classes,) from the most probable to the least, as `rank` counts them."""
        return np.argsort(-self.logits[picture].astype(np.float64), kind="stable").astype(np.int64)

    def _of_each(self, values: npt.NDArray[np.floating], classes: Integers) -> Floats:
        found: Floats = values[np.arange(len(values)), classes].astype(np.float64)
        return found
