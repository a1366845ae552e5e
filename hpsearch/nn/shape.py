"""What the trials of a stack share, and what may differ between them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hpsearch.errors import InvalidRequest
from hpsearch.nn.activations import ACTIVATIONS
from hpsearch.nn.initializers import INITIALIZERS
from hpsearch.nn.optimizers import OPTIMIZERS
from hpsearch.nn.schedules import SCHEDULES


def known(what: str, name: str, names: dict[str, object]) -> None:
    """Refuse a name that is not in a registry, and say which are.

    Raises: InvalidRequest.
    """
    if name not in names:
        raise InvalidRequest(f"{what} {name!r} is unknown; it is one of {', '.join(names)}")


def _within(name: str, value: float, low: float, high: float, *, closed: bool = False) -> None:
    """Refuse a value outside [low, high), or [low, high] if closed; NaN is always outside."""
    if not (low <= value < high or (closed and value == high)):
        end = "]" if closed else ")"
        raise InvalidRequest(f"{name} {value!r} must lie in [{low:g}, {high:g}{end}")


@dataclass(frozen=True, slots=True)
class Shape:
    """The network and the things that cannot differ within a stack: the shape key.

    Raises: InvalidRequest, when made, if a value makes no network.
    """

    inputs: int
    hidden_sizes: tuple[int, ...]
    classes: int
    activation: str = "relu"
    optimizer: str = "sgd"
    batch_size: int = 32
    batch_norm: bool = False

    def __post_init__(self) -> None:
        sizes = {"inputs": self.inputs, "batch_size": self.batch_size}
        sizes |= {f"hidden_sizes[{i}]": units for i, units in enumerate(self.hidden_sizes)}
        for name, size in sizes.items():
            if size < 1:
                raise InvalidRequest(f"{name} is {size}; it must be at least 1")
        if self.classes < 2:
            raise InvalidRequest(f"classes is {self.classes}; it must be at least 2")
        known("activation", self.activation, dict(ACTIVATIONS))
        known("optimizer", self.optimizer, dict(OPTIMIZERS))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of every layer, inputs first, classes last."""
        return (self.inputs, *self.hidden_sizes, self.classes)


@dataclass(frozen=True, slots=True)
class Member:
    """One trial of a stack: everything that may differ between its trials.

    `init_key` and `dropout_key` are entropy for numpy.random.SeedSequence: the trial's own
    streams of random numbers, whatever stack it is trained in.
    `step_every` (epochs) and `step_gamma` belong to the schedule "step".

    Raises: InvalidRequest, when made, if a value is outside its range.
    """

    learning_rate: float
    weight_decay: float = 0.0
    momentum: float = 0.9
    initializer: str = "auto"
    init_std: float = 0.01
    dropout: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999
    rho: float = 0.9
    eps: float = 1e-8
    schedule: str = "constant"
    step_every: int = 1
    step_gamma: float = 0.1
    clip_norm: float | None = None
    init_key: tuple[int, ...] = (0,)
    dropout_key: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        for name in ("learning_rate", "weight_decay", "init_std"):
            _within(name, getattr(self, name), 0.0, math.inf)
        for name in ("momentum", "dropout", "beta1", "beta2", "rho"):
            _within(name, getattr(self, name), 0.0, 1.0)
        _within("step_gamma", self.step_gamma, 0.0, 1.0, closed=True)
        _within("eps", self.eps, 1e-30, 1.0)
        if self.step_every < 1:
            raise InvalidRequest(f"step_every is {self.step_every}; it must be at least 1 epoch")
        if self.clip_norm is not None and not 0.0 < self.clip_norm < math.inf:
            raise InvalidRequest(f"clip_norm {self.clip_norm!r} must be positive, or None")
        if any(word < 0 for word in (*self.init_key, *self.dropout_key)):
            raise InvalidRequest("init_key and dropout_key are tuples of integers >= 0")
        known("initializer", self.initializer, dict(INITIALIZERS))
        known("schedule", self.schedule, dict(SCHEDULES))
