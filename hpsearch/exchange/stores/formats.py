"""The table of stores that `hpsearch import` reads, and which one a path is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hpsearch.errors import InvalidRequest, NotFound
from hpsearch.exchange import observations, resolving
from hpsearch.exchange.observations import Imported
from hpsearch.exchange.stores import bayesopt, kerastuner, nni, ray, smac, synetune
from hpsearch.exchange.stores.trials import Stored
from hpsearch.registry import Registry
from hpsearch.space import Space


@dataclass(frozen=True, slots=True)
class Store:
    """A kind of store.

    recognises
        Tells whether a path is one.
    read
        Reads it for a space; the third argument names the metric that counts, where it is asked for.
    """

    recognises: Callable[[Path], bool]
    read: Callable[[Path, Space, str | None], Stored]


STORES: Final = Registry[Store](
    "store",
    {
        "nni": Store(nni.recognises, nni.read),
        "smac": Store(smac.recognises, smac.read),
        "synetune": Store(synetune.recognises, synetune.read),
        "kerastuner": Store(kerastuner.recognises, kerastuner.read),
        "ray": Store(ray.recognises, ray.read),
        "bayesopt": Store(bayesopt.recognises, bayesopt.read),
    },
)


ONE_METRIC: Final = ("smac", "bayesopt")


def read(
    spec: Mapping[str, Any], path: Path, *, tool: str | None = None, metric: str | None = None
) -> Imported:
    """Read the trials of a store for the `warm_start` of `spec`, as `observations.read` does a study's.

    Raises
    ------
    InvalidSpec
        The spec has mistakes of its own.
    NotFound
        There is no such path.
    InvalidRequest
        No tool's store is there, or it has no trial for this space.
    """
    resolved = resolving.resolved(spec)
    if not path.exists():
        raise NotFound(f"there is no file or folder {path}")
    names = [tool] if tool is not None else [n for n, one in STORES.items() if one.recognises(path)]
    if not names or (tool is not None and not STORES[tool].recognises(path)):
        known = tool if tool is not None else "any of " + ", ".join(STORES)
        raise InvalidRequest(f"{path} holds no results of {known}; studies of Optuna need --optuna")
    if len(names) > 1:
        raise InvalidRequest(f"{path} could be {' or '.join(names)}; give --from")
    if metric is not None and names[0] in ONE_METRIC:
        raise InvalidRequest(f"--metric is not for {names[0]}, whose results have one score")
    stored = STORES[names[0]].read(path, resolved.space, metric)
    directions = [] if stored.direction is None else [stored.direction]
    return observations.imported(
        stored.what, resolved, stored.trials, directions or None, remarks=stored.remarks
    )
