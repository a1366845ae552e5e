"""Searches for other programs, and their trials for ours.

Views in, foreign records out; each library is optional and loaded when it is asked for.
"""

from hpsearch.exchange.exports import EXPORTS, FileExport, StoreExport, file_formats
from hpsearch.exchange.search import Search, Source
from hpsearch.exchange.spaces.objects import convert

__all__ = ["EXPORTS", "FileExport", "Search", "Source", "StoreExport", "convert", "file_formats"]
