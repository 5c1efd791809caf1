"""Questions one after another: the answer field, the verdict and the score, for any page.

A question is known by its number alone, which is in the URL. The first answer counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import streamlit as st

from cnnviz.ui.url_state import PageState


class QuizQuestion(Protocol):
    """What a quiz must know of a question."""

    @property
    def number(self) -> int:
        """From 1."""
        ...

    @property
    def text(self) -> str:
        """The question in one sentence."""
        ...

    @property
    def hint(self) -> str:
        """What to do, for those whose answer was wrong."""
        ...

    @property
    def answer(self) -> float:
        """What is right."""
        ...

    def is_right(self, given: float) -> bool:
        """Whether this counts as the answer."""
        ...


Q = TypeVar("Q", bound=QuizQuestion)


@dataclass(frozen=True)
class Quiz(Generic[Q]):
    """The questions of one page, in its view `quiz`.

    make: number -> question. read: the question that a URL asks for, and a sentence for each
    change. draw: shows the question's numbers; told whether the answer is still open.
    """

    page: str
    last: int
    make: Callable[[int], Q]
    read: Callable[[Mapping[str, str]], tuple[Q, tuple[str, ...]]]
    draw: Callable[[Q, bool], None]
    is_whole: Callable[[Q], bool] = lambda question: True
    """Whether whole numbers are asked for."""
    label: Callable[[Q], str] = lambda question: "Your answer"

    def show(self, state: PageState) -> None:
        """One question with its numbers, the answer field, the verdict and the score."""
        if state.has_news_for(self._number):
            question, notes = self.read(state.query)
            st.session_state[self._number] = question.number
            state.keep_notes(notes)
        state.show_notes()
        question = self.make(st.session_state.setdefault(self._number, 1))
        state.write({"view": "quiz", "question": str(question.number)})
        shown_key = f"{self.page}.quiz.shown.{question.number}"
        self._ask(question, shown_key)
        said = st.session_state.get(f"{shown_key}.said")
        if said:
            kind, text = said
            {"success": st.success, "warning": st.warning, "info": st.info}[kind](text)
        self.draw(question, not st.session_state.get(shown_key, False))

    @property
    def _number(self) -> str:
        return f"{self.page}.quiz.number"

    def _ask(self, question: Q, shown_key: str) -> None:
        # Question number -> whether the first answer was right. Kept for the session.
        results: dict[int, bool] = st.session_state.setdefault(f"{self.page}.quiz.results", {})
        heading, score = st.columns([3, 1], vertical_alignment="center")
        heading.subheader(f"Question {question.number}: {question.text}", anchor=False)
        right = sum(results.values())
        score.markdown(f"**Score: {right} of {len(results)}** at the first try")
        is_whole = self.is_whole(question)
        with st.form(f"quiz.{question.number}", border=False, enter_to_submit=True):
            field, check, show_me, onward = st.columns(
                [2, 1, 1, 1], vertical_alignment="bottom", gap="small"
            )
            given = field.number_input(
                self.label(question),
                value=None,
                step=1 if is_whole else 0.5,
                format=None if is_whole else "%g",
                placeholder="a whole number" if is_whole else "a number",
            )
            is_checked = check.form_submit_button("Check", type="primary", width="stretch")
            is_shown = show_me.form_submit_button("Show me", width="stretch")
            onward.form_submit_button(
                "Next question", on_click=self._go_to, args=(question.number + 1,), width="stretch"
            )
        if is_checked and given is None:
            st.info(f"Type a {'whole ' if is_whole else ''}number first.")
        elif is_checked and given is not None:
            is_right = question.is_right(given)
            results.setdefault(question.number, is_right)
            st.session_state[shown_key] = is_right or st.session_state.get(shown_key, False)
            st.session_state[f"{shown_key}.said"] = _verdict(question, given, is_right)
            st.rerun()
        elif is_shown:
            results.setdefault(question.number, False)
            st.session_state[shown_key] = True
            st.session_state[f"{shown_key}.said"] = (
                "info",
                f"The answer is {_text(question.answer)}.",
            )
            st.rerun()

    def _go_to(self, number: int) -> None:
        st.session_state[self._number] = (number - 1) % self.last + 1


def _verdict(question: QuizQuestion, given: float, is_right: bool) -> tuple[str, str]:
    if is_right:
        return "success", f"Right: {_text(question.answer)}. Below is how it comes about."
    return "warning", f"{_text(given)} is not it. {question.hint} Try again, or press “Show me”."


def _text(number: float) -> str:
    return f"{number:g}".replace("-", "−")
