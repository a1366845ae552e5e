"""MLflow: a search as a run, with a nested run for each of its trials.

    trials     completed, stopped -> FINISHED    diverged, failed -> FAILED
    searches   completed -> FINISHED    failed -> FAILED    cancelled -> KILLED    others: RUNNING

The tag hpsearch.state has our word. A trial's run lasts as long as the job that trained it, and
its metrics are scores, losses and accuracies with its epochs as steps, and what its trainer reported
beside them. The search's own run has the answer: recommended values and the ends of the best ranges as parameters, the test score
as a metric, verdicts with their reasons as tags.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from hpsearch.errors import Conflict, Unavailable
from hpsearch.exchange.search import Search
from hpsearch.libraries import load_library
from hpsearch.logs import redact
from hpsearch.report.columns import param_columns
from hpsearch.report.views import ResultView, TrialView
from hpsearch.space import level_text

STATES = {
    "completed": "FINISHED", "stopped": "FINISHED", "diverged": "FAILED", "failed": "FAILED",
}  # fmt: skip
ENDS = {"completed": "FINISHED", "failed": "FAILED", "cancelled": "KILLED"}  # of a search
BATCH = 500  # metrics in one request; MLflow takes a thousand
SEARCH, STATE, ROUND = "hpsearch.search", "hpsearch.state", "hpsearch.round"  # tags
RULES = "hpsearch.rules"  # likewise
EXPORTED = "hpsearch.exported"  # of a search's run that has all its trials
NOTE = "mlflow.note.content"  # which MLflow shows as the description of a run
LINK = "hpsearch.link"
REPLICATES = "hpsearch.replicates"
PARENT = "mlflow.parentRunId"  # by which MLflow nests runs

Point = tuple[str, float, int]  # metric, value, step


def export(search: Search, *, address: str, name: str) -> int:
    """Write a search to an experiment of a tracking store and count its trials.

    Raises
    ------
    Misconfigured
        MLflow is not installed.
    Conflict
        The experiment has this search already.
    Unavailable
        The store cannot be used; what was written of the search is deleted or marked as failed.
    """
    mlflow = load_library("mlflow")
    try:
        return _Writer(mlflow, search, address).write(name)
    except mlflow.exceptions.MlflowException as error:
        said = redact(str(error).splitlines()[0])
        raise Unavailable(f"the MLflow store {redact(address)} cannot be used: {said}") from error


class _Writer:
    """An export under way."""

    def __init__(self, mlflow: Any, search: Search, uri: str) -> None:
        self._client = mlflow.MlflowClient(tracking_uri=uri)
        self._entities = mlflow.entities
        self._search = search
        self._now = int(time.time() * 1000)

    def write(self, experiment: str) -> int:
        """Write the search's run and those of its trials; return the number of these."""
        status = self._search.status
        place = self._place(experiment)
        tags = {SEARCH: status.id, STATE: status.state.value, **self._verdicts()}
        tags[RULES] = str(status.rules)
        whole = self._client.create_run(
            place,
            start_time=_milliseconds(status.created_at),
            tags=tags,
            run_name=status.name or status.id,
        ).info.run_id
        try:
            if self._search.result is not None:
                result = self._search.result
                at = self._now if status.finished_at is None else _milliseconds(status.finished_at)
                self._log(whole, _answer(result), _scores(result), at)
            count = sum(self._trial(place, whole, trial) for trial in self._search.trials)
        except BaseException:
            self._client.set_terminated(whole, "FAILED")
            raise
        self._client.set_tag(whole, EXPORTED, str(count))
        if status.state in ENDS:
            ended = status.finished_at and _milliseconds(status.finished_at)
            self._client.set_terminated(whole, ENDS[status.state], ended)
        return count

    def _place(self, experiment: str) -> str:
        """Return the id of the experiment, which is made where there is none."""
        known = self._client.get_experiment_by_name(experiment)
        if known is None:
            return str(self._client.create_experiment(experiment))
        earlier = self._client.search_runs(
            [known.experiment_id], f"tags.`{SEARCH}` = '{self._search.status.id}'"
        )
        # Early versions had no such tag, and nothing but an export that broke off was FAILED.
        if any(EXPORTED in run.data.tags or run.info.status == "FINISHED" for run in earlier):
            raise Conflict(
                f"experiment {experiment!r} has search {self._search.status.id} already; give "
                "another --experiment"
            )
        return str(known.experiment_id)

    def _verdicts(self) -> dict[str, str]:
        ranges = {} if self._search.result is None else self._search.result.ranges
        return {f"hpsearch.verdict.{k}": f"{r.verdict}: {r.reason}" for k, r in ranges.items()}

    def _trial(self, place: str, whole: str, trial: TrialView) -> int:
        if trial.state not in STATES or trial.role is not None:
            return 0
        tags = {PARENT: whole, STATE: trial.state.value, ROUND: str(trial.round)}
        tags |= {NOTE: trial.note} if trial.note else {}
        tags |= {LINK: trial.link} if trial.link else {}
        tags |= {REPLICATES: json.dumps(trial.replicates)} if trial.replicates else {}
        start, end = (
            self._now if moment is None else _milliseconds(moment)
            for moment in (trial.started_at, trial.finished_at)
        )
        run = self._client.create_run(
            place, start_time=start, tags=tags, run_name=trial.id
        ).info.run_id
        self._log(run, trial.params, [*_curve(trial), *_reported(trial)], end)
        self._client.set_terminated(run, STATES[trial.state], end)
        return 1

    def _log(self, run: str, params: Mapping[str, Any], points: list[Point], at: int) -> None:
        metric, param = self._entities.Metric, self._entities.Param
        metrics = [metric(n, v, at, step) for n, v, step in points if math.isfinite(v)]
        logged = [param(name, level_text(value)) for name, value in params.items()]
        self._client.log_batch(run, metrics=metrics[:BATCH], params=logged)
        for start in range(BATCH, len(metrics), BATCH):
            self._client.log_batch(run, metrics=metrics[start : start + BATCH])


