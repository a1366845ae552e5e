"""Searches for other programs, and their trials for ours.

Views in, foreign records out; each library is optional and loaded when it is asked for.
"""

from hpsearch.exchange.exports import EXPORTS, FileExport, StoreExport, file_formats
from hpsearch.exchange.search import Search, Source

__all__ = ["EXPORTS", "FileExport", "Search", "Source", "StoreExport", "file_formats"]
