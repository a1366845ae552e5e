"""first schema

Revision: 0001
After:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
loses = "every search, trial, result, dataset entry and API key"


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
    )
    op.create_table(
        "dataset_content",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("info", sa.JSON(), nullable=False),
        sa.Column("openings", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_dataset_content")),
    )
    op.create_table(
        "event",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("search_id", sa.String(length=40), nullable=True),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index("ix_event_search_id", ["search_id", "id"], unique=False)

    op.create_table(
        "worker",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.Column("fingerprint", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
    )
    op.create_table(
        "dataset",
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"], ["dataset_content.digest"], name=op.f("fk_dataset_digest")
        ),
        sa.PrimaryKeyConstraint("owner", "name", name=op.f("pk_dataset")),
    )
    with op.batch_alter_table("dataset", schema=None) as batch_op:
        batch_op.create_index("ix_dataset_digest", ["digest"], unique=False)

    op.create_table(
        "search",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("round", sa.Integer(), server_default="0", nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("dataset", sa.String(length=64), nullable=False),
        sa.Column("dataset_digest", sa.String(length=64), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=True),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("served_at", sa.Double(), nullable=True),
        sa.Column("best_round", sa.Integer(), nullable=True),
        sa.Column("best_index", sa.Integer(), nullable=True),
        sa.Column("best_params", sa.JSON(), nullable=True),
        sa.Column("best_accuracy", sa.Double(), nullable=True),
        sa.Column("best_loss", sa.Double(), nullable=True),
        sa.Column("recommended", sa.JSON(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("digest_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'paused', 'finalizing', 'completed', 'cancelled', 'failed')",
            name=op.f("ck_search_state"),
        ),
        sa.CheckConstraint("revision > 0 AND round >= 0", name=op.f("ck_search_counts")),
        sa.ForeignKeyConstraint(
            ["dataset_digest"], ["dataset_content.digest"], name=op.f("fk_search_dataset_digest")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search")),
    )
    with op.batch_alter_table("search", schema=None) as batch_op:
        batch_op.create_index("ix_search_dataset_digest", ["dataset_digest"], unique=False)
        batch_op.create_index(
            "ix_search_owner_created", ["owner", "created_at", "id"], unique=False
        )
        batch_op.create_index("ix_search_state", ["state"], unique=False)
        batch_op.create_index(
            "uq_search_owner_idempotency_key",
            ["owner", "idempotency_key"],
            unique=True,
            sqlite_where=sa.text("idempotency_key IS NOT NULL"),
            postgresql_where=sa.text("idempotency_key IS NOT NULL"),
        )

    op.create_table(
        "decision",
        sa.Column("search_id", sa.String(length=40), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("verdict", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('narrowed', 'kept', 'unidentified', 'open_low', 'open_high', 'open_both')",
            name=op.f("ck_decision_verdict"),
        ),
        sa.ForeignKeyConstraint(
            ["search_id"], ["search.id"], name=op.f("fk_decision_search_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("search_id", "round", "name", name=op.f("pk_decision")),
    )
    op.create_table(
        "job",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("search_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="1", nullable=False),
        sa.Column("losses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("trials", sa.Integer(), nullable=False),
        sa.Column("epochs", sa.Integer(), nullable=False),
        sa.Column("deadline_seconds", sa.Double(), nullable=False),
        sa.Column("worker_run", sa.String(length=36), nullable=True),
        sa.Column("heartbeats", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("published_at", sa.Double(), nullable=True),
        sa.Column("not_before", sa.Double(), nullable=True),
        sa.Column("claimed_at", sa.Double(), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("deadline_at", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("done_attempt", sa.Integer(), nullable=True),
        sa.Column("openings", sa.Integer(), server_default="0", nullable=False),
        sa.Column("opened_at", sa.Double(), nullable=True),
        sa.Column("opened_attempt", sa.Integer(), nullable=True),
        sa.Column("fingerprint", sa.JSON(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("peak_rss_bytes", sa.BigInteger(), nullable=True),
        sa.Column("ensemble_correct", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'done') = (done_attempt IS NOT NULL)", name=op.f("ck_job_done_by_an_attempt")
        ),
        sa.CheckConstraint("kind IN ('explore', 'repeat', 'final')", name=op.f("ck_job_kind")),
        sa.CheckConstraint(
            "state <> 'running' OR (lease_until IS NOT NULL AND worker_run IS NOT NULL)",
            name=op.f("ck_job_running_has_a_lease"),
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled')",
            name=op.f("ck_job_state"),
        ),
        sa.CheckConstraint(
            "attempt > 0 AND losses >= 0 AND trials > 0", name=op.f("ck_job_counts")
        ),
        sa.ForeignKeyConstraint(
            ["search_id"], ["search.id"], name=op.f("fk_job_search_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint(
            "search_id", "kind", "round", "number", name=op.f("uq_job_search_id_kind_round_number")
        ),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index(
            "ix_job_queued",
            ["search_id", "round", "number"],
            unique=False,
            sqlite_where=sa.text("state = 'queued'"),
            postgresql_where=sa.text("state = 'queued'"),
        )
        batch_op.create_index(
            "ix_job_running",
            ["lease_until"],
            unique=False,
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        )
        batch_op.create_index(
            "uq_job_one_final",
            ["search_id"],
            unique=True,
            sqlite_where=sa.text("kind = 'final'"),
            postgresql_where=sa.text("kind = 'final'"),
        )

    op.create_table(
        "round",
        sa.Column("search_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("epochs", sa.Integer(), nullable=False),
        sa.Column("box", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("planned", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("stopped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("diverged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("open_jobs", sa.Integer(), nullable=False),
        sa.Column("epochs_trained", sa.Integer(), server_default="0", nullable=False),
        sa.Column("best_index", sa.Integer(), nullable=True),
        sa.Column("best_params", sa.JSON(), nullable=True),
        sa.Column("best_accuracy", sa.Double(), nullable=True),
        sa.Column("best_loss", sa.Double(), nullable=True),
        sa.CheckConstraint("kind IN ('explore', 'repeat', 'final')", name=op.f("ck_round_kind")),
        sa.CheckConstraint(
            "completed + stopped + diverged + failed + cancelled <= planned AND open_jobs >= 0",
            name=op.f("ck_round_counts"),
        ),
        sa.ForeignKeyConstraint(
            ["search_id"], ["search.id"], name=op.f("fk_round_search_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("search_id", "number", name=op.f("pk_round")),
    )
    op.create_table(
        "trial",
        sa.Column("search_id", sa.String(length=40), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("idx", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=True),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("epochs", sa.Integer(), server_default="0", nullable=False),
        sa.Column("correct", sa.Integer(), server_default="0", nullable=False),
        sa.Column("examples", sa.Integer(), server_default="0", nullable=False),
        sa.Column("accuracy", sa.Double(), server_default="-1", nullable=False),
        sa.Column("loss", sa.Double(), nullable=True),
        sa.Column("curve", sa.JSON(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("test_correct", sa.Integer(), nullable=True),
        sa.Column("test_examples", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'completed', 'stopped', 'diverged', 'failed', 'cancelled')",
            name=op.f("ck_trial_state"),
        ),
        sa.CheckConstraint("correct <= examples AND epochs >= 0", name=op.f("ck_trial_counts")),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("fk_trial_job_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["search_id"], ["search.id"], name=op.f("fk_trial_search_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("search_id", "round", "idx", name=op.f("pk_trial")),
    )
    with op.batch_alter_table("trial", schema=None) as batch_op:
        batch_op.create_index(
            "ix_trial_accuracy", ["search_id", "accuracy", "round", "idx"], unique=False
        )
        batch_op.create_index("ix_trial_job_id", ["job_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("trial", schema=None) as batch_op:
        batch_op.drop_index("ix_trial_job_id")
        batch_op.drop_index("ix_trial_accuracy")

    op.drop_table("trial")
    op.drop_table("round")
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_job_one_final",
            sqlite_where=sa.text("kind = 'final'"),
            postgresql_where=sa.text("kind = 'final'"),
        )
        batch_op.drop_index(
            "ix_job_running",
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        )
        batch_op.drop_index(
            "ix_job_queued",
            sqlite_where=sa.text("state = 'queued'"),
            postgresql_where=sa.text("state = 'queued'"),
        )

    op.drop_table("job")
    op.drop_table("decision")
    with op.batch_alter_table("search", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_search_owner_idempotency_key",
            sqlite_where=sa.text("idempotency_key IS NOT NULL"),
            postgresql_where=sa.text("idempotency_key IS NOT NULL"),
        )
        batch_op.drop_index("ix_search_state")
        batch_op.drop_index("ix_search_owner_created")
        batch_op.drop_index("ix_search_dataset_digest")

    op.drop_table("search")
    with op.batch_alter_table("dataset", schema=None) as batch_op:
        batch_op.drop_index("ix_dataset_digest")

    op.drop_table("dataset")
    op.drop_table("worker")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index("ix_event_search_id")

    op.drop_table("event")
    op.drop_table("dataset_content")
    op.drop_table("api_key")
