"""Dense networks, trained by this service's workers."""

from hpsearch.workloads.dense.hyperparameters import (
    ARCHITECTURE,
    Hyperparameter,
    hyperparameters,
    per_trial,
    without_effect,
)
from hpsearch.workloads.dense.layers import example_shape
from hpsearch.workloads.dense.model import ModelSpec, current_model, with_registered
from hpsearch.workloads.dense.planned import network_fields
from hpsearch.workloads.dense.workload import Dense, network_parameters

__all__ = [
    "ARCHITECTURE",
    "Dense",
    "Hyperparameter",
    "ModelSpec",
    "current_model",
    "example_shape",
    "hyperparameters",
    "network_fields",
    "network_parameters",
    "per_trial",
    "with_registered",
    "without_effect",
]
