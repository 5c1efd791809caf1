"""The map of pages. Start it with `streamlit run app.py`."""

import streamlit as st

st.navigation(
    [
        st.Page("pages/home.py", title="Lessons", default=True),
        st.Page("pages/convolution.py", title="Convolution"),
        st.Page("pages/architectures.py", title="Architectures"),
        st.Page("pages/batch_norm.py", title="Batch norm"),
        st.Page("pages/training.py", title="Training"),
        st.Page("pages/confusion.py", title="Confusion"),
    ],
    position="top",
).run()
