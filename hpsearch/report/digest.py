"""A digest of a whole search: two runs of a spec that agree in it agree in every trial.

SHA-256 of canonical JSON: the resolved spec without its name (a label changes nothing), the
dataset's digest, the edits and the round after which each took effect, the warm-start
observations, the trials by (round, index), and the final test.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from hpsearch.records import SearchRecord, TrialRecord, observation_to_json
from hpsearch.rules import mixed
from hpsearch.spec import ResolvedSpec, needs


def canonical(value: Any) -> bytes:
    """`value` as JSON in one spelling: sorted keys, no spaces, shortest numbers, UTF-8.

    Half surrogate pairs are kept: what cannot be stored can still be compared.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode("utf-8", "surrogatepass")


def body_sha256(value: Any) -> str:
    """SHA-256 of a JSON value in canonical spelling."""
    return hashlib.sha256(canonical(value)).hexdigest()


class Covered(NamedTuple):
    """The numbers of a trial that the digest covers beside counts.

    scored
        Score and loss, the score as a rank value.
    costed
        The cost of all attempts.
    metrics
        Those that a requirement names.
    of_training
        The cost of the attempt that counts, by which a setting is chosen.
    """

    scored: bool = False
    costed: bool = False
    metrics: Sequence[str] = ()
    of_training: bool = False


def trial_lines(trials: Iterable[TrialRecord], covered: Covered | None = None) -> list[list[Any]]:
    """The fields of each trial that the digest covers, in order of (round, index).

    Where correct predictions are not counted, or rank nothing because examples have weights, that is
    score and loss as well: the score as a rank value, larger is better, also where a search minimises
    and its spec says so. Where costs decide how many rounds there are, or which setting is chosen, and
    where a requirement names metrics, that is these too; so are replicates, where there are some. Other metrics, tags and notes decide nothing.
    """
    covered = covered or Covered()
    return [
        [t.round, t.idx, t.role, t.params, t.state, t.epochs, t.correct, t.examples,
         t.test_correct, t.test_examples, *((t.score, t.loss) if covered.scored else ()),
         *((t.whole_cost,) if covered.costed else ()),
         *((t.metrics or {}).get(name) for name in covered.metrics),
         *((t.cost,) if covered.of_training else ()),
         *((list(t.replicates),) if t.replicates else ())]
        for t in sorted(trials, key=lambda t: (t.round, t.idx))
    ]  # fmt: skip


def covered(resolved: ResolvedSpec) -> Covered:
    """The numbers by which a search has decided."""
    metrics, of_training = needs.decisive(resolved)
    return Covered(
        scored=not resolved.workload.counts,
        costed=resolved.spec.max_cost is not None,
        metrics=metrics,
        of_training=of_training,
    )


def search_digest(
    search: SearchRecord,
    trials: Sequence[Sequence[Any]],
    ensemble_correct: int | None,
) -> str:
    """The digest of a search, as 64 hexadecimal digits.

    Parameters
    ----------
    search
        Read with its warm-start observations.
    trials
        The lines of `trial_lines`.
    ensemble_correct
        Test examples that the ensemble of the final test classified correctly.
    """
    return body_sha256(
        {
            "spec": {k: v for k, v in search.spec.items() if k != "name"},
            "dataset": search.dataset_digest,
            "edits": [[e.after_round, e.changes] for e in search.edits],
            "warm_start": [observation_to_json(o) for o in search.warm_start],
            "trials": trials,
            "ensemble_correct": ensemble_correct,
        }
    )


def differing(fingerprints: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """The fields in which numeric fingerprints differ, each with its values; "none" is one of them."""
    names = dict.fromkeys(name for one in fingerprints for name in one)
    values = {name: sorted({one.get(name, "none") for one in fingerprints}) for name in names}
    return {name: several for name, several in values.items() if len(several) > 1}


def withheld(
    fingerprints: Sequence[Mapping[str, str]],
    failed_jobs: int,
    max_seconds: float | None,
    *,
    rules: int,
) -> str | None:
    """The reason why a search has no digest, None when it has one; `rules` are those it stores."""
    if (other := mixed(rules)) is not None:
        return other
    distinct = {canonical(dict(f)) for f in fingerprints}
    if len(distinct) > 1:
        return (
            f"its jobs and decisions ran under {len(distinct)} numeric fingerprints, which differ in "
            f"{', '.join(differing(fingerprints))}; the same libraries everywhere and "
            "HPSEARCH_NUMERICS=portable make mixed machines agree"
        )
    if max_seconds is not None:
        return f"max_seconds={max_seconds:g} lets the clock decide how many rounds there are"
    if failed_jobs:
        return f"{failed_jobs} jobs were given up because their workers were lost"
    return None
