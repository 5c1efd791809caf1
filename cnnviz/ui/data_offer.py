"""What this machine has of a data set and, where that is not all, the offer to download it.

The download belongs to the server and not to a viewer: all see the same progress, it goes on when
they look elsewhere, and whoever presses the button next goes on from where it broke off. It is
cancelled by whoever began it or runs the server: others wait for it.
"""

from __future__ import annotations

from typing import Final

import streamlit as st

from cnnviz.data.availability import Availability, find_availability, starter_count
from cnnviz.data.background import BackgroundFetch, background_fetch, download_bytes
from cnnviz.data.sizes import format_bytes
from cnnviz.ui.plain_text import plain
from cnnviz.ui.training.viewer import Viewer

_WORKING_S: Final = 0.5
_WATCHING_S: Final = 3.0
"""How often the offer looks whether another viewer has begun."""


def offer_data(dataset: str, viewer: Viewer | None = None) -> Availability:
    """Draws the offer if the data set is not all here, else nothing; returns what there is.

    viewer: None for a page that does not know who looks; what is begun there is not cancelled.
    When the download has ended the whole page runs once more.
    """
    there = find_availability(dataset)
    if there.is_whole:
        return there
    fetch = background_fetch(dataset)
    was_active = fetch.status().is_active
    with st.container(border=True, key=f"data-offer-{there.dataset.name}"):
        st.markdown(describe_availability(there))
        for problem in there.problems:
            st.text(problem)  # a path is not markup

        def part() -> None:
            _offer(there, fetch, viewer, was_active=was_active)

        st.fragment(part, run_every=_WORKING_S if was_active else _WATCHING_S)()
    return there


def describe_availability(there: Availability) -> str:
    """What can and cannot be done with what is here; Markdown."""
    info = there.dataset
    trains, tests = (starter_count(info.name, split) for split in ("train", "test"))
    missing = f"**{info.title} is not on this machine.**"
    if there.train is None and there.test == "starter":
        return (
            f"{missing} Nothing can be trained on it: what comes with cnnviz is {tests:,} of its "
            f"{info.test_count:,} test pictures."
        )
    if there.train == "starter":
        return (
            f"{missing} Trainings use the starter set that comes with cnnviz: {trains:,} of its "
            f"{info.train_count:,} training pictures."
        )
    if there.train is None:
        return f"{missing} Nothing can be trained on it."
    return f"**The test pictures of {info.title} are not all on this machine.**"


def _may_cancel(fetch: BackgroundFetch, viewer: Viewer | None) -> bool:
    return viewer is not None and (viewer.is_operator or viewer.owner == fetch.begun_by)


def _offer(
    there: Availability, fetch: BackgroundFetch, viewer: Viewer | None, *, was_active: bool
) -> None:
    title = there.dataset.title
    status = fetch.status()
    if status.is_active != was_active:
        st.rerun()
    if status.is_active:
        st.progress(status.share, f"{status.words} …")
        if _may_cancel(fetch, viewer):
            st.button(
                "Cancel the download",
                key=f"data-offer.cancel.{there.dataset.name}",
                on_click=fetch.cancel,
                disabled=status.state == "stopping",
                help="What has come so far is kept.",
            )
        return
    if status.state == "failed":
        st.error(plain(status.words))
    elif status.state == "cancelled":
        st.caption("The download was cancelled. The next one goes on from there.")
    elif status.state == "done":
        # It was fetched and something else is in the way, or it was removed since.
        st.caption("It was downloaded, and is not found now.")
    again = status.state in ("failed", "cancelled")
    size = format_bytes(download_bytes(there.dataset.name))
    if st.button(
        f"{'Try again' if again else 'Download'}: {title}, {size}",
        key=f"data-offer.start.{there.dataset.name}",
        help="From the addresses that torchvision uses, checked. Then every viewer has it.",
    ):
        fetch.start(by="" if viewer is None else viewer.owner)
        st.rerun()
