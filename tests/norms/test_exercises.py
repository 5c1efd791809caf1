"""Questions on batch normalization: the same for everybody, answered by what PyTorch computes."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from cnnviz.norms.by_hand import HandSettings
from cnnviz.norms.exercises import (
    LAST_QUESTION,
    NEAR,
    TOPICS,
    NormQuestion,
    make_question,
    question_from_query,
)

NUMBERS = [*range(1, 3 * len(TOPICS) + 1), LAST_QUESTION]


def _by_torch(shown: HandSettings) -> tuple[torch.Tensor, nn.BatchNorm2d]:
    layer = nn.BatchNorm2d(shown.shape[1], shown.eps, shown.momentum).double()
    given = {
        "weight": shown.gamma,
        "bias": shown.beta,
        "running_mean": shown.running_mean,
        "running_var": shown.running_variance,
    }
    tensors = {name: torch.tensor(numbers).double() for name, numbers in given.items()}
    layer.load_state_dict(tensors | {"num_batches_tracked": torch.tensor(0)})
    layer.train(shown.mode == "train")
    return layer(torch.tensor(shown.x).double()).detach(), layer


def _answer_of_batch(question: NormQuestion, shown: HandSettings) -> float:
    x = torch.tensor(shown.x).double()
    channel = shown.cell // (shown.shape[2] * shown.shape[3]) % shown.shape[1]
    output, layer = _by_torch(shown)
    assert layer.running_mean is not None
    assert layer.running_var is not None
    marked = output.flatten()[shown.cell]
    answers = {
        "mean": x[:, channel].mean(),
        "variance": x[:, channel].var(unbiased=False),
        "normalized": (marked - shown.beta[channel]) / shown.gamma[channel],
        "running mean": layer.running_mean[channel],
        "running variance": layer.running_var[channel],
    }
    return float(answers.get(question.topic, marked))


def _answer_of_shape(question: NormQuestion) -> float:
    """Counts parameters, or what moves when one number does: all that share its mean."""
    pictures, channels, side = map(
        int, re.findall(r"(\d+) \w+ with (\d+) \w+ of (\d+)×", question.text)[0]
    )
    if question.topic == "parameters":
        return sum(parameter.numel() for parameter in nn.BatchNorm2d(channels).parameters())
    groups = re.search(r"with (\d) groups", question.text)
    layer = {
        "batch": nn.BatchNorm2d(channels),
        "layer": nn.LayerNorm([channels, side, side]),
        "instance": nn.InstanceNorm2d(channels),
        "group": nn.GroupNorm(int(groups[1]) if groups else 1, channels),
    }[re.findall(r"in (\w+) normalization", question.text)[0]].double()
    x = torch.randn(pictures, channels, side, side, dtype=torch.float64)
    moved = x.clone()
    moved[0, 0, 0, 0] += 1
    return int((layer(x) != layer(moved)).sum())


@pytest.mark.parametrize("number", NUMBERS)
def test_the_answer_is_what_pytorch_computes(number: int) -> None:
    torch.manual_seed(number)
    question = make_question(number)
    shown = question.settings
    if shown is None:
        assert question.answer == _answer_of_shape(question)
        assert str(question.answer) in question.explanation
        assert not question.is_right(question.answer + 1)
    else:
        assert question.answer == pytest.approx(_answer_of_batch(question, shown), abs=NEAR / 2)
        assert question.is_right(question.answer + NEAR / 2)
    assert question.is_right(question.answer)
    assert not question.is_right(question.answer + 0.25)


def test_questions_are_repeatable_and_every_topic_returns() -> None:
    assert make_question(7) == make_question(7)
    assert tuple(make_question(number).topic for number in range(1, len(TOPICS) + 1)) == TOPICS
    again = make_question(len(TOPICS) + 1)
    assert again.topic == TOPICS[0]
    assert again.settings is not None
    assert again.settings.shape[1] == 2  # the second time round one must choose the channel


def test_numbers_outside_are_refused_or_brought_inside() -> None:
    with pytest.raises(ValueError, match="numbered from 1 to 999, not 1000"):
        make_question(LAST_QUESTION + 1)
    question, notes = question_from_query({"question": "0"})
    assert question.number == 1
    assert "question=0 is now 1" in notes[0]


@pytest.mark.slow
def test_every_question_can_be_made() -> None:
    for number in range(1, LAST_QUESTION + 1):
        question = make_question(number)
        assert question.number == number
        assert round(question.answer, 2) == question.answer
