"""What the user asks for: the spec, the table of hyperparameters, the shape key."""

from hpsearch.spec import schedule
from hpsearch.spec.checks import from_pydantic, parse
from hpsearch.spec.edits import edited, merged
from hpsearch.spec.hyperparameters import HYPERPARAMETERS
from hpsearch.spec.models import EXTERNAL, Objective, Observations, SearchSpec
from hpsearch.spec.resolved import NO_DATASET, DatasetFacts, ResolvedSpec, ShapeKey, typed

__all__ = [
    "EXTERNAL",
    "HYPERPARAMETERS",
    "NO_DATASET",
    "DatasetFacts",
    "Objective",
    "Observations",
    "ResolvedSpec",
    "SearchSpec",
    "ShapeKey",
    "edited",
    "from_pydantic",
    "merged",
    "parse",
    "schedule",
    "typed",
]
