"""The tables. The database keeps the invariants: unique keys, checks, one final per search.

Times are seconds since the epoch by the database's own clock (`clock.now`), so that two
machines never compare their clocks. `job.attempt` is the fencing token.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import sqlite

from hpsearch.records import ActorKind
from hpsearch.store.columns import EDITS, EVIDENCE, PARAMS, RECOMMENDED, TAGS, WARM_START, Word
from hpsearch.trials import JobState, Role, RoundKind, SearchState, TrialState, Verdict

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts row ids by itself for INTEGER alone.
RowId = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")


def _one_of(
    column: str, values: type[SearchState | JobState | TrialState | RoundKind | Verdict | Role]
) -> CheckConstraint:
    names = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({names})", name=column)


api_key = Table(
    "api_key",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("owner", String(100), nullable=False),
    Column("secret_sha256", String(64), nullable=False),
    Column("scopes", String(100), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("last_used_at", Double),
)

# The limits of one owner; NULL: the settings' own.
quota = Table(
    "quota",
    metadata,
    Column("owner", String(100), primary_key=True),
    Column("searches", Integer),
    Column("datasets", Integer),
    Column("dataset_bytes", BigInteger),
)

dataset_content = Table(
    "dataset_content",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("info", JSON, nullable=False),
    Column("openings", Integer, nullable=False, server_default="0"),
    Column("bytes", BigInteger, nullable=False, server_default="0"),
)

dataset = Table(
    "dataset",
    metadata,
    Column("owner", String(100), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("digest", ForeignKey("dataset_content.digest"), nullable=False),
    Column("created_at", Double, nullable=False),
    Index("ix_dataset_digest", "digest"),
)

search = Table(
    "search",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("owner", String(100), nullable=False),
    Column("name", String(200), nullable=False),
    Column("state", Word(SearchState, 12), nullable=False),
    Column("reason", Text),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("round", Integer, nullable=False, server_default="0"),
    Column("spec", JSON, nullable=False),
    Column("dataset", String(64)),
    # An external search, which is trained by its caller, is one that has no dataset.
    Column("dataset_digest", ForeignKey("dataset_content.digest")),
    Column("facts", JSON, nullable=False),
    Column("idempotency_key", String(200)),
    Column("body_sha256", String(64), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("served_at", Double),
    Column("best_round", Integer),
    Column("best_index", Integer),
    Column("best_params", PARAMS),
    Column("best_accuracy", Double),
    Column("best_score", Double),
    Column("best_loss", Double),
    Column("recommended", RECOMMENDED),
    Column("edits", EDITS),
    Column("warm_start", WARM_START),
    Column("digest", String(64)),
    Column("digest_reason", Text),
    # Beside the spec, which is exported and shared: such an address is often a secret itself.
    Column("webhook", Text),
    # The first number is that of every search from before there was one.
    Column("rules", Integer, nullable=False, server_default="1"),
    # Labels of its user, which are no part of what is searched.
    Column("tags", TAGS),
    Column("note", Text),
    # Owners who may read it besides its own.
    Column("sharing", TAGS),
    CheckConstraint("revision > 0 AND round >= 0", name="counts"),
    _one_of("state", SearchState),
    Index("ix_search_owner_created", "owner", "created_at", "id"),
    Index("ix_search_state", "state"),
    Index("ix_search_dataset_digest", "dataset_digest"),
    Index(
        "uq_search_owner_idempotency_key",
        "owner",
        "idempotency_key",
        unique=True,
        sqlite_where=text("idempotency_key IS NOT NULL"),
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
)

# The ledger: whoever inserts (search, number) has advanced the search; the loser is a no-op.
round_ = Table(
    "round",
    metadata,
    Column("search_id", ForeignKey("search.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", Word(RoundKind, 8), nullable=False),
    Column("epochs", Integer, nullable=False),
    Column("rungs", JSON),
    Column("epochs_planned", Integer),
    Column("box", JSON, nullable=False),
    Column("evidence", EVIDENCE),
    Column("created_at", Double, nullable=False),
    Column("finished_at", Double),
    Column("planned", Integer, nullable=False),
    Column("completed", Integer, nullable=False, server_default="0"),
    Column("stopped", Integer, nullable=False, server_default="0"),
    Column("diverged", Integer, nullable=False, server_default="0"),
    Column("failed", Integer, nullable=False, server_default="0"),
    Column("cancelled", Integer, nullable=False, server_default="0"),
    Column("open_jobs", Integer, nullable=False),
    Column("epochs_trained", Integer, nullable=False, server_default="0"),
    Column("best_index", Integer),
    Column("best_params", PARAMS),
    Column("best_accuracy", Double),
    Column("best_score", Double),
    Column("best_loss", Double),
    Column("cost", Double),
    CheckConstraint(
        "completed + stopped + diverged + failed + cancelled <= planned AND open_jobs >= 0",
        name="counts",
    ),
    _one_of("kind", RoundKind),
)

decision = Table(
    "decision",
    metadata,
    Column("search_id", ForeignKey("search.id", ondelete="CASCADE"), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Column("verdict", Word(Verdict, 12), nullable=False),
    Column("reason", Text, nullable=False),
    Column("numbers", JSON, nullable=False),
    Column("facts", JSON(none_as_null=True)),
    _one_of("verdict", Verdict),
)

job = Table(
    "job",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("search_id", ForeignKey("search.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Word(RoundKind, 8), nullable=False),
    Column("round", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Word(JobState, 9), nullable=False),
    Column("attempt", Integer, nullable=False, server_default="1"),
    Column("losses", Integer, nullable=False, server_default="0"),
    Column("trials", Integer, nullable=False),
    Column("epochs", Integer, nullable=False),
    Column("deadline_seconds", Double, nullable=False),
    Column("worker_run", String(36)),
    Column("heartbeats", BigInteger, nullable=False, server_default="0"),
    Column("created_at", Double, nullable=False),
    Column("published_at", Double),
    Column("not_before", Double),
    Column("claimed_at", Double),
    Column("lease_seconds", Double),  # where it is not the setting's
    Column("lease_until", Double),
    Column("deadline_at", Double),
    Column("finished_at", Double),
    Column("done_attempt", Integer),
    Column("openings", Integer, nullable=False, server_default="0"),
    Column("opened_at", Double),
    Column("opened_attempt", Integer),
    Column("fingerprint", JSON),
    Column("seconds", Double),
    Column("peak_rss_bytes", BigInteger),
    Column("ensemble_correct", Integer),
    Column("error", Text),
    CheckConstraint("attempt > 0 AND losses >= 0 AND trials > 0", name="counts"),
    CheckConstraint("(state = 'done') = (done_attempt IS NOT NULL)", name="done_by_an_attempt"),
    CheckConstraint(
        "state <> 'running' OR (lease_until IS NOT NULL AND worker_run IS NOT NULL)",
        name="running_has_a_lease",
    ),
    _one_of("kind", RoundKind),
    _one_of("state", JobState),
    UniqueConstraint("search_id", "kind", "round", "number"),
    Index(
        "uq_job_one_final",
        "search_id",
        "number",
        unique=True,
        sqlite_where=text("kind = 'final'"),
        postgresql_where=text("kind = 'final'"),
    ),
    Index(
        "ix_job_queued",
        "search_id",
        "round",
        "number",
        sqlite_where=text("state = 'queued'"),
        postgresql_where=text("state = 'queued'"),
    ),
    Index(
        "ix_job_running",
        "lease_until",
        sqlite_where=text("state = 'running'"),
        postgresql_where=text("state = 'running'"),
    ),
)

trial = Table(
    "trial",
    metadata,
    Column("search_id", ForeignKey("search.id", ondelete="CASCADE"), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("idx", Integer, primary_key=True),
    Column("job_id", ForeignKey("job.id", ondelete="CASCADE"), nullable=False),
    Column("cohort", Integer, nullable=False, server_default="0"),
    Column("role", Word(Role, 12)),
    Column("state", Word(TrialState, 9), nullable=False),
    # Of an external search: how its training ended, while its cohort may still change the state.
    Column("ended", Word(TrialState, 9)),
    Column("params", PARAMS, nullable=False),
    Column("epochs", Integer, nullable=False, server_default="0"),
    Column("correct", Integer, nullable=False, server_default="0"),
    Column("examples", Integer, nullable=False, server_default="0"),
    Column("rank_value", Double),  # `TrialReport.rank_value`
    Column("loss", Double),
    Column("score", Double),
    Column("curve", JSON),
    Column("right", LargeBinary),
    Column("error", Text),
    Column("test_correct", Integer),
    Column("test_examples", Integer),
    Column("metrics", JSON(none_as_null=True)),
    Column("cost", Double),  # of this attempt, as its trainer reported it last
    Column("cost_before", Double),  # of attempts that were lost or returned
    Column("note", Text),
    Column("link", Text),
    Column("replicates", JSON(none_as_null=True)),  # rank values, whose mean the score is
    CheckConstraint("correct <= examples AND epochs >= 0", name="counts"),
    _one_of("state", TrialState),
    Index("ix_trial_job_id", "job_id"),
    Index("ix_trial_rank_value", "search_id", "rank_value", "round", "idx"),
)

# A file of up to a hundred megabytes would be a lot for one value, and for one reader's memory.
model_piece = Table(
    "model_piece",
    metadata,
    Column("search_id", ForeignKey("search.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

# The outbox: a row is written by the transaction that ends a search, and sent from outside of it.
delivery = Table(
    "delivery",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("search_id", ForeignKey("search.id", ondelete="CASCADE"), nullable=False),
    Column("state", Word(SearchState, 12), nullable=False),
    Column("ended_at", Double, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", Double),  # NULL: delivered, or given up
    Column("delivered_at", Double),
    Column("error", Text),
    CheckConstraint("attempts >= 0 AND (due_at IS NULL OR delivered_at IS NULL)", name="counts"),
    _one_of("state", SearchState),
    Index("ix_delivery_search_id", "search_id"),
    Index(
        "ix_delivery_due_at",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
)

event = Table(
    "event",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("search_id", String(40)),
    Column("job_id", BigInteger),
    Column("attempt", Integer),
    Column("kind", String(24), nullable=False),
    Column("detail", JSON),
    Index("ix_event_search_id", "search_id", "id"),
)

worker = Table(
    "worker",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("fingerprint", JSON, nullable=False),
)

loop = Table(
    "loop",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
)

# Rows are only added. Triggers refuse a change, and age alone removes one.
audit = Table(
    "audit",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    # Names the act, so that a piece of work that is run again adds no second row.
    Column("act", String(60), nullable=False),
    Column("at", Double, nullable=False),
    Column("actor", Word(ActorKind, 12), nullable=False),
    Column("key_id", String(32)),
    Column("owner", String(100)),
    Column("os_user", String(100)),
    Column("address", String(64)),
    Column("request_id", String(64)),
    Column("action", String(40), nullable=False),
    Column("target", String(200)),
    Column("detail", JSON, nullable=False),
    Column("times", Integer, nullable=False, server_default="1"),
    UniqueConstraint("act"),
    Index("ix_audit_at", "at"),
    Index("ix_audit_target", "target"),
    sqlite_autoincrement=True,  # a number is never given again
)

# The id is public: it tells one service from another, and nothing else.
installation = Table(
    "installation",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", String(32), nullable=False),
    CheckConstraint("number = 1", name="one"),
)
