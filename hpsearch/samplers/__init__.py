"""Samplers: seeded, stateless proposals inside a box.

A sampler is a function of frozen values and a random generator. It keeps no memory between
calls, so a decision can be computed again from stored rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.registry import Registry
from hpsearch.samplers.draws import GROUP, propose_random, propose_sobol
from hpsearch.samplers.gp import propose_gp
from hpsearch.space import Box, Params, Space
from hpsearch.surrogate import Surrogate
from hpsearch.trials import Observation

__all__ = ["GROUP", "SAMPLERS", "Propose", "Sampler"]

Propose = Callable[
    [Space, Box, Sequence[Observation], Surrogate | None, int, np.random.Generator], list[Params]
]


@dataclass(frozen=True, slots=True)
class Sampler:
    """A sampler; a model-based one weighs places by the surrogate and needs no box to do so."""

    propose: Propose
    model_based: bool = False


SAMPLERS = Registry(
    "sampler",
    {
        "random": Sampler(propose_random),
        "sobol": Sampler(propose_sobol),
        "gp": Sampler(propose_gp, model_based=True),
    },
)
