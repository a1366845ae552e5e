"""Which ranges come next: one decision per hyperparameter and round, with its reason.

A rule is a pure function of frozen values. It keeps no memory between calls and draws nothing at
random that has no fixed seed, so a decision can be computed again from stored rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hpsearch.narrowing import domain_reduction, level_set, quantile
from hpsearch.narrowing.answer import answered
from hpsearch.registry import Registry
from hpsearch.space import Box, Space
from hpsearch.surrogate import Surrogate
from hpsearch.trials import Decision, Observation

__all__ = ["RULES", "Rule", "answered"]

Rule = Callable[[Space, Box, Sequence[Observation], Surrogate | None], list[Decision]]

RULES = Registry[Rule](
    "narrowing rule",
    {
        "level_set": level_set.narrow,
        "quantile": quantile.narrow,
        "domain_reduction": domain_reduction.narrow,
    },
)
