"""Dense networks, trained by this service's workers."""

from hpsearch.workloads.dense.hyperparameters import (
    ARCHITECTURE,
    Hyperparameter,
    hyperparameters,
    per_trial,
)
from hpsearch.workloads.dense.model import ModelSpec, current_model, with_registered
from hpsearch.workloads.dense.workload import Dense, network_parameters

__all__ = [
    "ARCHITECTURE",
    "Dense",
    "Hyperparameter",
    "ModelSpec",
    "current_model",
    "hyperparameters",
    "network_parameters",
    "per_trial",
    "with_registered",
]
