"""Growth tests: each adds an entry to one registry, from the test alone, and searches with it.

`added` is the common part: a spec with the entry's name is refused before and after; while the
entry is registered the API's document names it, and a search with it runs to its end, in one process.
"""
