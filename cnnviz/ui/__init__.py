"""The only part of cnnviz that imports streamlit.

Read in this order: page (what every page does first), warm_up (torch, imported while nobody waits
for it), preview (the small drawings on the home page).
"""
