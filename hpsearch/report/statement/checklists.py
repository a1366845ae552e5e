"""The checklists that a statement answers, and their items that concern a hyperparameter search.

The items are told in our own words; the links have the checklists themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hpsearch.report.views import ChecklistItem, ChecklistView

CHECKLISTS = (
    ChecklistView(
        key="ARR",
        name="Responsible NLP Research checklist of ACL Rolling Review",
        year=2024,
        link="https://aclrollingreview.org/responsibleNLPresearch/",
    ),
    ChecklistView(
        key="ACL",
        name="Reproducibility checklist of ACL-IJCNLP",
        year=2021,
        link="https://2021.aclweb.org/calls/reproducibility-checklist",
    ),
    ChecklistView(
        key="Show Your Work",
        name="Dodge et al., Show Your Work: the expected validation performance",
        year=2019,
        link="https://arxiv.org/abs/1909.03004",
    ),
    ChecklistView(
        key="AAAI",
        name="Reproducibility checklist of AAAI-26",
        year=2025,
        link="https://aaai.org/conference/aaai/aaai-26/reproducibility-checklist/",
    ),
    ChecklistView(
        key="NeurIPS",
        name="NeurIPS paper checklist",
        year=2025,
        link="https://neurips.cc/public/guides/PaperChecklist",
    ),
)

# Checklist -> item -> what it asks for, and the subject of the statement that answers.
_ASKED: Mapping[str, Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "ARR": {
        "B6": ("sizes of the data and of their parts", ("data", "validation")),
        "C1": (
            "size of the models, computing budget and infrastructure",
            ("parameters", "budget", "runtime", "infrastructure"),
        ),
        "C2": (
            "set-up, how hyperparameters were searched, and the best values",
            ("trials", "bounds", "method", "setting"),
        ),
        "C3": (
            "spread of the results, and whether a mean or one run is shown",
            ("runs", "interval", "spread"),
        ),
        "C4": ("packages and their settings", ("preprocessing", "infrastructure")),
    },
    "ACL": {
        "infrastructure": ("machines that were used", ("infrastructure",)),
        "run time": ("time or energy of a run", ("runtime",)),
        "parameters": ("number of parameters of each model", ("parameters",)),
        "validation performance": ("validation score beside each test score", ("validated",)),
        "measure": ("definition of the measure", ("criterion",)),
        "runs": ("number of trainings and evaluations", ("trials", "runs")),
        "bounds": ("bounds of every hyperparameter", ("bounds",)),
        "best configuration": ("values of the best model", ("setting",)),
        "method": ("how values were chosen, and by what criterion", ("method", "criterion")),
        "summary statistics": ("mean and spread of results", ("interval", "spread")),
        "data": ("sizes, labels, splits, and what was left out", ("data", "validation", "preprocessing")),
        "code": ("code and its dependencies", ("code",)),
    },
    "Show Your Work": {
        "section 3": ("expected best validation score by the number of trials", ("expected",)),
    },
    "AAAI": {
        "4.2": (
            "number and range of the values tried, and the criterion of the choice",
            ("trials", "bounds", "criterion"),
        ),
        "4.3": ("code that prepares the data", ("preprocessing",)),
        "4.4": ("code of the experiments", ("code",)),
        "4.7": ("how seeds are set", ("seeds",)),
        "4.8": ("hardware and software", ("infrastructure",)),
        "4.9": ("definition of the measures", ("criterion",)),
        "4.10": ("number of runs behind each result", ("runs",)),
        "4.11": ("variation beside single numbers", ("interval", "spread")),
        "4.12": ("test of an improvement", ("gain",)),
        "4.13": ("all hyperparameters of the final models", ("setting", "fixed")),
    },
    "NeurIPS": {
        "4": ("what another one needs to get the same result", ("reproduction", "seeds")),
        "5": ("access to data and code", ("data", "code")),
        "6": (
            "splits, hyperparameters and how they were chosen",
            ("validation", "bounds", "method", "fixed", "edits"),
        ),
        "7": ("error bars, and what they cover", ("interval", "spread", "gain")),
        "8": ("computing resources", ("infrastructure", "budget", "runtime")),
    },
}  # fmt: skip


def items_by_subject() -> Mapping[str, list[ChecklistItem]]:
    """The items that each subject answers, in the order of the checklists."""
    by_subject: dict[str, list[ChecklistItem]] = {}
    for checklist, items in _ASKED.items():
        for item, (about, subjects) in items.items():
            one = ChecklistItem(checklist=checklist, item=item, about=about)
            for subject in subjects:
                by_subject.setdefault(subject, []).append(one)
    return MappingProxyType(by_subject)


def all_items() -> list[tuple[str, str]]:
    """Every item, as (checklist, item)."""
    return [(checklist, item) for checklist, items in _ASKED.items() for item in items]
