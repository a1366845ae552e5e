"""The plan of a search from its budget: a pure function, shown before anything runs.

A user names one number; rounds, trials per round, rungs, repeats, final test and sampler follow:

    full         epochs of a full training: `epochs.last`, or by the number of minibatches that a
                 small network needs, 2,000 of them, from 8 to 200 epochs; a 40th of a budget of epochs
                 where the caller trains (`hpsearch.spec.length`).
                 The final test trains as long, or for its usual 20 epochs where that is more. One that
                 is named and far longer makes full trainings longer, within the same budget
    budget       as asked, or a number of full trainings by hyperparameters and network
    rungs        from 2 epochs or a 32nd of `full`, in cohorts that are halved until two trials are
                 left; later rounds begin further up. A budget of trials trains each of them in full
    first round  32 trials, or fewer where they would take more than `FIRST_SHARE` of the budget
    last rounds  4 trials, or more where `ROUNDS` rounds would leave a part of the budget
    repeats      two rounds from `REPEATED_FROM` full trainings on. Of a budget of trials, where
                 nothing but repeats tells luck from merit, a quarter of the rounds, which have 16
                 to 8 trials then
    sampler      the best there is, `SAMPLER`
    model        the workload's choice (`hpsearch.workloads.dense.planned`), made first, for the length of
                 a training hangs on it
    networks     of the recommended model: the workload's choice as well, where neither `final.models` nor
                 a baseline is named, which is compared by single networks, and where no small model is
                 asked for, by `cheapest` or a requirement on a known quantity

Whatever the user names beside the budget stays as it is, and the rest is planned around it, within
the caps (`hpsearch.spec.named` reports what is named beyond them). The figures behind these
numbers are in docs/search.md.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from hpsearch.errors import Mistake
from hpsearch.plural import counted
from hpsearch.settings import Settings
from hpsearch.spec import length, schedule
from hpsearch.spec.budget import UNFORESEEN, BudgetSpec
from hpsearch.spec.models import (
    TRAINED_MOST,
    EpochsSpec,
    FinalistsSpec,
    FinalSpec,
    SearchSpec,
    TrialsSpec,
)
from hpsearch.spec.resolved import ResolvedSpec
from hpsearch.workloads import DatasetFacts, Workload
from hpsearch.workloads.dense import current_model

BY_HAND = ("rounds", "trials_per_round", "epochs")  # without a budget, one of them says: no plan
SIZES = (32, 4)  # trials of the first and of the last exploring round
SIZES_BY_TRIAL = (16, 8)  # the same, of a budget of trials
SMALL = (1, 2, 4, 8, 16, 32)  # first rounds of small budgets
FIRST_SHARE = 0.95  # of a budget that the first round takes, at the most
FIRST_SHARE_BY_TRIAL = 2 / 3  # the same, of a budget of trials
COHORT = 32  # trials that are halved together, at the most
ROUNDS = 24  # at the most
SAMPLER = "gp"
REPEATS, REPEATED_FROM = 2, 64  # rounds that repeat the finalists; full trainings
CHOSEN = (
    "rounds", "trials_per_round", "cohort", "epochs.first", "epochs.last", "epochs.halving",
    "sampler", "finalists.rounds", "final.epochs",
)  # fmt: skip


def is_asked(data: Mapping[str, Any]) -> bool:
    """Tell whether a submitted spec is planned; the defaults of fields hold otherwise."""
    return data.get("budget") is not None or not any(name in data for name in BY_HAND)


def chosen(data: Mapping[str, Any], spec: SearchSpec) -> list[str]:
    """Paths of the fields that a plan has chosen, because the document does not name them.

    Parameters
    ----------
    data, spec
        The document as it was sent, and the whole spec that became of it.
    """
    if not is_asked(data):
        return []
    named, usual = {*_model(data), *data.get("space", ())}, type(spec.model)()
    model = [
        name for name, value in spec.model if value != getattr(usual, name) and name not in named
    ]
    several = spec.final.networks > 1 and not names(data, "final.networks")
    final = ["final.networks"] if several else []
    chosen = [path for path in CHOSEN if not names(data, path)]
    return chosen + final + [f"model.{name}" for name in model]


def conflicts(data: Mapping[str, Any]) -> list[Mistake]:
    """The mistake of a limit that is said in both of its spellings."""
    budget, epochs = data.get("budget"), data.get("epochs")
    if not isinstance(budget, Mapping):
        return []
    mistakes = []
    if isinstance(epochs, Mapping) and epochs.get("budget") is not None:
        message = "budget says what the search may spend; drop one of the two"
        mistakes.append(Mistake("epochs.budget", message))
    if "seconds" in budget and data.get("max_seconds") is not None:
        mistakes.append(Mistake("max_seconds", "budget.seconds says the same; drop one of the two"))
    if "cost" in budget and data.get("max_cost") is not None:
        mistakes.append(Mistake("max_cost", "budget.cost says the same; drop one of the two"))
    return mistakes


def readable(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document with both rungs where it names one alone, which the other's default contradicts."""
    epochs = data.get("epochs")
    if not is_asked(data) or not isinstance(epochs, Mapping) or {"first", "last"} <= epochs.keys():
        return data
    usual = EpochsSpec()
    first, last = epochs.get("first", usual.first), epochs.get("last", usual.last)
    if not isinstance(first, int) or not isinstance(last, int) or first <= last:
        return data
    named = last if "last" in epochs else first
    other = "first" if "last" in epochs else "last"
    return {**data, "epochs": {**epochs, other: min(max(named, 1), TRAINED_MOST)}}


