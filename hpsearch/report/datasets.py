"""Views of datasets, made of their stored descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpsearch.records import DatasetRecord
from hpsearch.report.views import DatasetView, HealthNote
from hpsearch.report.views.library import MOST_LEVELS, MOST_NAMES

_COLUMN = {
    "name": "", "kind": "number", "missing": 0, "source": None, "part": None, "unit": None,
}  # fmt: skip


def dataset_view(dataset: DatasetRecord, *, builtin: bool) -> DatasetView:
    """A dataset by its stored description, of which the view takes what it shows."""
    return info_view(dataset.info, dataset.name, builtin=builtin)


def info_view(stored: Mapping[str, Any], name: str, *, builtin: bool) -> DatasetView:
    """The view of a dataset's description."""
    info: dict[str, Any] = {"task": "classification", **stored}
    counts, names = info.get("class_counts"), info["feature_names"]
    info["feature_names"] = names[:MOST_NAMES]
    info["majority_share"] = max(counts) / sum(counts) if counts else None
    info["notes"] = dataset_notes(info)
    info["columns"] = _columns(info)
    info["task"] = info.get("task", "classification")
    info["positive"] = info.get("positive") or (
        info["classes"][1] if len(info["classes"]) == 2 else None
    )
    target = info.get("target")
    info["target"] = (
        dict(zip(("min", "max", "mean", "sd"), target, strict=True)) if target else None
    )
    info["groups"], info["time"], info["weight"] = _groups(info), _time(info), _weight(info)
    return DatasetView.model_validate({**info, "name": name, "builtin": builtin})


def _groups(info: Mapping[str, Any]) -> dict[str, Any] | None:
    """The groups that split the rows of a dataset."""
    if not info.get("groups"):
        return None
    train, test, alone = info["group_counts"]
    return {"column": info["groups"], "n_train": train, "n_test": test, "rows_without": alone}


def _time(info: Mapping[str, Any]) -> dict[str, Any] | None:
    """The time that splits the rows of a dataset."""
    if not info.get("time"):
        return None
    first, last, cut, end = info["times"]
    return {
        "column": info["time"],
        "train": (first, last),
        "test": (cut, end),
        "cut": cut,
        "stamps": info["stamps"],
    }


def _weight(info: Mapping[str, Any]) -> dict[str, Any] | None:
    """The weights of both parts; None where every row counts the same."""
    numbers = info.get("weights")
    if not numbers:
        return None
    names = ("rows", "sum", "effective_rows")
    train, test = (dict(zip(names, part, strict=True)) for part in (numbers[:3], numbers[3:]))
    return {"column": info["weight"], "train": train, "test": test}


def _columns(info: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The columns of a table; those of one that is all numbers go by its names."""
    plain = [{"name": name, "kind": "number"} for name in info["feature_names"]]
    columns = info.get("columns", ())[:MOST_NAMES] or plain
    if info["kind"] != "tabular" or not columns:
        return None
    return [
        {
            **{field: column.get(field, default) for field, default in _COLUMN.items()},
            "levels": column.get("levels", [])[:MOST_LEVELS] or None,
            "n_levels": len(column.get("levels", ())) or None,
        }
        for column in columns
    ]


def dataset_notes(info: Mapping[str, Any]) -> list[HealthNote]:
    """Findings in the stored description of a dataset, warnings first."""
    notes = [HealthNote.model_validate(note) for note in info.get("notes", ())]
    return sorted(notes, key=lambda note: note.severity != "warning")
