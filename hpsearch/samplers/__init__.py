"""Samplers: seeded, stateless proposals inside a box.

A sampler is a function of frozen values and a random generator. It keeps no memory between
calls, so a decision can be computed again from stored rows. Only a process that decides loads
them, and SciPy with them; specs know their names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hpsearch.registry import Deferred, Registry

if TYPE_CHECKING:
    import numpy as np

    from hpsearch.space import Box, Params, Space
    from hpsearch.surrogate import Surrogate
    from hpsearch.trials import Observation

__all__ = ["GROUP", "SAMPLERS", "Propose", "Sampler"]

GROUP = 8  # trials that share one draw of the shape dimensions, so that they can be stacked

Propose: TypeAlias = """Callable[
    [Space, Box, Sequence[Observation], Surrogate | None, int, np.random.Generator], list[Params]
]"""


@dataclass(frozen=True, slots=True)
class Sampler:
    """A sampler; a model-based one weighs places by the surrogate and needs no box to do so."""

    propose: Propose
    model_based: bool = False


SAMPLERS: Registry[Sampler] = Registry(
    "sampler",
    {
        "random": Deferred("hpsearch.samplers.draws:RANDOM"),
        "sobol": Deferred("hpsearch.samplers.draws:SOBOL"),
        "gp": Deferred("hpsearch.samplers.gp:GP"),
    },
)
