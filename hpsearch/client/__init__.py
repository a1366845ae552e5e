"""The client of the HTTP contract: typed answers, and errors of `hpsearch.errors`."""

from hpsearch.client.address import is_loopback
from hpsearch.client.client import Client
from hpsearch.client.connection import PATIENCE
from hpsearch.client.figure import Figure

__all__ = ["PATIENCE", "Client", "Figure", "is_loopback"]
