"""The values that people and programs outside read: the HTTP contract as frozen models.

Times are RFC 3339 strings in UTC, accuracies are shares in [0, 1], ids are opaque strings.
Fields may be added to these models and are never renamed: the contract is additive.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpsearch.report.views.base import (
        Page as Page,
        RangeView as RangeView,
        View as View,
    )
    from hpsearch.report.views.coordinates import (
        AxisView as AxisView,
        CoordinatesView as CoordinatesView,
        TickView as TickView,
        TrialLineView as TrialLineView,
    )
    from hpsearch.report.views.evidence import (
        EvidenceView as EvidenceView,
        FinalistView as FinalistView,
        FrontierView as FrontierView,
        ImportanceView as ImportanceView,
        SurfaceView as SurfaceView,
        SurrogateCheckView as SurrogateCheckView,
        by_importance as by_importance,
    )
    from hpsearch.report.views.external import (
        HeartbeatView as HeartbeatView,
        LeaseView as LeaseView,
        OrderView as OrderView,
        VerdictView as VerdictView,
    )
    from hpsearch.report.views.gain import (
        BaselineView as BaselineView,
        GainMetricView as GainMetricView,
        GainView as GainView,
    )
    from hpsearch.report.views.health import (
        HealthNote as HealthNote,
        HealthView as HealthView,
    )
    from hpsearch.report.views.length import (
        LengthView as LengthView,
    )
    from hpsearch.report.views.library import (
        AuditView as AuditView,
        ColumnView as ColumnView,
        DatasetView as DatasetView,
        KeyView as KeyView,
        LeftOutView as LeftOutView,
        TestRowsView as TestRowsView,
        WhoamiView as WhoamiView,
    )
    from hpsearch.report.views.needs import (
        CheapestView as CheapestView,
        CostPointView as CostPointView,
        RequirementView as RequirementView,
    )
    from hpsearch.report.views.plan import (
        PlanView as PlanView,
        PlannedRoundView as PlannedRoundView,
        SubmittedView as SubmittedView,
    )
    from hpsearch.report.views.progress import (
        BestView as BestView,
        CostView as CostView,
        EditView as EditView,
        EpochCounts as EpochCounts,
        RoundCounts as RoundCounts,
        StatusView as StatusView,
        TrialCounts as TrialCounts,
        WaitingView as WaitingView,
        WebhookView as WebhookView,
    )
    from hpsearch.report.views.results import (
        MetricScoreView as MetricScoreView,
        RecommendedView as RecommendedView,
        ResultRangeView as ResultRangeView,
        ResultView as ResultView,
        TestModelView as TestModelView,
        TestView as TestView,
    )
    from hpsearch.report.views.rounds import (
        CurvePoint as CurvePoint,
        DecisionView as DecisionView,
        NextRoundView as NextRoundView,
        RoundView as RoundView,
        TrialView as TrialView,
    )
    from hpsearch.report.views.statement import (
        ChecklistItem as ChecklistItem,
        ChecklistView as ChecklistView,
        StatementAnswer as StatementAnswer,
        StatementFormat as StatementFormat,
        StatementRange as StatementRange,
        StatementView as StatementView,
    )
    from hpsearch.report.views.tuning import (
        TuningCurveView as TuningCurveView,
        TuningPointView as TuningPointView,
    )

# Which module has them: a command that lists searches does not wait for the views of a result.
_MODULES: Mapping[str, tuple[str, ...]] = {
    "base": ("Page", "RangeView", "View"),
    "coordinates": ("AxisView", "CoordinatesView", "TickView", "TrialLineView"),
    "evidence": (
        "EvidenceView",
        "FinalistView",
        "FrontierView",
        "ImportanceView",
        "SurfaceView",
        "SurrogateCheckView",
        "by_importance",
    ),
    "external": ("HeartbeatView", "LeaseView", "OrderView", "VerdictView"),
    "gain": ("BaselineView", "GainMetricView", "GainView"),
    "health": ("HealthNote", "HealthView"),
    "length": ("LengthView",),
    "library": (
        "AuditView",
        "ColumnView",
        "DatasetView",
        "KeyView",
        "LeftOutView",
        "TestRowsView",
        "WhoamiView",
    ),
    "needs": ("CheapestView", "CostPointView", "RequirementView"),
    "plan": ("PlanView", "PlannedRoundView", "SubmittedView"),
    "progress": (
        "BestView",
        "CostView",
        "EditView",
        "EpochCounts",
        "RoundCounts",
        "StatusView",
        "TrialCounts",
        "WaitingView",
        "WebhookView",
    ),
    "results": (
        "MetricScoreView",
        "RecommendedView",
        "ResultRangeView",
        "ResultView",
        "TestModelView",
        "TestView",
    ),
    "rounds": ("CurvePoint", "DecisionView", "NextRoundView", "RoundView", "TrialView"),
    "statement": (
        "ChecklistItem",
        "ChecklistView",
        "StatementAnswer",
        "StatementFormat",
        "StatementRange",
        "StatementView",
    ),
    "tuning": ("TuningCurveView", "TuningPointView"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}
__all__ = list(_MODULE_OF)

if not TYPE_CHECKING:  # which would take any name for a view

    def __getattr__(name: str) -> Any:
        """A view, whose module is loaded when the first of its views is asked for."""
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        """All names, of views that are not loaded yet as well."""
        return sorted({*globals(), *_MODULE_OF})
