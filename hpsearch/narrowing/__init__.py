"""Narrowing rules: the ranges that come next, one decision per hyperparameter and round.

A rule is a pure function of frozen values. It keeps no memory between calls and draws nothing at
random that has no fixed seed, so a decision can be computed again from stored rows. Only a process
that decides loads the rules, and SciPy with them; specs know their names. `SearchSpec.narrowing`
in hpsearch/spec/models.py names the default, `level_set`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from hpsearch.registry import Deferred, Registry

if TYPE_CHECKING:
    from hpsearch.space import Box, Space
    from hpsearch.surrogate import Surrogate
    from hpsearch.trials import Decision, Observation

__all__ = ["RULES", "Rule"]

Rule: TypeAlias = "Callable[[Space, Box, Sequence[Observation], Surrogate | None], list[Decision]]"

RULES: Registry[Rule] = Registry(
    "narrowing rule",
    {
        "level_set": Deferred("hpsearch.narrowing.level_set:narrow"),
        "quantile": Deferred("hpsearch.narrowing.quantile:narrow"),
        "domain_reduction": Deferred("hpsearch.narrowing.domain_reduction:narrow"),
    },
)
