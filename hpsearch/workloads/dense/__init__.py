"""Dense networks, trained by this service's workers."""

from hpsearch.workloads.dense.constants import OPTIMIZER_CONSTANTS, Constant
from hpsearch.workloads.dense.hyperparameters import ARCHITECTURE, Hyperparameter, hyperparameters
from hpsearch.workloads.dense.model import ModelSpec, current_model, with_constants
from hpsearch.workloads.dense.workload import Dense, network_parameters

__all__ = [
    "ARCHITECTURE",
    "OPTIMIZER_CONSTANTS",
    "Constant",
    "Dense",
    "Hyperparameter",
    "ModelSpec",
    "current_model",
    "hyperparameters",
    "network_parameters",
    "with_constants",
]
