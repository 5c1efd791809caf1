"""The map of pages of `app.py`, with torch imported at the top, as an app is ordinarily written.

What `ui_latency.py` compares the time to the first page with: the same pages, so that the import is
the only difference. `import torch` stands before anything is shown, and runs at the first visit.
"""

import sys
from pathlib import Path

import streamlit as st
import torch  # noqa: F401
from streamlit.runtime.scriptrunner import get_script_run_ctx

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

# The pages name each other by paths beside app.py; this file lies one folder below it.
context = get_script_run_ctx()
assert context is not None, "start this file with `streamlit run`"
context.main_script_path = str(PROJECT / "app.py")

st.navigation(
    [
        st.Page(PROJECT / "pages" / "home.py", title="Lessons", default=True),
        st.Page(PROJECT / "pages" / "convolution.py", title="Convolution"),
    ],
    position="top",
).run()
