"""All experiments by name, in the order of the chapter."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from lab.experiment import Experiment
from lab.experiments import (
    activations,
    batch_norm,
    bayesian,
    ensemble,
    initial_weights,
    optimizers,
    overfitting,
    paths,
    random_search,
)

EXPERIMENTS: Final[Mapping[str, Experiment[Any]]] = MappingProxyType(
    {
        "paths": paths.EXPERIMENT,
        "optimizers": optimizers.EXPERIMENT,
        "activations": activations.EXPERIMENT,
        "initial-weights": initial_weights.EXPERIMENT,
        "batch-norm": batch_norm.EXPERIMENT,
        "overfitting": overfitting.EXPERIMENT,
        "ensemble": ensemble.EXPERIMENT,
        "random-search": random_search.EXPERIMENT,
        "bayesian": bayesian.EXPERIMENT,
    }
)
