"""Answers about data, machines and code, and about getting the same result again."""

from __future__ import annotations

from typing import Any

from hpsearch.plural import counted
from hpsearch.report import words
from hpsearch.report.digest import differing
from hpsearch.report.statement.facts import Answer, Facts, NotKnown, listed, said
from hpsearch.rules import RELEASES

ELSEWHERE = "the trials were trained elsewhere, and the service has seen no data"
UNSAID = ("upload", "not stated")  # source and licence of a dataset of which nobody has named them
NAMED = ("machine", "numpy", "scipy", "scikit-learn", "blas", "simd")  # fields of a fingerprint


def data(facts: Facts) -> Answer:
    """The dataset: its content, its parts, and what splits and weighs its rows."""
    info = facts.records.search.facts
    if not info:
        return NotKnown(ELSEWHERE)
    name = said(facts.records.search.dataset or "")
    kind = "images" if info["kind"] == "image" else "rows of a table"
    text = (
        f"Dataset {name} ({kind}, {counted(info['features'], 'feature')}): {info['n_train']} examples in the "
        f"training part, {info['n_test']} in the sealed test part, which "
        f"{'came with the data' if info['test_split'] == 'given' else 'was split off at its upload'}. "
        f"SHA-256 of its content: {info['digest']}."
    )
    for label, value in (("Source", info.get("source")), ("Licence", info.get("licence"))):
        known = value if value and value not in UNSAID else "not known, for its upload named none"
        text += f" {label}: {said(known)}."
    return " ".join([text, *_classes(facts), *facts_of_rows(info)])


def _classes(facts: Facts) -> list[str]:
    """Classes of the sealed part with their counts, or the targets of a regression."""
    test, info = facts.result.test, facts.records.search.facts
    if test.classes is not None and test.class_counts is not None:
        both = zip(test.classes, test.class_counts, strict=True)
        return [f"Test examples by class: {listed([f'{n} {c}' for n, c in both])}."]
    if info.get("target"):
        low, high, mean, sd = info["target"]
        numbers = f"{low:.4g} to {high:.4g}, mean {mean:.4g}, standard deviation {sd:.4g}"
        return [f"Targets of the training part: {numbers}."]
    return []


def facts_of_rows(info: Any) -> list[str]:
    """The columns by which rows are grouped, ordered and weighed."""
    lines = []
    if info.get("groups"):
        train, test, alone = info["group_counts"]
        line = f"Groups by {said(info['groups'])}: {train} in the training part, {test} in the test part"
        lines.append(f"{line}; {counted(alone, 'row')} had none." if alone else f"{line}.")
    if info.get("time"):
        _, _, cut, end = info["times"]
        lines.append(f"Time by {said(info['time'])}: the test part is {said(cut)} to {said(end)}.")
    if info.get("weights"):
        _, _, train, _, _, test = info["weights"]
        line = f"Weights by {said(info['weight'])}: the rows come to {train:.0f} of equal weight in the"
        lines.append(f"{line} training part and {test:.0f} in the test part.")
    return lines


def validation(facts: Facts) -> Answer:
    """The split that scored trials."""
    spec, info = facts.resolved.spec, facts.records.search.facts
    if facts.external:
        return NotKnown(
            "the trials were trained elsewhere, and how they were validated is not stored"
        )
    how, count = spec.validation, facts.resolved.workload.validation_examples
    share = f"{100 * spec.validation_fraction:.4g} %"
    if how.folds is not None:
        text = f"{how.folds}-fold cross-validation of the training part, so each trial is trained {how.folds} times"
    elif how.repeats > 1:
        text = f"{how.repeats} independent splits that hold out {share} of the training part, all in each trial"
    else:
        text = f"one split that holds out {share} of the training part, the same for all trials"
    text = f"{text[0].upper()}{text[1:]}; about {count} examples validate a trial."
    if info.get("groups"):
        text += " Whole groups lie on one side of every split."
    if info.get("time"):
        text += " Every validation part lies later than what was trained on."
    return text


def preprocessing(facts: Facts) -> Answer:
    """Columns that were encoded or left out."""
    info = facts.records.search.facts
    if not info:
        return NotKnown(ELSEWHERE)
    columns, left_out = info.get("columns", ()), info.get("left_out", ())
    if columns:
        kinds: dict[str, int] = {}
        for column in columns:
            kinds[column["kind"]] = kinds.get(column["kind"], 0) + 1
        shown = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        text = f"Columns by kind: {shown}. Categories, gaps and scales are encoded by what each split trains on."
    else:
        text = "Inputs are scaled by what each split trains on; nothing else is prepared."
    if left_out:
        text += f" Left out at the upload: {listed([c['name'] for c in left_out])}."
    return text


def infrastructure(facts: Facts) -> Answer:
    """The numeric fingerprints: processor and libraries."""
    prints = facts.fingerprints
    if not prints:
        return NotKnown("no process noted its libraries, as in searches of early versions")
    values = {name: sorted({p[name] for p in prints if name in p}) for name in NAMED}
    shown = "; ".join(
        f"{name} {said(' or '.join(v)).replace(';', ' and')}" for name, v in values.items() if v
    )
    who = (
        "Decided by processes with"
        if facts.external
        else "Trained and decided on CPUs by processes with"
    )
    text = f"{who} {shown}."
    if differs := differing(prints):
        text += f" They differ in {', '.join(sorted(differs))}."
    if facts.external:
        return f"{text} Not known is what trained the trials: that ran elsewhere."
    return (
        f"{text} Not known are memory and operating system: they decide no bit, and are not stored."
    )


def code(facts: Facts) -> Answer:
    """The program that searched, and who has the training."""
    rules = facts.result.rules
    release = RELEASES.get(rules)
    of = "" if release is None else f", which is that of releases {release}"
    text = f"hpsearch under rules number {rules}{of}; the number stands for every split, draw and decision."
    if facts.external:
        return (
            f"{text} Not known is the code of the training: it is with whoever trained the trials."
        )
    return f"{text} The networks are trained by hpsearch itself."


def reproduction(facts: Facts) -> Answer:
    """The digest by which two runs are compared, or the reason why there is none."""
    digest, reason = facts.result.digest, facts.result.digest_reason
    if digest is None:
        return NotKnown(f"the search has no digest: {said(reason or 'an early version ran it')}")
    return (
        f"The same spec on the same data gives the digest {digest}, which covers spec, data and every trial, "
        f"with any number of workers; {words.plain('hpsearch replay')} computes it again and compares."
    )
