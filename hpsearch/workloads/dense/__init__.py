"""Dense networks, trained by this service's workers."""

from hpsearch.workloads.dense.constants import constants, declared
from hpsearch.workloads.dense.hyperparameters import ARCHITECTURE, Hyperparameter, hyperparameters
from hpsearch.workloads.dense.model import ModelSpec, current_model, with_registered
from hpsearch.workloads.dense.workload import Dense, network_parameters

__all__ = [
    "ARCHITECTURE",
    "Dense",
    "Hyperparameter",
    "ModelSpec",
    "constants",
    "current_model",
    "declared",
    "hyperparameters",
    "network_parameters",
    "with_registered",
]
