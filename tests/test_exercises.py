"""Questions: the same for everybody, answered by what is really computed."""

import pytest
import torch
import torch.nn.functional as F

from cnnviz.exercises import LAST_QUESTION, TOPICS, make_question, question_from_query
from cnnviz.geometry import ConvSpec

NUMBERS = [*range(1, 61), LAST_QUESTION]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_answer_is_what_pytorch_computes(number: int) -> None:
    question = make_question(number)
    shown = question.settings
    output = F.conv2d(
        torch.tensor(shown.image).double()[None],
        torch.tensor(shown.weight).double(),
        stride=shown.stride,
        padding=int(shown.padding),
        dilation=shown.dilation,
    )[0, 0]
    expected = output.shape[0] if question.kind == "size" else output[question.cell].item()
    assert question.answer == expected
    assert question.is_right(expected)
    assert not question.is_right(expected + 1)
    row, column = question.cell
    assert shown.step == row * output.shape[1] + column
    assert str(row) in question.text or question.kind == "size"


@pytest.mark.parametrize("number", NUMBERS)
def test_the_topic_really_occurs(number: int) -> None:
    question = make_question(number)
    shown, topic = question.settings, question.topic
    axis = ConvSpec(shown.kernel, shown.stride, shown.padding, shown.dilation).axes[0]
    has_remainder = axis.remainder(shown.size) > 0
    assert (int(shown.padding) > 0) == (topic in ("padding", "everything"))
    assert (shown.stride > 1) == (topic in ("stride", "floor", "everything"))
    assert (shown.dilation > 1) == (topic in ("dilation", "everything"))
    if topic != "everything":
        assert has_remainder == (topic == "floor")


def test_questions_are_repeatable_and_both_kinds_of_every_topic_occur() -> None:
    assert make_question(7) == make_question(7)
    seen = {(q.topic, q.kind) for q in map(make_question, range(1, 2 * len(TOPICS) + 1))}
    assert seen == {(topic, kind) for topic in TOPICS for kind in ("size", "cell")}


@pytest.mark.slow
def test_every_question_can_be_made() -> None:
    for number in range(1, LAST_QUESTION + 1):
        assert make_question(number).number == number


def test_numbers_outside_are_refused_or_brought_inside() -> None:
    with pytest.raises(ValueError, match="numbered from 1 to 999, not 0"):
        make_question(0)
    question, notes = question_from_query({"question": "0"})
    assert question.number == 1
    assert "question=0 is now 1" in notes[0]
    assert question_from_query({"question": "12"}) == (make_question(12), ())
