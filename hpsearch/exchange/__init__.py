"""Searches for other programs, and their trials for ours.

Views in, foreign records out; each library is optional and loaded when it is asked for.
"""

from hpsearch.exchange.told import Search

__all__ = ["Search"]
