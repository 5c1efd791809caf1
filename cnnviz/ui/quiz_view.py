"""Try it yourself: a question before its answer is on the screen, and a score."""

from __future__ import annotations

from typing import Final

from cnnviz.exercises import LAST_QUESTION, Question, make_question, question_from_query
from cnnviz.ui.components.window_lab import window_lab
from cnnviz.ui.quiz import Quiz
from cnnviz.ui.url_state import PageState


def show(state: PageState) -> None:
    """One question with its grids, the answer field, the verdict and the score."""
    QUIZ.show(state)


def _draw(question: Question, is_open: bool) -> None:
    window_lab(
        question.settings,
        key=f"quiz_lab.{question.number}",
        version=question.number,
        question={"kind": question.kind, "hidden": is_open},
    )


QUIZ: Final = Quiz(
    "convolution",
    LAST_QUESTION,
    make_question,
    question_from_query,
    _draw,
    label=lambda question: "Your answer" + (" (one side)" if question.kind == "size" else ""),
)
