"""Measurements of the running app; `ui_latency.py` is the one to start."""
