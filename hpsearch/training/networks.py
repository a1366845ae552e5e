"""From a trial's parameters to the engine's terms, and the keys of its random streams.

The minibatch order depends on (seed, round, epoch, fold) and is the same for all trials of a
round; initial weights and dropout depend on (seed, round, index, replicate, fold). No worker,
job or stack appears in a key, so none of them can change a result. The first fold, or the only
split, adds no word to a key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch import nn
from hpsearch.metrics import Task
from hpsearch.trials import Stream
from hpsearch.workloads import DatasetFacts
from hpsearch.workloads.dense import example_shape, per_trial

STEPS = 3  # parts into which the schedule "step" divides a training
STEP_GAMMA = 0.1  # what the learning rate is multiplied by from part to part


def loss_of(task: Task) -> str:
    """The loss for the targets of a dataset: the first one that is registered for the task."""
    return next(name for name, loss in nn.LOSSES.items() if loss.task == task)


def shape(values: Mapping[str, Any], facts: DatasetFacts) -> nn.Shape:
    """The network of a trial with the hyperparameters `values`."""
    layers = values.get("layers", ())
    return nn.Shape(
        inputs=facts.inputs(values["max_levels"]),
        hidden_sizes=tuple(values["hidden_sizes"]),
        outputs=facts.outputs,
        activation=values["activation"],
        optimizer=values["optimizer"],
        batch_size=values["batch_size"],
        batch_norm=values["batch_norm"],
        loss=values.get("loss") or loss_of(facts.task),
        layers=layers,
        example_shape=example_shape(facts) if layers else (),
    )


def member(
    values: Mapping[str, Any],
    *,
    seed: int,
    round: int,
    index: int,
    replicate: int,
    epochs: int,
    fold: int = 0,
) -> nn.Member:
    """A trial of a stack."""
    constants = [constant.name for constant in nn.OPTIMIZERS[values["optimizer"]].constants]
    return nn.Member(
        **{name: values[name] for name in per_trial()},
        constants={name: values[name] for name in constants},
        step_every=max(1, -(-epochs // STEPS)),
        step_gamma=STEP_GAMMA,
        init_key=init_key(seed=seed, round=round, index=index, replicate=replicate, fold=fold),
        dropout_key=(seed, Stream.DROPOUT, round, index, replicate, *_word(fold)),
    )


def init_key(
    *, seed: int, round: int, index: int, replicate: int, fold: int = 0
) -> tuple[int, ...]:
    """Entropy of a trial's initial weights."""
    return (seed, int(Stream.INIT), round, index, replicate, *_word(fold))


def order(
    seed: int, replicate: int, length: int, *, fold: int = 0
) -> Callable[[int], NDArray[np.intp]]:
    """The order in which `length` examples are met in an epoch (1, 2, ...).

    `replicate` is the round's number, so that a repeat meets the examples in another order.
    """

    def permutation(epoch: int) -> NDArray[np.intp]:
        rng = np.random.default_rng([seed, Stream.ORDER, replicate, epoch, *_word(fold)])
        return rng.permutation(length).astype(np.intp, copy=False)

    return permutation


def _word(fold: int) -> tuple[int, ...]:
    return (fold,) if fold else ()
