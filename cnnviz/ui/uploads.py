"""A picture that a viewer brings: a file or a camera shot, kept for as long as the session."""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

from cnnviz.errors import PictureError
from cnnviz.pictures import EXTENSIONS, MAX_BYTES, Picture, read_picture


def bring_picture(
    kept: str,
    *,
    is_camera: bool,
    max_side: int,
    is_another_shown: bool = False,
    camera_width: int | Literal["stretch"] = "stretch",
) -> Picture | None:
    """What was brought last and could be read; what is wrong with a file is said.

    kept: begins the names of what the session keeps: the picture, its file, what was wrong with it.
    max_side: pixels on its longer side. is_another_shown: the page shows some picture even if none
    was brought.
    """
    if is_camera:
        brought: Any = st.camera_input(
            "Take a picture; it is shown and not stored", key=f"{kept}.camera", width=camera_width
        )
    else:
        brought = st.file_uploader(
            f"A picture of up to {MAX_BYTES // 1024**2} MB; it is shown and not stored",
            type=list(EXTENSIONS),
            max_upload_size=MAX_BYTES // 1024**2,
            key=f"{kept}.file",
        )
    if brought is not None and brought.file_id != st.session_state.get(f"{kept}.file_id"):
        st.session_state[f"{kept}.file_id"] = brought.file_id
        try:
            st.session_state[f"{kept}.shown"] = read_picture(brought.getvalue(), max_side=max_side)
            st.session_state[f"{kept}.error"] = None
        except PictureError as error:
            st.session_state[f"{kept}.error"] = str(error)
    if brought is None:
        st.session_state[f"{kept}.error"] = st.session_state[f"{kept}.file_id"] = None
    shown: Picture | None = st.session_state.get(f"{kept}.shown")
    if refusal := st.session_state.get(f"{kept}.error"):
        is_there = is_another_shown or shown is not None
        before = " The picture before it is still shown." if is_there else ""
        st.error(f"{refusal}{before}")
    return shown
