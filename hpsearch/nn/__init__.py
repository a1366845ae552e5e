"""The engine: many small networks trained together as one NumPy program.

A stack of T trials of one `Shape` is trained by `train`, or with pauses by `Training`; every
parameter has a leading trial axis, and a trial's bits do not depend on the stack around it.
docs/engine.md has the mathematics.

What it computes with is registered by name: `ACTIVATIONS`, `INITIALIZERS`, `LAYERS`, `LOSSES`,
`OPTIMIZERS`, `SCHEDULES`. Validation gives a trial its mean loss, in a classification the number
of correct predictions, and the `Measure`s that the caller asks for by name.
"""

from hpsearch.nn.activations import ACTIVATIONS, Activation
from hpsearch.nn.evaluation import Scores, ensemble_values, evaluate, predict_values
from hpsearch.nn.examples import Examples, TargetScale
from hpsearch.nn.initializers import INITIALIZERS
from hpsearch.nn.kinds import (
    LAYERS,
    ActivationSpec,
    BatchNormSpec,
    DenseSpec,
    DropoutSpec,
    FlattenSpec,
    WavesSpec,
    layer_to_json,
)
from hpsearch.nn.layer import Layer, LayerSpec, Parameter, Plan, Site
from hpsearch.nn.loss import BatchLoss, Loss
from hpsearch.nn.losses import LOSSES
from hpsearch.nn.measures import Measure, Needs
from hpsearch.nn.model import Model, UnlikeTraining
from hpsearch.nn.optimizers import OPTIMIZERS, Constant, Optimizer, Rates
from hpsearch.nn.outcome import EpochScore, Interrupted, Outcome, State
from hpsearch.nn.parameters import Weights
from hpsearch.nn.ranges import Ranges
from hpsearch.nn.schedules import SCHEDULES
from hpsearch.nn.shape import Member, Shape
from hpsearch.nn.sizing import balanced_weights, best_stack_size, flops, resident_bytes
from hpsearch.nn.training import Training, train

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LAYERS",
    "LOSSES",
    "OPTIMIZERS",
    "SCHEDULES",
    "Activation",
    "ActivationSpec",
    "BatchLoss",
    "BatchNormSpec",
    "Constant",
    "DenseSpec",
    "DropoutSpec",
    "EpochScore",
    "Examples",
    "FlattenSpec",
    "Interrupted",
    "Layer",
    "LayerSpec",
    "Loss",
    "Measure",
    "Member",
    "Model",
    "Needs",
    "Optimizer",
    "Outcome",
    "Parameter",
    "Plan",
    "Ranges",
    "Rates",
    "Scores",
    "Shape",
    "Site",
    "State",
    "TargetScale",
    "Training",
    "UnlikeTraining",
    "WavesSpec",
    "Weights",
    "balanced_weights",
    "best_stack_size",
    "ensemble_values",
    "evaluate",
    "flops",
    "layer_to_json",
    "predict_values",
    "resident_bytes",
    "train",
]
