"""The parser: runs as `python -m hpsearch.data.parse` in a limited process, see `data.child`."""
