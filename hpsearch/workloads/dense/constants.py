"""Constants of the optimizers: names, defaults and bounds."""

from __future__ import annotations

from dataclasses import dataclass

from hpsearch.registry import Registry


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant of an optimizer. Bounds are inclusive; `above_zero` excludes 0."""

    name: str
    default: float
    low: float
    high: float
    above_zero: bool = False


_MOMENTUM = Constant("momentum", 0.9, 0, 0.9999)
_BETA1 = Constant("beta1", 0.9, 0, 0.9999)
_BETA2 = Constant("beta2", 0.999, 0, 0.999999)
_RHO = Constant("rho", 0.9, 0, 0.999999)
_EPS = Constant("eps", 1e-8, 1e-30, 0.999999)

OPTIMIZER_CONSTANTS: Registry[tuple[Constant, ...]] = Registry(
    "optimizer",
    {
        "sgd": (),
        "momentum": (_MOMENTUM,),
        "nesterov": (_MOMENTUM,),
        "adam": (_BETA1, _BETA2, _EPS),
        "adamw": (_BETA1, _BETA2, _EPS),
        "adagrad": (_EPS,),
        "rmsprop": (_RHO, _EPS),
    },
)
Declared = tuple[tuple[str, tuple[Constant, ...]], ...]


def declared() -> Declared:
    """(optimizer, its constants) for every optimizer that is registered now."""
    return tuple(OPTIMIZER_CONSTANTS.items())


def constants(of: Declared) -> dict[str, Constant]:
    """Every constant by its name; the optimizers that share a name share the constant."""
    return {constant.name: constant for _, own in of for constant in own}


def users(name: str, of: Declared) -> tuple[str, ...]:
    """Optimizers that a constant has an effect on."""
    return tuple(optimizer for optimizer, own in of if name in {c.name for c in own})