def completed(
    data: Mapping[str, Any], asked: SearchSpec, facts: DatasetFacts, caps: Settings
) -> tuple[dict[str, Any], list[Mistake]]:
    """The document of a planned spec with the plan written out, and without the budget.

    Parameters
    ----------
    data, asked
        The document as it was sent, and as it validated.

    Returns
    -------
    tuple
        The document, and the mistakes of a budget that pays for too little or is beyond the caps.
    """
    model = {**_model(data), **ResolvedSpec(asked, facts).workload.planned(_model(data), caps)}
    if model != _model(data):
        data = {**data, "model": model}
        asked = asked.model_copy(update={"model": current_model().model_validate(model)})
    planner = _Planner(data, asked, facts, caps)
    mistakes = planner.mistakes()
    rest = {name: value for name, value in data.items() if name != "budget"}
    return ({}, mistakes) if mistakes else ({**rest, **planner.fields()}, [])


@dataclass(frozen=True)
class _Planner:
    """The choice of what a document does not name."""

    data: Mapping[str, Any]
    asked: SearchSpec
    facts: DatasetFacts
    caps: Settings

    def names(self, path: str) -> bool:
        """Tell whether the document names a field."""
        return names(self.data, path)

    @cached_property
    def full(self) -> int:
        """Epochs of a full training."""
        usual, within = self._usual, self._usual_epochs
        if self._shaped or not self.names("final.epochs") or within is None:
            return usual
        final = min(self.asked.final.epochs, self.caps.max_epochs)
        full = length.towards(final, usual, self._workload, within, self._rounds_named)
        return max(full, self._first_named)

    @property
    def _shaped(self) -> bool:
        """Tell whether a length is named, or what makes each round of longer trainings costly."""
        named = self.names("epochs.last") or self.names("trials_per_round")
        return named or not self.asked.epochs.halving or self.asked.cohort == 1

    @cached_property
    def _usual(self) -> int:
        """Epochs of a full training, as named or whatever the final test is."""
        if self.names("epochs.last"):
            return self.asked.epochs.last
        full = length.full(
            self._workload, self._epochs_named, self._rounds_named, shaped=self._shaped
        )
        return max(min(full, self.caps.max_epochs), self._first_named)

    @property
    def _first_named(self) -> int:
        return self.asked.epochs.first if self.names("epochs.first") else 1

    @property
    def _usual_epochs(self) -> float | None:
        """The budget in epochs, as named or of usual trainings; None of one in other units."""
        if self.asked.budget is not None:
            return self._epochs_named
        return self._usual * self._workload.trainings(self._usual)

    @cached_property
    def _workload(self) -> Workload:
        return ResolvedSpec(self.asked, self.facts).workload

    @property
    def _epochs_named(self) -> float | None:
        return length.epochs_of(self.asked.budget, self._workload)

    @property
    def _rounds_named(self) -> int:
        return self.asked.rounds if self.names("rounds") else (self.asked.finalists.rounds or 0) + 1

    @cached_property
    def budget(self) -> BudgetSpec:
        """The budget as asked, or the usual one."""
        if self.asked.budget is not None:
            return self.asked.budget
        return BudgetSpec(epochs=self._usual * self._workload.trainings(self._usual))

    @cached_property
    def base(self) -> SearchSpec:
        """The spec but for rounds and trials per round, and without its limits."""
        asked, full = self.asked, self.full
        by_trial = self.budget.unit == "trials"
        first = full if by_trial else length.first_rung(full)
        epochs = EpochsSpec(
            first=asked.epochs.first if self.names("epochs.first") else first,
            last=full,
            halving=asked.epochs.halving if self.names("epochs.halving") else not by_trial,
        )
        repeats = asked.finalists if self.names("finalists.rounds") else self._repeats()
        cohort = asked.cohort if self.names("cohort") else _cohort(epochs)
        changes = {"epochs": epochs, "finalists": repeats, "cohort": cohort, "max_seconds": None,
                   "max_cost": None}  # fmt: skip
        return asked.model_copy(update=changes)

    def _repeats(self) -> FinalistsSpec:
        """The usual quarter of the rounds, or a few rounds of a budget that can spare them."""
        unit, amount = self.budget.unit, self.budget.amount
        if unit == "trials":
            return FinalistsSpec()
        rounds = self.asked.rounds if self.names("rounds") else min(REPEATS + 1, self.rounds_cap)
        enough = unit in UNFORESEEN or amount >= REPEATED_FROM * self.full
        return FinalistsSpec(rounds=REPEATS if enough and rounds > REPEATS else 0)

    def spent(self, rounds: int, trials: TrialsSpec) -> int:
        """The cost of so many rounds, in the budget's unit."""
        spec = self.base.model_copy(update={"rounds": rounds, "trials_per_round": trials})
        resolved = ResolvedSpec(spec, self.facts)
        return resolved.trials_planned if self.budget.unit == "trials" else resolved.epochs_planned

    @cached_property
    def amount(self) -> float:
        """The budget in trials or epochs."""
        if self.budget.unit not in UNFORESEEN:
            return self.budget.amount
        named = self._epochs_named
        if named is None:  # of a training elsewhere nothing is known: its clock or costs decide
            return float(self.spent(self.most_rounds, self.shape(self.sizes[1])))
        return min(max(named, self.full), self.most)

    @cached_property
    def least_rounds(self) -> int:
        """Rounds that a plan has at the least: one beside those that are asked to repeat."""
        return (self.base.finalists.rounds or 0) + 1

    @cached_property
    def rounds_cap(self) -> int:
        """Rounds under the caps."""
        trials, named = self.asked.trials, self.names("trials_per_round")
        each = max(trials.first, trials.last) if named else 1
        return min(self.caps.max_rounds, self.caps.max_trials // each)

    @cached_property
    def most_rounds(self) -> int:
        """Rounds that a plan has, at the most."""
        if self.names("rounds"):
            return self.asked.rounds
        return max(min(ROUNDS, self.rounds_cap), self.least_rounds)

    @cached_property
    def most_trials(self) -> int:
        """Trials of a round under the caps."""
        caps = self.caps
        return max(1, min(caps.max_trials_per_round, caps.max_trials // self.most_rounds))

    @cached_property
    def least_trials(self) -> int:
        """Trials of a round at the least: repeats that are asked of a budget of trials compare two."""
        compared = self.budget.unit == "trials" and (self.base.finalists.rounds or 0) > 0
        return min(2, self.most_trials) if compared else 1

    @cached_property
    def most(self) -> int:
        """The largest budget that a plan under the caps can spend."""
        return self.spent(self.most_rounds, self.shape(self.most_trials))

    def mistakes(self) -> list[Mistake]:
        """A budget that is too small for what stands beside it, or too large for this service."""
        unit, amount = self.budget.unit, self.budget.amount
        if unit in UNFORESEEN or self.asked.budget is None:
            return []
        least, needed = self._least()
        if amount < least:
            return [Mistake(f"budget.{unit}", f"{amount:,.0f} does not pay for {needed}; the least "
                            f"that works is {least}")]  # fmt: skip
        named = self.names("trials_per_round")
        if not named and amount > self.most:
            return [Mistake(f"budget.{unit}", f"{amount:,.0f} is more than this service's caps let a "
                            f"search spend; the most that works is {self.most_that_works}")]  # fmt: skip
        return []

    @property
    def most_that_works(self) -> int:
        """The largest budget under the caps: a smaller one may have shorter trainings, and so on."""
        budget = BudgetSpec.model_validate({self.budget.unit: self.most})
        smaller = replace(self, asked=self.asked.model_copy(update={"budget": budget}))
        return self.most if smaller.most >= self.most else smaller.most_that_works

    def _least(self) -> tuple[int, str]:
        """The least budget, and what it has to pay for."""
        by_trial = self.budget.unit == "trials"
        one = 1 if by_trial else self.full
        rounds = self.asked.rounds if self.names("rounds") else self.least_rounds
        counting = counted(rounds, "round")
        if self.names("trials_per_round") and by_trial:
            return self.spent(rounds, self.asked.trials), f"{counting} with so many trials"
        if self.least_trials > 1:
            return self.spent(rounds, self._flat), f"{counting} with two trials each"
        if rounds > 1:
            return rounds * one, f"{counting} with a full training each"
        return one, f"one training of {counted(self.full, 'epoch')}"

    def fields(self) -> dict[str, Any]:
        """The fields of the plan, those that the user names as they are."""
        rounds, trials = self._rounds_and_trials()
        base, data = self.base, self.data
        budget = int(self.budget.amount) if self.budget.unit == "epochs" else None
        epochs = {**base.epochs.model_dump(), "budget": budget}
        per_round: object = trials.last if trials.first == trials.last else trials.model_dump()
        fields: dict[str, Any] = {
            "rounds": rounds,
            "trials_per_round": data.get("trials_per_round", per_round),
            "epochs": epochs,
            "sampler": data.get("sampler", SAMPLER),
            "finalists": base.finalists.model_dump(),
        }
        if base.cohort is not None:
            fields["cohort"] = base.cohort
        if self.budget.unit == "seconds":
            fields["max_seconds"] = self.budget.amount
        if self.budget.unit == "cost":
            fields["max_cost"] = self.budget.amount
        final, usual = {}, FinalSpec()
        if not self.names("final.epochs") and self._final != usual.epochs:
            final["epochs"] = self._final
        if (networks := self._networks) != self.asked.final.networks:
            final["networks"] = networks
        if final:
            fields["final"] = {**data.get("final", {}), **final}
        return fields

    @property
    def _networks(self) -> int:
        """Networks of the recommended model: as named, or the workload's choice where it has the say."""
        named = any(map(self.names, ("final.networks", "final.models", "baseline", "cheapest")))
        sized = any(one.metric in self._workload.known_names for one in self.asked.require)
        if named or sized:
            return self.asked.final.networks
        return self._workload.networks_planned(self.caps)

    @property
    def _final(self) -> int:
        """Epochs of the final test: those of a full training, or the usual ones if they are more."""
        if self.asked.workload.final_as_long:
            return self.full
        return max(self.full, min(FinalSpec().epochs, self.caps.max_epochs))

    def _rounds_and_trials(self) -> tuple[int, TrialsSpec]:
        """The rounds, and the trials of the first and of the last of them."""
        if self.names("trials_per_round"):
            trials = self.asked.trials
            if self.names("rounds"):
                return self.asked.rounds, trials
            return self._rounds_for(trials, self.rounds_cap), trials
        if self.names("rounds"):
            return self.asked.rounds, self._within(self.asked.rounds)
        small = self._small()
        if self.spent(self.most_rounds, small) >= self.amount:
            return self._rounds_for(small, self.most_rounds), small
        if self.budget.unit == "trials":
            return self.most_rounds, self._within(self.most_rounds)
        last = bisect_left(
            range(1, self.most_trials + 1), self.amount, key=self._by_last(self.most_rounds)
        )
        return self.most_rounds, self.shape(min(last + 1, self.most_trials))

    def _small(self) -> TrialsSpec:
        """The trials of a budget that `ROUNDS` rounds, or fewer, can spend."""
        share = FIRST_SHARE_BY_TRIAL if self.budget.unit == "trials" else FIRST_SHARE
        most, (largest, last) = share * self.amount, self.sizes
        sizes = [n for n in SMALL if n <= min(largest, self.most_trials)]
        first = sizes[max(0, bisect_right(sizes, most, key=self._first_round) - 1)]
        last = max(min(last, first // 2), self.least_trials)
        small = TrialsSpec(first=max(first, last), last=last)
        if self.budget.unit == "trials" and self.spent(self.least_rounds, small) > self.amount:
            return self._within(self.least_rounds)
        return small

    def _first_round(self, trials: int) -> int:
        """The cost of a first round of so many trials, in the budget's unit."""
        if self.budget.unit == "trials":
            return trials
        rungs = _rungs(self.base.epochs)
        return schedule.round_epochs(trials, rungs, self.base.cohort)

    @property
    def sizes(self) -> tuple[int, int]:
        """Trials of the first and of the last exploring round, where the budget suits them."""
        return SIZES_BY_TRIAL if self.budget.unit == "trials" else SIZES

    def shape(self, last: int) -> TrialsSpec:
        """First and last round of a plan whose last one has so many trials."""
        first, usual = self.sizes
        first = min(first, first // usual * last, self.most_trials)
        return TrialsSpec(first=max(last, first), last=last)

    def _by_last(self, rounds: int) -> Callable[[int], int]:
        return lambda last: self.spent(rounds, self.shape(last))

    def _within(self, rounds: int) -> TrialsSpec:
        """The most trials with which `rounds` rounds stay within the budget."""
        sizes = range(self.least_trials, self.most_trials + 1)
        fits = bisect_right(sizes, self.amount, key=self._by_last(rounds))
        if fits == 0 and self.budget.unit == "trials":
            return self._flat
        return self.shape(sizes[max(fits - 1, 0)])

    @property
    def _flat(self) -> TrialsSpec:
        """The trials of the least budget, no more of them in the first round than in the last."""
        return TrialsSpec(first=self.least_trials, last=self.least_trials)

    def _rounds_for(self, trials: TrialsSpec, most: int) -> int:
        """The fewest rounds that spend a budget of epochs, or the most that trials pay for."""
        counts = range(self.least_rounds, max(most, self.least_rounds) + 1)
        if self.budget.unit == "trials":
            fits = bisect_right(counts, self.amount, key=lambda n: self.spent(n, trials))
            return counts[max(0, fits - 1)]
        fewest = bisect_left(counts, self.amount, key=lambda n: self.spent(n, trials))
        return counts[min(fewest, len(counts) - 1)]


def _model(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The model that a document has."""
    model: Mapping[str, Any] = data.get("model", {})
    return model


def names(data: Mapping[str, Any], path: str) -> bool:
    """Tell whether a document names a field."""
    place: Any = data
    for name in path.split("."):
        if not isinstance(place, Mapping) or place.get(name) is None:
            return False
        place = place[name]
    return True


def _rungs(epochs: EpochsSpec) -> tuple[int, ...]:
    """The rungs of the first round."""
    return schedule.rungs(epochs.first, epochs.last, halving=epochs.halving)


def _cohort(epochs: EpochsSpec) -> int | None:
    """As many trials as are halved until two are left, or as `COHORT`: more cohorts train at once."""
    return min(2 ** len(_rungs(epochs)), COHORT) if epochs.halving else None
