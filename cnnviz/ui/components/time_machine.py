"""The time machine: a slider over the epochs of a run, drawn in the browser.

The browser has the numbers of all epochs, so that all of them follow the hand. It reports the epoch
when the hand rests.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from cnnviz.ui.components.sources import read_source

_mount = st.components.v2.component(
    "cnnviz.time_machine",
    css=read_source("time_machine.css"),
    js=read_source(
        "reporter.js", "element.js", "player.js", "epoch_player.js", "time_machine.js"
    ),  # one text
)


def time_machine(
    frames: Mapping[str, Any],
    *,
    key: str,
    run: str,
    frames_id: str,
    version: int,
    epoch: int | None,
    picture: int,
) -> None:
    """Show the epochs of a run; what is reported lies in ``st.session_state[key]["at"]``.

    frames: as `time_machine_frames` makes them; frames_id: changes with them. epoch (None: the
    last) and picture: taken when the machine is new or `version` is; otherwise the browser's own
    stand. The nearest epoch is shown if there is nothing of that one.

    The report is {"version", "run", "epoch", "picture"}.
    """
    _mount(
        key=key,
        data={
            "id": frames_id,
            "run": run,
            "version": version,
            "epoch": epoch,
            "picture": picture,
            "frames": frames,
        },
        on_at_change=lambda: None,
    )
