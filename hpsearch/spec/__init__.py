"""What the user asks for: the spec, the table of hyperparameters, the shape key."""

from hpsearch.spec.checks import from_pydantic, parse
from hpsearch.spec.hyperparameters import HYPERPARAMETERS
from hpsearch.spec.models import SearchSpec
from hpsearch.spec.resolved import DatasetFacts, ResolvedSpec, ShapeKey, typed

__all__ = [
    "HYPERPARAMETERS",
    "DatasetFacts",
    "ResolvedSpec",
    "SearchSpec",
    "ShapeKey",
    "from_pydantic",
    "parse",
    "typed",
]
