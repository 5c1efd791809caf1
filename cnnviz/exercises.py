"""Questions of the convolution lesson: the output's size, or the value of one of its cells.

A question is made from its number alone, so that a whole class has the same one on thirty screens.
Topics return in turn, each a step harder than the one before.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from cnnviz.convolution_judge import compute
from cnnviz.convolution_lesson import LessonSettings, opening_settings
from cnnviz.geometry import ConvSpec
from cnnviz.query import QueryReader

LAST_QUESTION = 999

Topic = Literal["plain", "padding", "stride", "floor", "dilation", "everything"]
TOPICS: tuple[Topic, ...] = ("plain", "padding", "stride", "floor", "dilation", "everything")


@dataclass(frozen=True, slots=True)
class Question:
    """One exercise. kind "size": how many rows and columns; "cell": the value at `cell`."""

    number: int
    topic: Topic
    kind: Literal["size", "cell"]
    settings: LessonSettings
    cell: tuple[int, int]
    answer: int

    @property
    def text(self) -> str:
        """The question in one sentence."""
        if self.kind == "size":
            return "How many rows and columns does the output have?"
        return f"What is the value of Output[{self.cell[0]}, {self.cell[1]}], the marked cell?"

    @property
    def hint(self) -> str:
        """What to do, for those whose answer was wrong."""
        if self.kind == "size":
            return (
                "Put the numbers into the formula; the floor throws the rest of the division away."
            )
        return "Lay the filter on the marked window, multiply cell by cell, and add up."

    def is_right(self, given: float) -> bool:
        """Answers are whole numbers, so that nothing is rounded."""
        return given == self.answer


def make_question(number: int) -> Question:
    """The question of that number, from 1 to LAST_QUESTION: the same on every machine."""
    if not 1 <= number <= LAST_QUESTION:
        raise ValueError(f"questions are numbered from 1 to {LAST_QUESTION}, not {number}")
    topic = TOPICS[(number - 1) // 2 % len(TOPICS)]
    kind: Literal["size", "cell"] = "size" if number % 2 else "cell"
    draw = random.Random(number)
    spec, size = _draw_geometry(topic, draw)
    kernel = spec.kernel_size[0]
    image = tuple(tuple(draw.choice((0, 0, 1, 1, 2, 3)) for _ in range(size)) for _ in range(size))
    weight = tuple(
        tuple(draw.choice((-1, 0, 1, 1, 2)) for _ in range(kernel)) for _ in range(kernel)
    )
    settings = replace(
        opening_settings("hand"),
        size=size,
        kernel=kernel,
        stride=spec.stride[0],
        padding=spec.pad_sides[0][0],
        dilation=spec.dilation[0],
        image=(image,),
        weight=((weight,),),
    )
    output = compute(settings)[0]
    rows, columns = output.shape
    cell = (draw.randrange(rows), draw.randrange(columns))
    settings = replace(settings, step=cell[0] * columns + cell[1])
    answer = rows if kind == "size" else int(output[cell])
    return Question(number, topic, kind, settings, cell, answer)


def _draw_geometry(topic: Topic, draw: random.Random) -> tuple[ConvSpec, int]:
    """Settings in which the topic really occurs, with an output of 2 to 6 cells a side."""
    for _ in range(10_000):
        size = draw.randint(4, 9)
        spec = ConvSpec(
            draw.choice((2, 3)) if topic in ("plain", "dilation") else draw.choice((2, 3, 4)),
            stride=draw.choice((2, 3)) if topic in ("stride", "floor", "everything") else 1,
            padding=draw.choice((1, 2)) if topic in ("padding", "everything") else 0,
            dilation=2 if topic in ("dilation", "everything") else 1,
        )
        axis = spec.axes[0]
        if axis.numerator(size) < 0 or not 2 <= axis.output_size(size) <= 6:
            continue
        has_remainder = axis.remainder(size) > 0
        if topic == "everything" or has_remainder == (topic == "floor"):
            return spec, size
    raise AssertionError(f"no geometry for {topic}")  # proved absent by the tests


def question_from_query(query: Mapping[str, str]) -> tuple[Question, tuple[str, ...]]:
    """The question that a URL asks for, and a sentence where it asks for none that exists."""
    read = QueryReader(query)
    return make_question(read.whole("question", 1, LAST_QUESTION, 1)), tuple(read.notes)
