"""The HTTP contract from the caller's side: typed answers, and errors of the one error tree."""

from hpsearch.client.address import is_loopback
from hpsearch.client.client import Client

__all__ = ["Client", "is_loopback"]
