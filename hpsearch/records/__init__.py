"""Records: the rows of the database as typed, frozen values.

The store builds them, once; report, service and coordinator read them. A record is a named tuple,
because pages and snapshots hold thousands of them; what a JSON column holds is a frozen dataclass
with `from_json` and `to_json`. The fields of a record have the names of their columns.
"""

from hpsearch.records.audit import Act, Actor, ActorKind, AuditRecord
from hpsearch.records.jobs import (
    ClaimedJob,
    EventRecord,
    FinalRecord,
    JobRecord,
    LoopRecord,
    Place,
    RunningJob,
    Task,
    WorkerRecord,
)
from hpsearch.records.library import (
    ContentRecord,
    DatasetRecord,
    KeyRecord,
    NewKey,
    QuotaRecord,
)
from hpsearch.records.observed import (
    loss_drop,
    observation_from_json,
    observation_to_json,
    observations,
    sparse_curve,
)
from hpsearch.records.outbox import DeliveryRecord, DueDelivery
from hpsearch.records.rounds import DecisionRecord, RoundRecord
from hpsearch.records.search import (
    EVERYBODY,
    Access,
    Edit,
    NewSearch,
    Reader,
    Recommended,
    SearchRecord,
)
from hpsearch.records.trials import Curve, Reported, TrialRecord

__all__ = [
    "EVERYBODY",
    "Access",
    "Act",
    "Actor",
    "ActorKind",
    "AuditRecord",
    "ClaimedJob",
    "ContentRecord",
    "Curve",
    "DatasetRecord",
    "DecisionRecord",
    "DeliveryRecord",
    "DueDelivery",
    "Edit",
    "EventRecord",
    "FinalRecord",
    "JobRecord",
    "KeyRecord",
    "LoopRecord",
    "NewKey",
    "NewSearch",
    "Place",
    "QuotaRecord",
    "Reader",
    "Recommended",
    "Reported",
    "RoundRecord",
    "RunningJob",
    "SearchRecord",
    "Task",
    "TrialRecord",
    "WorkerRecord",
    "loss_drop",
    "observation_from_json",
    "observation_to_json",
    "observations",
    "sparse_curve",
]
