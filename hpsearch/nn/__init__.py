"""The engine: many small networks trained together as one NumPy program.

A stack of T trials of one `Shape` is trained by `train`, or with pauses by `Training`; every
parameter has a leading trial axis, and a trial's bits do not depend on the stack around it.
docs/engine.md has the mathematics.
"""

from hpsearch.nn.activations import ACTIVATIONS
from hpsearch.nn.evaluation import ensemble_proba, predict_proba
from hpsearch.nn.examples import Examples
from hpsearch.nn.initializers import INITIALIZERS
from hpsearch.nn.model import Model
from hpsearch.nn.optimizers import OPTIMIZERS
from hpsearch.nn.outcome import EpochScore, Interrupted, Outcome, State
from hpsearch.nn.parameters import Weights
from hpsearch.nn.schedules import SCHEDULES
from hpsearch.nn.shape import Member, Shape
from hpsearch.nn.sizing import balanced_weights, best_stack_size, flops, resident_bytes
from hpsearch.nn.training import Training, train

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "OPTIMIZERS",
    "SCHEDULES",
    "EpochScore",
    "Examples",
    "Interrupted",
    "Member",
    "Model",
    "Outcome",
    "Shape",
    "State",
    "Training",
    "Weights",
    "balanced_weights",
    "best_stack_size",
    "ensemble_proba",
    "flops",
    "predict_proba",
    "resident_bytes",
    "train",
]
