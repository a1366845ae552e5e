"""The experiments of the chapter, a module each; each ends in its `EXPERIMENT`."""
