"""The schema's history, and the process that applies it: `python -m migrations upgrade`."""
