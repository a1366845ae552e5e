"""The HTTP contract from the caller's side: typed answers, and errors of the one error tree."""

from hpsearch.client.address import is_loopback
from hpsearch.client.client import PATIENCE, Client
from hpsearch.client.figure import Figure

__all__ = ["PATIENCE", "Client", "Figure", "is_loopback"]
