"""What there is to tell of a search, and how libraries that may be absent are asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.errors import Misconfigured
from hpsearch.report.views import ResultView, RoundView, StatusView, TrialView


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """A search in whatever state it is; `trials` come with their curves, and are read once."""

    status: StatusView
    spec: Mapping[str, Any]
    rounds: Sequence[RoundView]
    trials: Iterable[TrialView]
    result: ResultView | None

    @property
    def sign(self) -> int:
        """Score times this is what the objective is named for: -1 for log loss, else 1."""
        return -1 if self.spec.get("objective") == "log_loss" else 1


def library(name: str) -> Any:
    """An optional library.

    Raises
    ------
    Misconfigured
        It is not installed; the message says how it is.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Misconfigured(
            f"{name} is not installed here: pip install 'hpsearch[{name}]'"
        ) from error
