"""The spec of a search: the user's JSON, checked, with everything that follows from it."""

from hpsearch.spec import given, implied, needs, outlook, plan, raised, schedule
from hpsearch.spec.checks import from_pydantic, parse
from hpsearch.spec.edits import edited, merged
from hpsearch.spec.models import Objective, Observations, SearchSpec
from hpsearch.spec.resolved import ResolvedSpec

__all__ = [
    "Objective",
    "Observations",
    "ResolvedSpec",
    "SearchSpec",
    "edited",
    "from_pydantic",
    "given",
    "implied",
    "merged",
    "needs",
    "outlook",
    "parse",
    "plan",
    "raised",
    "schedule",
]
