"""hpsearch: a self-hosted hyperparameter search that answers with a range and its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpsearch.client import Client

__all__ = ["Client"]


def __getattr__(name: str) -> Any:
    """`Client` when somebody asks for it: no room of ours has to wait for HTTP to load."""
    if name == "Client":
        from hpsearch.client import Client

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
