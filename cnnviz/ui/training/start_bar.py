"""The button that starts a training, and what there is to know before it is pressed."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import streamlit as st

from cnnviz.data.availability import Availability, find_availability, starter_count
from cnnviz.errors import CnnvizError, DataError, RunError
from cnnviz.runs.estimate import Estimate, estimate_duration, format_about
from cnnviz.runs.plan import Plan, hold_out_at_most
from cnnviz.runs.run import ACTIVE, OPEN
from cnnviz.training.config import TrainingConfig
from cnnviz.ui.plain_text import plain
from cnnviz.ui.training.refusals import kept_refusals, show_refusals
from cnnviz.ui.training.run_choice import go_to_run
from cnnviz.ui.training.service import TrainingService, training_service
from cnnviz.ui.training.setup_form import keep_plan, take_fields
from cnnviz.ui.training.viewer import Viewer

_LOOK_EVERY_S: Final = 2.0

STYLE: Final = """
/* Always near: below the menu while the page scrolls, at the thumb on a phone. */
[data-testid="stLayoutWrapper"]:has(> .st-key-start-bar) {
    position: sticky; top: 3.5rem; z-index: 90; background: var(--cnnviz-background);
}
.st-key-start-bar { padding: 0.6rem 0; border-bottom: 1px solid var(--cnnviz-border); }
/* Streamlit draws what follows a caption nearer, which would cut it off here. */
.st-key-start-bar [data-testid="stCaptionContainer"],
.st-key-start-bar [data-testid="stCaptionContainer"] p { margin: 0; }
@media (max-width: 640px) {
    [data-testid="stLayoutWrapper"]:has(> .st-key-start-bar) {
        position: fixed; top: auto; bottom: 0; left: 0; right: 0; width: auto;
        border-top: 1px solid var(--cnnviz-border); padding: 0 1rem;
    }
    .st-key-start-bar { border: 0; }
    .st-key-start-bar [data-testid="stVerticalBlock"],
    .st-key-start-bar [data-testid="stHorizontalBlock"] { row-gap: 0.2rem; }
    [data-testid="stMainBlockContainer"] { padding-bottom: 10rem; }
}
"""


def show_start(plan: Plan, there: Availability, service: TrainingService, viewer: Viewer) -> None:
    """The button, how many are ahead, how long it will take, and what was refused."""
    config = config_to_start(plan, there)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            start_words(plan, there),
            type="primary",
            on_click=_start,
            args=(service, viewer),
            disabled=there.train is None,
            key="training.new.start",
        )
        if there.train is None:
            st.caption(_nothing_to_train_on(there))
        else:
            st.fragment(_show_queue, run_every=_LOOK_EVERY_S)()
            if (estimate := _estimate(config, there, service)) is not None:
                st.caption(
                    f"Takes {format_about(estimate.seconds)}, judging by run {estimate.run_id}.",
                    width="content",
                )
    show_refusals()


def config_to_start(plan: Plan, there: Availability) -> TrainingConfig:
    """What is handed in: of a starter set no more than a tenth is held out."""
    if there.train != "starter":
        return plan.config
    return hold_out_at_most(plan.config, starter_count(there.dataset.name, "train"))


def start_words(plan: Plan, there: Availability) -> str:
    """What the button says that it does."""
    epochs = plan.config.epochs
    starter = " (starter set)" if there.train == "starter" else ""
    return f"Start · {plan.title}{starter}, {epochs:,} epoch{'' if epochs == 1 else 's'}"


def queue_words(running: int, waiting: int, *, devices: int) -> str:
    """Who is ahead of a training that is handed in now; devices: so many are trained at once."""
    if running == waiting == 0:
        return "Nothing else is being trained: it starts at once."
    if waiting == 0 and running < devices:
        return f"{_trainings(running)} under way, and there is room for yours: it starts at once."
    return f"{_trainings(running + waiting)} ahead of yours."


def _trainings(count: int) -> str:
    return "1 training is" if count == 1 else f"{count:,} trainings are"


def _show_queue() -> None:
    try:
        service = training_service()  # that of now: it may have been opened anew
        runs = service.store.list_runs(statuses=OPEN)
    except CnnvizError as error:
        st.caption(plain(str(error)), width="content")
        return
    running = sum(run.status in ACTIVE for run in runs)
    words = queue_words(running, len(runs) - running, devices=service.queue.devices)
    st.caption(words, width="content")


def _estimate(
    config: TrainingConfig, there: Availability, service: TrainingService
) -> Estimate | None:
    images = (
        starter_count(there.dataset.name, "train")
        if there.train == "starter"
        else there.dataset.train_count
    )
    try:
        return estimate_duration(config, images, service.store.list_runs(statuses=("finished",)))
    except RunError:
        return None  # said already, where the queue is shown


def _start(service: TrainingService, viewer: Viewer) -> None:
    # Not the plan that was drawn: something may have been typed since.
    plan = take_fields().within(service.limits)
    with kept_refusals():
        there = find_availability(plan.config.dataset)
        if there.train is None:
            raise DataError(_nothing_to_train_on(there))
        run = service.queue.submit(config_to_start(plan, there), viewer.owner, name=plan.name)
        go_to_run(run.id, "watch")
        # The next one should not bear this one's name.
        keep_plan(replace(plan, name=""))


def _nothing_to_train_on(there: Availability) -> str:
    return f"There are no pictures of {there.dataset.title} to train on."
