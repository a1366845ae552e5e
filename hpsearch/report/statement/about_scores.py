"""Answers about scores: the criterion, validation, the final test, and the gain over a baseline."""

from __future__ import annotations

from hpsearch.digits import by_interval
from hpsearch.metrics import METRICS
from hpsearch.plural import counted
from hpsearch.report import need_words, words
from hpsearch.report.statement.about_search import setting_text
from hpsearch.report.statement.facts import Answer, Facts, NotKnown, interval, listed, said, with_sd
from hpsearch.report.views import GainMetricView
from hpsearch.trials import Role, TrialState

KNOWN = {Role.RECOMMENDED: "of the recommended setting", Role.DRAWN: "drawn from the recommended range",
         Role.OPTIMISM: "trained on the training part alone, to measure optimism",
         Role.REPEATED: "more of the recommended setting, to be held against the baseline",
         Role.BASELINE: "of the baseline",
         Role.NETWORK: "whose answers are averaged with those of the recommended one"}  # fmt: skip


def criterion(facts: Facts) -> Answer:
    """The measure that ranked trials, and what recommended one of them."""
    better = "lower" if facts.lower_is_better else "higher"
    if facts.external:
        return (
            f"Trials are ranked by the score that their trainer reported; {better} is better. Not known "
            f"is how it was computed, for the trainer did.{_needs(facts)}"
        )
    by = "" if facts.resolved.weight is None else ", rows counted by their weights"
    return (
        f"Trials are ranked by the {facts.measure} on validation{by}; {better} is better. Recommended is "
        f"the setting of the best expected score at full length.{_needs(facts)}"
    )


def _needs(facts: Facts) -> str:
    """What was required beside the score, and whether the cheapest of equals was asked for."""
    result = facts.result
    text = "".join(
        f" Required: {said(need_words.asked(one))}; {said(need_words.text(one))}."
        for one in result.requirements
    )
    if result.cheapest is not None:
        text += (
            " Of the finalists that a test at the 5 % level cannot tell from the best, the one of the least "
            f"{said(need_words.title(result.cheapest.quantity))} is taken: {said(need_words.cost(result))}."
        )
    return text


def validated(facts: Facts) -> Answer:
    """The validation score of the recommended setting, and the optimism of the choice."""
    result = facts.result
    chosen, value = result.recommended, facts.value(result.recommended.score)
    if chosen.validation_accuracy is None and value is None:
        return NotKnown("an earlier version ran the search and stored no validation score")
    if value is not None:
        text = f"Expected {facts.measure} on validation at full length: {with_sd(value, chosen.sd or None)}."
    else:
        text = "Validation score of the recommended setting:"
    if chosen.validation_accuracy is not None:
        text += f" Mean validation accuracy of its full trainings: {words.share(chosen.validation_accuracy)}."
    if result.optimism is not None:
        way = "higher" if result.optimism > 0 else "lower"
        text += (
            " The accuracy of a model trained on the training part alone was "
            f"{words.share(abs(result.optimism))} {way} on validation than on the test part."
        )
    return text


def runs(facts: Facts) -> Answer:
    """The trainings of the final test, by what they were for."""
    models, final = facts.records.models, facts.resolved.spec.final
    parts = []
    for role, what in KNOWN.items():
        count = sum(m.role is role for m in models)
        if count:
            parts.append(f"{count} {what}")
    epochs = facts.records.rounds[-1].epochs
    text = f"{counted(len(models), 'model')} in the final test: {', '.join(parts)}."
    text += f" Each was trained for {counted(epochs, 'epoch')}"
    if facts.external:
        return (
            f"{text}. Not known is on what, and whether nothing of the test part was seen before: the "
            "service kept no test part, and the trainer's word stands for it."
        )
    part = (
        "training and validation part" if final.train_on == "train+validation" else "training part"
    )
    lost = sum(m.state is not TrialState.COMPLETED for m in models)
    text += f" on the {part}. The sealed test part was opened only after the choice was frozen, and chose nothing."
    return f"{text} {lost} without a score were not replaced." if lost else text


