"""Try it yourself: a question before its answer is on the screen, and a score."""

import streamlit as st

from cnnviz.exercises import LAST_QUESTION, Question, make_question, question_from_query
from cnnviz.ui.components.window_lab import window_lab
from cnnviz.ui.url_state import PageState

_NUMBER = "convolution.quiz.number"
_RESULTS = "convolution.quiz.results"
"""Question number -> whether the first answer was right. Kept for the session."""


def show(state: PageState) -> None:
    """One question with its grids, the answer field, the verdict and the score."""
    if state.has_news_for(_NUMBER):
        question, notes = question_from_query(state.query)
        st.session_state[_NUMBER] = question.number
        state.keep_notes(notes)
    state.show_notes()
    question = make_question(st.session_state.setdefault(_NUMBER, 1))
    state.write({"view": "quiz", "question": str(question.number)})
    results: dict[int, bool] = st.session_state.setdefault(_RESULTS, {})
    shown_key = f"convolution.quiz.shown.{question.number}"

    heading, score = st.columns([3, 1], vertical_alignment="center")
    heading.subheader(f"Question {question.number}: {question.text}", anchor=False)
    right = sum(results.values())
    score.markdown(f"**Score: {right} of {len(results)}** at the first try")
    with st.form(f"quiz.{question.number}", border=False, enter_to_submit=True):
        field, check, show_me, onward = st.columns(
            [2, 1, 1, 1], vertical_alignment="bottom", gap="small"
        )
        given = field.number_input(
            "Your answer" + (" (one side)" if question.kind == "size" else ""),
            value=None,
            step=1,
            placeholder="a whole number",
        )
        is_checked = check.form_submit_button("Check", type="primary", width="stretch")
        is_shown = show_me.form_submit_button("Show me", width="stretch")
        onward.form_submit_button(
            "Next question", on_click=_go_to, args=(question.number + 1,), width="stretch"
        )
    if is_checked and given is None:
        st.info("Type a whole number first.")
    elif is_checked and given is not None:
        is_right = question.is_right(given)
        results.setdefault(question.number, is_right)
        st.session_state[shown_key] = is_right or st.session_state.get(shown_key, False)
        st.session_state[f"{shown_key}.said"] = _verdict(question, given, is_right)
        st.rerun()
    elif is_shown:
        results.setdefault(question.number, False)
        st.session_state[shown_key] = True
        st.session_state[f"{shown_key}.said"] = ("info", f"The answer is {question.answer}.")
        st.rerun()
    said = st.session_state.get(f"{shown_key}.said")
    if said:
        kind, text = said
        {"success": st.success, "warning": st.warning, "info": st.info}[kind](text)
    is_open = not st.session_state.get(shown_key, False)
    window_lab(
        question.settings,
        key=f"quiz_lab.{question.number}",
        version=question.number,
        question={"kind": question.kind, "hidden": is_open},
    )


def _go_to(number: int) -> None:
    st.session_state[_NUMBER] = (number - 1) % LAST_QUESTION + 1


def _verdict(question: Question, given: float, is_right: bool) -> tuple[str, str]:
    if is_right:
        return "success", f"Right: {question.answer}. Below is how it comes about."
    hint = (
        "Put the numbers into the formula; the floor throws the rest of the division away."
        if question.kind == "size"
        else "Lay the filter on the marked window, multiply cell by cell, and add up."
    )
    return "warning", f"{given:g} is not it. {hint} Try again, or press “Show me”."
