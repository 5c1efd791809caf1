"""Try it yourself: a question about batch normalization before its answer is on the screen."""

from __future__ import annotations

from typing import Final

import streamlit as st

from cnnviz.norms.exercises import (
    LAST_QUESTION,
    NormQuestion,
    make_question,
    question_from_query,
)
from cnnviz.ui.components.batch_lab import batch_lab
from cnnviz.ui.quiz import Quiz
from cnnviz.ui.url_state import PageState


def show(state: PageState) -> None:
    """One question with its batch, the answer field, the verdict and the score."""
    _QUIZ.show(state)


def _draw(question: NormQuestion, is_open: bool) -> None:
    if question.settings is not None:
        batch_lab(
            question.settings,
            key=f"batch_lab.quiz.{question.number}",
            version=question.number,
            question={"hidden": is_open},
        )
    elif not is_open:
        st.markdown(question.explanation)


_QUIZ: Final = Quiz(
    "batch_norm",
    LAST_QUESTION,
    make_question,
    question_from_query,
    _draw,
    is_whole=lambda question: question.is_whole,
)
