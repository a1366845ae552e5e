"""Search spaces of other tools: parsed documents and objects in, specs out.

A module for each tool reads what its file means into `domains`; `specs` says it as a spec, and what it cannot
say. No file is run, and no tool is needed for its files.
"""
