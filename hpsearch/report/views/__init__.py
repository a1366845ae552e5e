"""The values that people and programs outside read: the HTTP contract as frozen models.

Times are RFC 3339 strings in UTC, accuracies are shares in [0, 1], ids are opaque strings.
Fields may be added to these models and are never renamed: the contract is additive.
"""

from hpsearch.report.views.base import Page, RangeView, View
from hpsearch.report.views.coordinates import (
    AxisView,
    CoordinatesView,
    TickView,
    TrialLineView,
)
from hpsearch.report.views.evidence import (
    EvidenceView,
    FinalistView,
    FrontierView,
    ImportanceView,
    SurfaceView,
    SurrogateCheckView,
    by_importance,
)
from hpsearch.report.views.external import HeartbeatView, LeaseView, OrderView, VerdictView
from hpsearch.report.views.gain import BaselineView, GainMetricView, GainView
from hpsearch.report.views.length import LengthView
from hpsearch.report.views.library import (
    AuditView,
    ColumnView,
    DatasetView,
    KeyView,
    LeftOutView,
    TestRowsView,
    WhoamiView,
)
from hpsearch.report.views.needs import CheapestView, CostPointView, RequirementView
from hpsearch.report.views.plan import PlannedRoundView, PlanView, SubmittedView
from hpsearch.report.views.progress import (
    BestView,
    CostView,
    CurvePoint,
    DecisionView,
    EditView,
    EpochCounts,
    NextRoundView,
    RoundCounts,
    RoundView,
    StatusView,
    TrialCounts,
    TrialView,
    WaitingView,
    WebhookView,
)
from hpsearch.report.views.results import (
    HealthNote,
    HealthView,
    MetricScoreView,
    RecommendedView,
    ResultRangeView,
    ResultView,
    TestModelView,
    TestView,
)
from hpsearch.report.views.statement import (
    ChecklistItem,
    ChecklistView,
    StatementAnswer,
    StatementFormat,
    StatementRange,
    StatementView,
)
from hpsearch.report.views.tuning import TuningCurveView, TuningPointView

__all__ = [
    "AuditView",
    "AxisView",
    "BaselineView",
    "BestView",
    "CheapestView",
    "ChecklistItem",
    "ChecklistView",
    "ColumnView",
    "CoordinatesView",
    "CostPointView",
    "CostView",
    "CurvePoint",
    "DatasetView",
    "DecisionView",
    "EditView",
    "EpochCounts",
    "EvidenceView",
    "FinalistView",
    "FrontierView",
    "GainMetricView",
    "GainView",
    "HealthNote",
    "HealthView",
    "HeartbeatView",
    "ImportanceView",
    "KeyView",
    "LeaseView",
    "LeftOutView",
    "LengthView",
    "MetricScoreView",
    "NextRoundView",
    "OrderView",
    "Page",
    "PlanView",
    "PlannedRoundView",
    "RangeView",
    "RecommendedView",
    "RequirementView",
    "ResultRangeView",
    "ResultView",
    "RoundCounts",
    "RoundView",
    "StatementAnswer",
    "StatementFormat",
    "StatementRange",
    "StatementView",
    "StatusView",
    "SubmittedView",
    "SurfaceView",
    "SurrogateCheckView",
    "TestModelView",
    "TestRowsView",
    "TestView",
    "TickView",
    "TrialCounts",
    "TrialLineView",
    "TrialView",
    "TuningCurveView",
    "TuningPointView",
    "VerdictView",
    "View",
    "WaitingView",
    "WebhookView",
    "WhoamiView",
    "by_importance",
]
