"""Which ranges come next: one decision per hyperparameter and round, with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hpsearch.narrowing import quantile
from hpsearch.space import Box, Space
from hpsearch.trials import Decision, Observation

Rule = Callable[[Space, Box, Sequence[Observation]], list[Decision]]

RULES: Mapping[str, Rule] = {"quantile": quantile.narrow}
