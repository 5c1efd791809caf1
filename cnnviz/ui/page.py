"""What every page does first: the tab's name, the style sheet, the heading, and the warm-up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st

from cnnviz.ui import warm_up

_COLOURS: Final = {
    "accent": "linkColor",
    "text": "textColor",
    "background": "backgroundColor",
    "surface": "secondaryBackgroundColor",
    "border": "borderColor",
    "muted": "grayTextColor",
    "negative": "blueColor",
    "positive": "orangeColor",
    "red": "redColor",
    "green": "greenColor",
    "blue": "blueColor",
}
"""Name of the CSS variable (after `--cnnviz-`) -> theme option that holds its colour."""

_STYLE: Final = """
/* The width of a projector is used up to a line that the eye can still follow. */
[data-testid="stMainBlockContainer"] {
    max-width: 118rem;
    padding-left: clamp(1rem, 3vw, 3.5rem);
    padding-right: clamp(1rem, 3vw, 3.5rem);
}
[data-testid="stMainBlockContainer"] h1 { padding: 0; text-wrap: balance; }
.st-key-page-head { column-gap: 1.5rem; row-gap: 0; }
/* What is mounted without being seen takes no place, nor a gap of its own. */
[data-testid="stLayoutWrapper"]:has(> :is(.st-key-viewer-cookie, .st-key-training-live_feed)) {
    position: absolute; width: 1px; overflow: hidden;
}
[data-testid="stMainBlockContainer"] h2 { padding: 1rem 0 0; }
.cnnviz-lead {
    max-width: 62rem; margin: 0.25rem 0 0; color: var(--cnnviz-muted); text-wrap: pretty;
}
.cnnviz-lead.of-page { font-size: 1.15rem; }
:focus-visible { outline: 3px solid var(--cnnviz-accent); outline-offset: 2px; }
/* The chosen segment: the primary colour, which Streamlit takes, is too dim on a dark ground. */
button:is([data-variant="segmented_control"], [data-variant="pills"])[data-selected="true"] p {
    color: var(--cnnviz-accent);
}
@media (max-width: 640px) {
    [data-testid="stMainBlockContainer"] h1 { font-size: 1.75rem; }
}
@media (prefers-reduced-motion: reduce) {
    *, *::before, *::after {
        transition-duration: 0.01ms !important;
        animation-duration: 0.01ms !important;
    }
}
"""


def set_up_page(title: str, icon: str, lead: str) -> bool:
    """Names the tab, writes the heading and the one-sentence lead, and starts the warm-up.

    Returns whether this run opens the page: the session showed another one, or none, before.

    icon: an emoji. Material icons are fetched from a host on the internet when used as favicon.
    """
    _insist_on_the_map()
    st.set_page_config(
        page_title=f"{title} · cnnviz",
        page_icon=icon,
        layout="wide",
        initial_sidebar_state="collapsed",
        menu_items={"About": "**cnnviz** makes convolutional networks visible."},
    )
    st.html(f"<style>{colour_variables()}{_STYLE}</style>")
    # Side by side where there is room: on a projector every line above the lesson costs it one.
    with st.container(key="page-head", horizontal=True, vertical_alignment="bottom"):
        st.title(title, anchor=False, width="content")
        st.html(f'<p class="cnnviz-lead of-page">{lead}</p>', width="content")
    warm_up.start()
    is_entered = st.session_state.get("cnnviz.page") != title
    st.session_state["cnnviz.page"] = title
    return bool(is_entered)


def draw_until_torch(draw: Callable[[], None]) -> None:
    """Draw a part of a page as a fragment, and again every second while torch is being imported.

    When the import has ended, well or badly, the whole page runs once more, which stops the clock.
    """
    was_coming = warm_up.torch_is_coming()

    def part() -> None:
        if was_coming and not warm_up.torch_is_coming():
            st.rerun()
        draw()

    st.fragment(part, run_every=1.0 if was_coming else None)()


def _insist_on_the_map() -> None:
    """Run app.py where Streamlit has run the page's own file.

    It does so when the server's very first request is a link to a page: until app.py has called
    st.navigation once, Streamlit takes the folder pages/ for the map. No public setting says
    otherwise beforehand, so this reaches inside, and does without where there is no such thing.
    """
    try:
        from streamlit.runtime.pages_manager import PagesManager
    except ImportError:
        return
    if getattr(PagesManager, "uses_pages_directory", False):
        PagesManager.uses_pages_directory = False
        st.rerun()


def colour_variables() -> str:
    """The theme's colours as CSS variables that follow the light or dark theme by themselves.

    Names: --cnnviz-accent, -text, -background, -surface, -border, -muted; the signed pair -negative
    and -positive; the channels -red, -green, -blue.
    """
    lines = []
    for name, option in _COLOURS.items():
        light = st.get_option(f"theme.light.{option}")
        dark = st.get_option(f"theme.dark.{option}")
        lines.append(f"--cnnviz-{name}: light-dark({light}, {dark});")
    return ":root { " + " ".join(lines) + " }"
