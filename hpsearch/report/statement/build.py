"""The statement, from facts: its paragraph, its table and its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from hpsearch.plural import counted
from hpsearch.report import need_words, words
from hpsearch.report.statement import about_data, about_scores, about_search, about_tuning
from hpsearch.report.statement.checklists import CHECKLISTS, items_by_subject
from hpsearch.report.statement.facts import Answer, Facts, NotKnown, interval, listed, said, with_sd
from hpsearch.report.views import StatementAnswer, StatementRange, StatementView

# Key -> the subject for people, and its answer; in the order in which they are shown.
SUBJECTS: Mapping[str, tuple[str, Callable[[Facts], Answer]]] = MappingProxyType(
    {
        "trials": ("Number of trials", about_search.trials),
        "bounds": ("Bounds of every hyperparameter", about_search.bounds),
        "edits": ("Changes while the search ran", about_search.edits),
        "method": ("How values were chosen", about_search.method),
        "criterion": ("Criterion", about_scores.criterion),
        "setting": ("Recommended setting", about_search.setting),
        "fixed": ("Hyperparameters that were not searched", about_search.fixed),
        "parameters": ("Size of the model", about_search.parameters),
        "data": ("Data", about_data.data),
        "preprocessing": ("Preparation of the data", about_data.preprocessing),
        "validation": ("Validation", about_data.validation),
        "validated": ("Validation score beside the test score", about_scores.validated),
        "expected": ("Expected validation performance", about_tuning.expected),
        "runs": ("Evaluation runs", about_scores.runs),
        "interval": ("Test score and its interval", about_scores.interval_of_score),
        "spread": ("Spread of the test score", about_scores.spread),
        "gain": ("Gain over the baseline", about_scores.gain),
        "budget": ("Budget", about_search.budget),
        "runtime": ("Run time and energy", about_search.runtime),
        "infrastructure": ("Computing infrastructure", about_data.infrastructure),
        "seeds": ("Seeds", about_search.seeds),
        "code": ("Code", about_data.code),
        "reproduction": ("Getting the same result", about_data.reproduction),
    }
)


def statement(facts: Facts) -> StatementView:
    """The statement of a completed search."""
    items = items_by_subject()
    answers = []
    for key, (subject, answer_of) in SUBJECTS.items():
        made = answer_of(facts)
        answers.append(
            StatementAnswer(
                key=key,
                subject=subject,
                items=items.get(key, []),
                answer=None if isinstance(made, NotKnown) else made,
                not_known=made.reason if isinstance(made, NotKnown) else None,
            )
        )
    return StatementView(
        paragraph=_paragraph(facts),
        ranges=_ranges(facts),
        answers=answers,
        checklists=list(CHECKLISTS),
        tuning_curve=facts.tuning,
    )


def _ranges(facts: Facts) -> list[StatementRange]:
    return [
        StatementRange(
            name=name,
            asked=view.asked,
            recommended=view.as_range(),
            value=facts.result.recommended.params.get(name),
            verdict=view.verdict,
            basis=view.basis,
            scale="choices" if view.choices is not None else view.scale or "linear",
            outside_asked=view.outside_asked,
        )
        for name, view in facts.result.ranges.items()
    ]


def _paragraph(facts: Facts) -> str:
    """The search in a paragraph, for the text of a paper."""
    result, begun = facts.result, facts.records.begun
    spec, names = facts.resolved.spec, [*result.ranges]
    on = f" on {said(facts.records.search.dataset or '')}" if not facts.external else ""
    planned = sum(r.planned for r in begun)
    better = "lower" if facts.lower_is_better else "higher"
    chosen = words.effective(result.recommended.params, result.effective_with)
    where = (
        "score that its trainer reported" if facts.external else f"{facts.measure} on validation"
    )
    asked = (
        f"We searched {counted(len(names), 'hyperparameter')} ({listed(names)}){on} with hpsearch: "
        f"{counted(planned, 'trial')} in {counted(len(begun), 'round')}, proposed by {spec.sampler}, the ranges "
        f"narrowed by {spec.narrowing}, each trial ranked by the {where} ({better} is better)."
    )
    sentences = [
        asked,
        f"The recommended setting is {about_search.setting_text(chosen)}.",
        _test_sentence(facts),
        *_range_sentence(facts),
        *_gain_sentence(facts),
        *_need_sentence(facts),
    ]
    return " ".join(sentences)


def _test_sentence(facts: Facts) -> str:
    """The test score of the recommended model."""
    test, own = facts.result.test, facts.objective_score
    if facts.external:
        if test.score is None:
            return "Its final trial has no score."
        return f"Its test score, as its trainer reported it, is {words.share(test.score)}."
    if own is None or own.value is None:
        return f"Its {facts.measure} on the sealed test part is not known."
    value = interval(own.value, *own.ci95) if own.ci95 is not None else words.share(own.value)
    size = words.examples(test.examples, test.effective_examples)
    return f"On the sealed test part of {size}, opened only after this was frozen, its {facts.measure} is {value}."


def _range_sentence(facts: Facts) -> list[str]:
    """Mean and spread over the models of the range."""
    test = facts.result.test
    mean, sd = test.objective_mean, test.objective_sd
    if facts.external:
        mean, sd = test.score_mean, test.score_sd
    if mean is None:
        return []
    return [
        f"Models drawn from the recommended ranges have a mean {facts.measure} of {with_sd(mean, sd)}."
    ]


def _gain_sentence(facts: Facts) -> list[str]:
    """The gain over the baseline, where the spec named one."""
    made = facts.result.gain
    if made is None:
        return []
    if made.same_setting:
        return ["It is the setting that we had before the search."]
    return [f"Its gain over our baseline is {about_scores.gain_text(made)}."]


def _need_sentence(facts: Facts) -> list[str]:
    """What the recommendation had to keep, where the spec asked for something."""
    asked = facts.result.requirements
    if not asked:
        return []
    wanted = listed([need_words.asked(one) for one in asked])
    broken = [need_words.asked(one) for one in asked if one.met is not True]
    if not broken:
        return [f"It was chosen to keep {wanted}."]
    less = f"this one does not keep {listed(broken)}"
    return [f"It was to keep {wanted}; no setting is known to keep all of it, and {less}."]
