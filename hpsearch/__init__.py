"""hpsearch: a self-hosted hyperparameter search that answers with a range and its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpsearch.client import Client
    from hpsearch.winner import to_onnx, to_sklearn, to_torch

__all__ = ["Client", "to_onnx", "to_sklearn", "to_torch"]


def __getattr__(name: str) -> Any:
    """Public names when somebody asks for them: no room of ours has to wait for HTTP to load."""
    if name == "Client":
        from hpsearch.client import Client

        return Client
    if name in __all__:
        from hpsearch import winner

        return getattr(winner, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
