"""One module for each experiment of the chapter; each ends in its `EXPERIMENT`."""
