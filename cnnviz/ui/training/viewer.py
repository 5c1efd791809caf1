"""Who is looking: a browser, recognised again after a reload, and whether it is the operator.

A browser carries a random number in a cookie, which is all that says that a run is one's own. The
store keeps only a digest of it, so that nobody who reads the store can pass for its owner.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final

import streamlit as st

from cnnviz.ui.training.service import TrainingService

COOKIE: Final = "cnnviz_viewer"
_SECRET: Final = re.compile(r"[0-9a-f]{32}")
_KEPT: Final = "training.viewer"
_PASSPHRASE: Final = "training.passphrase"
_COMPONENT: Final = "training.viewer_cookie"

# A browser that already has a number keeps it and reports it: two tabs that open at once would
# otherwise each believe in their own.
_mount = st.components.v2.component(
    "cnnviz.viewer_cookie",
    js="""
export default function ({ data, setStateValue }) {
  const entry = document.cookie.split("; ").find((part) => part.startsWith(data.name + "="));
  const present = entry ? entry.slice(data.name.length + 1) : "";
  if (/^[0-9a-f]{32}$/.test(present)) {
    if (present !== data.value) setStateValue("present", present);
    return;
  }
  const year = 365 * 24 * 3600;
  document.cookie = `${data.name}=${data.value}; path=/; max-age=${year}; SameSite=Strict`;
}
""",
)


@dataclass(frozen=True, slots=True)
class Viewer:
    """owner: by what runs name whom they belong to."""

    owner: str
    is_operator: bool


def this_viewer(service: TrainingService) -> Viewer:
    """The viewer of this session.

    Call it once in a script run: it also draws what keeps the cookie, of which nothing is seen.
    """
    secret = _secret()
    with st.container(key="viewer-cookie", height=1, border=False):
        _mount(
            key=_COMPONENT,
            data={"name": COOKIE, "value": secret},
            on_present_change=lambda: None,
        )
    return Viewer(
        owner=hashlib.sha256(secret.encode()).hexdigest()[:32],
        is_operator=service.operator.recognises(
            passphrase=st.session_state.get(_PASSPHRASE),
            # None: the viewer sits at the server itself.
            address=st.context.ip_address or "127.0.0.1",
        ),
    )


def show_passphrase_box(service: TrainingService, viewer: Viewer) -> None:
    """A field for the operator's passphrase, where the server has one and it was not given yet."""
    if viewer.is_operator or service.operator.passphrase is None:
        return
    typed = st.text_input(
        "Passphrase of whoever runs this server",
        type="password",
        key=f"{_PASSPHRASE}.widget",
        help="With it any run can be stopped, changed and deleted.",
    )
    if not typed:
        return
    if service.operator.recognises(passphrase=typed):
        st.session_state[_PASSPHRASE] = typed
        st.rerun()
    st.error("That is not the passphrase.")


def _secret() -> str:
    """The number of this browser: its cookie's, else one that this session made up."""
    reported = getattr(st.session_state.get(_COMPONENT), "present", None)
    for found in (reported, st.session_state.get(_KEPT), st.context.cookies.get(COOKIE)):
        if isinstance(found, str) and _SECRET.fullmatch(found):
            st.session_state[_KEPT] = found
            return found
    made: str = secrets.token_hex(16)
    st.session_state[_KEPT] = made
    return made
