"""Results of other tools as trials: files in, records out. No pickle is loaded, and no tool is needed."""
