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


@dataclass(frozen=True, slots=True, eq=False)
class Declared:
    """The constants of each optimizer, at one time."""

    by_optimizer: tuple[tuple[str, tuple[Constant, ...]], ...] = ()

    @property
    def constants(self) -> dict[str, Constant]:
        """Every constant by its name; the optimizers that share a name share the constant."""
        return {constant.name: constant for _, own in self.by_optimizer for constant in own}

    def users(self, name: str) -> tuple[str, ...]:
        """Optimizers that a constant has an effect on."""
        return tuple(o for o, own in self.by_optimizer if name in {c.name for c in own})


class _Latest:
    declared = Declared()


def declared() -> Declared:
    """The constants that are declared now: the same object until an optimizer comes or goes.

    So a table can be remembered by it, at no price for a hash of all that it holds.
    """
    now = tuple(OPTIMIZER_CONSTANTS.items())
    if now != _Latest.declared.by_optimizer:
        _Latest.declared = Declared(now)
    return _Latest.declared
