"""Numbers in, a plotly Figure out. Imports plotly and numpy; never torch, files or streamlit."""