def interval_of_score(facts: Facts) -> Answer:
    """The test score of the recommended model with its interval, by every metric."""
    test = facts.result.test
    if facts.external:
        if test.score is None:
            return NotKnown("the final trial of the recommended setting has no score")
        return (
            f"Reported test score of the recommended setting: {words.share(test.score)}. Not known is an "
            "interval: the service has the score alone, and none of its examples."
        )
    metrics = test.metrics or {}
    if not metrics:
        return NotKnown(
            "the recommended model diverged in the final test, or an earlier version ran it"
        )
    order = sorted(metrics, key=lambda name: name != facts.result.objective)
    lines = [f"{_title(name)} {_score(facts, name)}" for name in order]
    return f"Test scores of one model, the recommended one: {'; '.join(lines)}."


def _score(facts: Facts, name: str) -> str:
    """A metric's value with its interval or the reason why there is none, and its yardstick."""
    item = (facts.result.test.metrics or {})[name]
    if item.value is None:
        return f"not known: {said(item.note or 'it has no value')}"
    low, high = item.ci95 or (item.value, item.value)
    text = interval(item.value, low, high) if item.ci95 else words.share(item.value)
    notes = [] if item.note is None else [said(item.note)]
    if item.baseline is not None:
        notes.append(f"the same answer for all {by_interval(item.baseline, high - low)}")
    return f"{text} [{'; '.join(notes)}]" if notes else text


def spread(facts: Facts) -> Answer:
    """Mean and standard deviation over the models drawn from the recommended range."""
    test = facts.result.test
    drawn = sum(m.role == Role.DRAWN for m in test.models)
    pairs = (
        (facts.measure, test.objective_mean, test.objective_sd),
        ("accuracy", test.mean, test.sd),
        ("score", test.score_mean, test.score_sd),
    )
    for title, mean, sd in pairs:
        if mean is not None:
            models = counted(drawn, "model")
            return (
                f"Mean {title} over {models} drawn from the recommended range: {with_sd(mean, sd)}."
            )
    if not drawn:
        return NotKnown(
            "final.models was 1, so no other model was drawn from the recommended range"
        )
    return NotKnown(
        f"none of {counted(drawn, 'model')} drawn from the recommended range has a score"
    )


def gain(facts: Facts) -> Answer:
    """The gain over the baseline, with its interval and probability."""
    base, made = facts.result.baseline, facts.result.gain
    if base is None:
        return NotKnown(
            "the spec named no baseline; `baseline` in a spec has the gain over it measured"
        )
    own = f"Baseline: {setting_text(base.params)}"
    if base.outside:
        own += f" (outside the ranges: {listed(base.outside)})"
    if made is None:
        return NotKnown(f"{own}; the final test has no gain over it")
    if made.same_setting:
        return f"{own}. The recommendation is that setting, so the gain is 0."
    how = "paired by test example" if made.paired else "not paired, of scores as reported"
    text = f"{own}. Gain in {facts.measure}: {gain_text(made)}, over {counted(made.models, 'training')} "
    text += f"of each, {how}; above 0 the recommendation is better."
    if made.recommended is not None and made.baseline is not None:
        width = 0.0 if made.low is None or made.high is None else made.high - made.low
        ours, theirs = (by_interval(one, width) for one in (made.recommended, made.baseline))
        text += f" Means: {ours} of the recommendation, {theirs} of the baseline."
    others = [
        f"{_title(name)} {gain_text(one)}"
        for name, one in made.metrics.items()
        if name != facts.result.objective
    ]
    return f"{text} By other metrics: {'; '.join(others)}." if others else text


def gain_text(made: GainMetricView) -> str:
    """A gain with its interval and the probability that it is one."""
    if made.value is None:
        return f"not known: {said(made.note or 'it was not measured')}"
    if made.low is None or made.high is None:
        return f"{words.signed(made.value)}{'' if made.note is None else f' [{said(made.note)}]'}"
    text = interval(made.value, made.low, made.high)
    if made.probability is not None:
        text += f", better with a probability of {_probability(made.probability)}"
    return text if made.note is None else f"{text} [{said(made.note)}]"


def _probability(value: float) -> str:
    """A probability in per cent, which is never shown as certain."""
    if value > 0.9995:
        return "more than 99.9 %"
    return "less than 0.1 %" if value < 0.0005 else f"{100 * value:.1f} %"


def _title(name: str) -> str:
    metric = METRICS.get(name)
    return name.replace("_", " ") if metric is None else metric.title
