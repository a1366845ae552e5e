"""Where to look next: seeded, stateless proposals inside a box.

A sampler is a function of frozen values and a random generator. It keeps no memory between
calls, so a decision can be computed again from stored rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hpsearch.samplers.draws import GROUP, from_unit, grid, propose_random, propose_sobol
from hpsearch.samplers.gp import propose_gp
from hpsearch.space import Box, Params, Space
from hpsearch.surrogate import Surrogate
from hpsearch.trials import Observation

__all__ = ["GROUP", "SAMPLERS", "WEIGHING", "Sampler", "from_unit", "grid"]

Sampler = Callable[
    [Space, Box, Sequence[Observation], Surrogate | None, int, np.random.Generator], list[Params]
]

SAMPLERS: Mapping[str, Sampler] = {
    "random": propose_random,
    "sobol": propose_sobol,
    "gp": propose_gp,
}
WEIGHING = frozenset({"gp"})  # weigh every place by what it promises, and need no box to do so
