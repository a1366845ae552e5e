"""Answers about the search itself: what was tried, where, how, and what came out."""

from __future__ import annotations

import json

from hpsearch import reasons
from hpsearch.plural import counted
from hpsearch.report import words
from hpsearch.report.progress import cost
from hpsearch.report.statement.facts import Answer, Facts, NotKnown, listed, said
from hpsearch.report.views import RangeView, ResultRangeView
from hpsearch.space import Level
from hpsearch.spec import given
from hpsearch.trials import Role, RoundKind, TrialState

SAMPLERS = {
    "random": "independent uniform draws, each range in its own scale",
    "sobol": "points of a scrambled Sobol sequence, each range in its own scale",
    "gp": "a Sobol sequence at first, then points of high expected improvement under a Gaussian process",
}
RULES = {
    "level_set": "of a range those values stay that may be as good as the best one under a Gaussian "
    "process, and ranges may widen again",
    "quantile": "of a range those values stay that tests on the best quantile of the trials do not rule out",
    "domain_reduction": "a window follows the best trial, and shrinks as that settles",
}


def trials(facts: Facts) -> Answer:
    """The number of trials, by how they ended, and their epochs."""
    begun = facts.records.begun
    planned, epochs = sum(r.planned for r in begun), sum(r.epochs_trained for r in begun)
    repeats = sum(r.planned for r in begun if r.kind is RoundKind.REPEAT)
    ends = {
        "trained to their last epoch": sum(r.completed for r in begun),
        "stopped early, as the worse part of their cohort": sum(r.stopped for r in begun),
        "diverged": sum(r.diverged for r in begun),
        "failed": sum(r.failed for r in begun),
        "cancelled": sum(r.cancelled for r in begun),
    }
    text = f"{counted(planned, 'trial')} in {counted(len(begun), 'round')}: "
    text += ", ".join(f"{count} {how}" for how, count in ends.items() if count)
    text += f". {counted(epochs, 'epoch')} of training in all."
    if repeats:
        text += f" {repeats} of the trials repeat the best settings with new seeds."
    before = len(facts.records.search.warm_start)
    if before:
        text += f" The search began with {counted(before, 'observation')} of earlier trials."
    return text


def bounds(facts: Facts) -> Answer:
    """Every range that was asked for, and the one that the search ended with."""
    parts = []
    for name, view in facts.result.ranges.items():
        now = " (beyond what was asked for)" if view.outside_asked else ""
        parts.append(
            f"{said(name)}: {asked_text(view.asked)}; at the end {words.span(view)}{now}{_given(view)}"
        )
    return ". ".join(parts) + "."


def _given(view: ResultRangeView) -> str:
    given = words.given(view)
    return f", {given}" if given else ""


def asked_text(view: RangeView) -> str:
    """A range with its scale, or the choices."""
    if view.choices is not None:
        return f"choices {words.span(view)}"
    kind = "whole numbers, " if view.integer else ""
    return f"{words.span(view)} ({kind}{view.scale} scale)"


def edits(facts: Facts) -> Answer:
    """Changes of the spec while the search ran."""
    made = facts.records.search.edits
    if not made:
        return "The spec was not changed while the search ran."
    parts = [f"after round {e.after_round} {listed(sorted(e.changes))}" for e in made]
    return f"The spec was changed while the search ran: {'; '.join(parts)}. Bounds are those at the end."


def method(facts: Facts) -> Answer:
    """The sampler, the narrowing rule, halving, repeats, and what ended it."""
    spec, begun = facts.resolved.spec, facts.records.begun
    sampler, rule = SAMPLERS.get(spec.sampler), RULES.get(spec.narrowing)
    text = (
        f"Sampler {spec.sampler}{_colon(sampler)}. Narrowing rule {spec.narrowing}{_colon(rule)}."
    )
    if any(len(r.ladder) > 1 for r in begun):
        text += (
            " Of a cohort of trials the worse half is stopped at each rung, so that the better ones "
            f"train to {counted(spec.epochs.last, 'epoch')}."
        )
    if any(r.kind is RoundKind.REPEAT for r in begun):
        text += " Then the best settings were trained again with new seeds, and the choice is among them."
    first = len(given.first_of(facts.resolved))
    if first:
        text += f" The first round began with {counted(first, 'setting')} that its user named."
    if facts.resolved.space.guesses:
        text += (
            f" Its user had guesses for {listed(sorted(facts.resolved.space.guesses))}: up to a quarter of "
            "the draws of the first round were made about them"
            + (
                ", and proposals weigh them, the less the more trials there are."
                if spec.sampler == "gp"
                else "."
            )
        )
    end = None if spec.max_seconds else facts.records.latest(lambda evidence: evidence.explored)
    return text if end is None else f"{text} Exploring ended: {said(reasons.words(end))}."