def _curve(trial: TrialView) -> Iterator[Point]:
    for epoch, loss, accuracy, score in trial.curve or ():
        named = {"validation_loss": loss, "validation_accuracy": accuracy, "score": score}
        yield from ((name, value, epoch) for name, value in named.items() if value is not None)


def _reported(trial: TrialView) -> Iterator[Point]:
    """The metrics and the cost that its trainer reported; a metric is called as it is there."""
    taken = ("validation_loss", "validation_accuracy", "score", "cost")
    for name, value in (trial.metrics or {}).items():
        # MLflow takes no a//b and no a/../b, which would be another metric besides.
        path = "/".join(part for part in name.split("/") if part not in ("", ".", ".."))
        yield (f"metric.{path}" if path in taken else path), value, trial.epochs
    if trial.cost is not None:
        yield "cost", trial.cost, trial.epochs


def _answer(result: ResultView) -> dict[str, Any]:
    """Return the recommended values by name, and beside each the ends of its best range, or its choices."""
    ends: dict[str, Any] = {}
    for name, best in result.ranges.items():
        if best.choices is not None:
            ends[f"{name}.choices"] = ", ".join(level_text(level) for level in best.choices)
        else:
            ends |= {f"{name}.low": best.low, f"{name}.high": best.high}
    params = result.recommended.params
    columns = param_columns(params, ends)  # a name may have dots: lr.low beside lr
    return {columns[name]: level for name, level in params.items()} | ends


def _scores(result: ResultView) -> list[Point]:
    test = result.test
    scores = {
        "test_mean": test.mean,
        "test_ensemble_accuracy": test.ensemble_accuracy,
        "test_score": test.score,
        "validation_accuracy": result.recommended.validation_accuracy,
        "validation_score": result.recommended.score,
        "optimism": result.optimism,
        **{f"test_{n}": metric.value for n, metric in (test.metrics or {}).items()},
        "test_accuracy": test.accuracy,
        "gain": None if result.gain is None else result.gain.value,
    }
    return [(name, value, 0) for name, value in scores.items() if value is not None]


def _milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)
