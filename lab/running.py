"""Runs experiments, on as many processes as there are processors."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from hpsearch.errors import InvalidRequest
from lab.data import Dataset
from lab.registry import EXPERIMENTS
from lab.report import Done


def chosen(names: Sequence[str]) -> list[str]:
    """The named experiments in the order of the registry; all of them where none is named.

    Raises: InvalidRequest if there is no experiment of a name.
    """
    unknown = [name for name in names if name not in EXPERIMENTS]
    if unknown:
        raise InvalidRequest(
            f"no experiment {', '.join(map(repr, unknown))}; there are {', '.join(EXPERIMENTS)}"
        )
    return [name for name in EXPERIMENTS if name in names or not names]


def run_one(name: str, dataset: Dataset, seed: int, *, quick: bool) -> Done:
    """Run an experiment and take its time."""
    data = dataset.open()
    started = time.perf_counter()
    result = EXPERIMENTS[name].run(data, seed, quick=quick)
    return Done(name, result, time.perf_counter() - started)


def run_all(
    names: Sequence[str],
    dataset: Dataset,
    seed: int,
    *,
    quick: bool,
    processes: int,
    on_done: Callable[[Done], None],
) -> list[Done]:
    """Run the named experiments, the costliest first; results in the order of `names`.

    How many processes there are changes nothing but the time.
    """
    results: dict[str, Done] = {}
    if min(processes, len(names)) == 1:
        for name in names:
            results[name] = run_one(name, dataset, seed, quick=quick)
            on_done(results[name])
        return [results[name] for name in names]
    queue = sorted(names, key=lambda name: -EXPERIMENTS[name].cost)
    with _pool(min(processes, len(names))) as pool:
        waiting = [pool.submit(run_one, name, dataset, seed, quick=quick) for name in queue]
        try:
            for future in as_completed(waiting):
                one = future.result()
                results[one.name] = one
                on_done(one)
        except BaseException:  # Ctrl-C above all: leaving the block would wait for the whole queue
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise
    return [results[name] for name in names]


def _pool(processes: int) -> ProcessPoolExecutor:
    """Processes that load NumPy anew, in the environment that was set for it.

    Ctrl-C reaches them as well. They leave it to the parent, which would else hear of a broken
    pool before it hears of the key.
    """
    return ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