def _colon(text: str | None) -> str:
    return "" if text is None else f": {text}"


def setting(facts: Facts) -> Answer:
    """The recommended setting, how often it was trained, and which values are the baseline's."""
    chosen, result = facts.result.recommended, facts.result
    shown = words.effective(chosen.params, result.effective_with)
    text = f"{setting_text(shown)}."
    if chosen.trainings:
        text += f" It was trained in full {counted(chosen.trainings, 'time')} in the search."
    if result.length is not None:
        text += f" {words.length(result.length)}"
    if result.indistinguishable:
        text += (
            f" {counted(result.indistinguishable, 'other finalist')} cannot be told apart from it by "
            "the validation scores."
        )
    if set(chosen.kept) == set(chosen.params):
        text += " It is the baseline, for no change of it is shown to help."
    elif chosen.kept:
        kept = listed(chosen.kept)
        text += f" Kept from the baseline, because the data do not object: {kept}."
    elif result.baseline is not None:
        text += " No value was kept from the baseline for want of evidence."
    return text


def setting_text(values: dict[str, Level]) -> str:
    """The values of a setting."""
    return ", ".join(f"{said(name)} {words.level(value)}" for name, value in sorted(values.items()))


def fixed(facts: Facts) -> Answer:
    """The hyperparameters that no trial changed."""
    spec = facts.resolved.spec
    if facts.external:
        return NotKnown(
            "the trials were trained elsewhere, and what was held fixed there is not stored"
        )
    model = spec.to_json().get("model", {})
    names = sorted(n for n in spec.workload.fixed(spec.model, spec.space) if n in model)
    values = ", ".join(f"{n} {said(json.dumps(model[n], sort_keys=True))}" for n in names)
    return f"Held fixed: {values}." if values else "No hyperparameter of the model was held fixed."


def parameters(facts: Facts) -> Answer:
    """The number of parameters of the recommended model."""
    chosen = facts.resolved.workload.parameters(facts.result.recommended.params)
    if chosen is None:
        return NotKnown("the models were trained elsewhere, and their size is not stored")
    further = (m for m in facts.records.models if m.role is Role.NETWORK)
    networks = 1 + sum(m.state is TrialState.COMPLETED for m in further)
    made = "" if networks == 1 else f": {networks} networks of {chosen} each"
    return f"{counted(networks * chosen, 'parameter')} in the recommended model{made}."


def budget(facts: Facts) -> Answer:
    """The limits of the search, and the costs that trainers have reported."""
    spec, records = facts.resolved.spec, facts.records
    epochs, costs = spec.epochs.budget, cost(facts.resolved, records.rounds)
    spent = sum(r.epochs_trained for r in records.begun)
    of = "" if epochs is None else f" of a budget of {epochs}"
    final = sum(r.epochs_trained for r in records.rounds) - spent
    text = f"{counted(spent, 'epoch')} over all trials{of}, and {final} in the final test."
    if spec.max_seconds is not None:
        text += f" No round was begun that would have ended after {spec.max_seconds:g} s."
    if costs is None:
        return text
    spent_cost = "none reported" if costs.spent is None else f"{costs.spent:.6g} reported"
    allowed = "" if costs.budget is None else f" of a budget of {costs.budget:g}"
    tested = "" if costs.final is None else f", and {costs.final:.6g} in the final test"
    return f"{text} Costs, in a unit of the trainers': {spent_cost}{allowed}{tested}."


def runtime(facts: Facts) -> Answer:
    """Seconds are left out."""
    return NotKnown(
        "seconds depend on machines and on how many there were, so a statement that can be computed "
        "again has none; times of start and end stand in the status of the search"
    )


def seeds(facts: Facts) -> Answer:
    """The seed that every draw follows from."""
    own = f"Seed {facts.resolved.spec.seed}"
    if facts.external:
        return (
            f"{own} decides which settings are drawn; each trial gets a seed from it, its round and its "
            "index. Not known is what the training did with it, for it ran elsewhere."
        )
    return (
        f"{own}. Splits, draws, initial weights and minibatches follow from it, the round and the "
        "trial's index alone, whatever worker trains it."
    )
