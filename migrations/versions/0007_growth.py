"""growth: rank values that may be NULL, the facts of decisions, the rules of a search

Revision: 0007
After: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
loses = "the facts behind decisions, and the rules that a search was made under"

# `trial.accuracy` of a trial without one, where the service trains and where its caller does.
UNKNOWN_SHARE, UNKNOWN_SCORE = -1.0, -1e300

search = sa.table("search", sa.column("id"), sa.column("dataset_digest"))
trial = sa.table("trial", sa.column("search_id"), sa.column("rank_value"))
external = sa.select(search.c.id).where(search.c.dataset_digest.is_(None))


def upgrade() -> None:
    _rank_values()
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.add_column(sa.Column("facts", sa.JSON(none_as_null=True)))
    with op.batch_alter_table("search", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rules", sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    with op.batch_alter_table("search", schema=None) as batch_op:
        batch_op.drop_column("rules")
    _forget_why_exploring_ended()
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_column("facts")
    _accuracies()


def _rank_values() -> None:
    """Give `trial.accuracy` the name of what it holds, and NULL where a trial has none."""
    with op.batch_alter_table("trial", schema=None) as batch_op:
        batch_op.drop_index("ix_trial_accuracy")
        batch_op.alter_column(
            "accuracy",
            new_column_name="rank_value",
            existing_type=sa.Double(),
            nullable=True,
            server_default=None,
        )
    op.execute(
        trial.update()
        .where(
            trial.c.rank_value <= UNKNOWN_SHARE,
            sa.or_(
                trial.c.rank_value == UNKNOWN_SCORE,
                # Elsewhere a score may be anything.
                trial.c.search_id.not_in(external),
            ),
        )
        .values(rank_value=None)
    )
    op.create_index("ix_trial_rank_value", "trial", ["search_id", "rank_value", "round", "idx"])
    for name in ("search", "round"):
        table = sa.table(name, sa.column("best_accuracy"))
        op.execute(table.update().where(table.c.best_accuracy < 0).values(best_accuracy=None))


def _accuracies() -> None:
    """Go back to the numbers that stood for none."""
    op.drop_index("ix_trial_rank_value", "trial")
    unknown = sa.case((trial.c.search_id.in_(external), UNKNOWN_SCORE), else_=UNKNOWN_SHARE)
    op.execute(trial.update().where(trial.c.rank_value.is_(None)).values(rank_value=unknown))
    with op.batch_alter_table("trial", schema=None) as batch_op:
        batch_op.alter_column(
            "rank_value",
            new_column_name="accuracy",
            existing_type=sa.Double(),
            nullable=False,
            server_default="-1",
        )
    op.create_index("ix_trial_accuracy", "trial", ["search_id", "accuracy", "round", "idx"])
    for name in ("search", "round"):
        table = sa.table(name, sa.column("best_index"), sa.column("best_accuracy"))
        shown = sa.and_(table.c.best_index.is_not(None), table.c.best_accuracy.is_(None))
        op.execute(table.update().where(shown).values(best_accuracy=UNKNOWN_SHARE))


def _forget_why_exploring_ended() -> None:
    """Take the facts out of the evidence: the build before compares it as a whole."""
    round_ = sa.table(
        "round", *map(sa.column, ("search_id", "number")), sa.column("evidence", sa.JSON)
    )
    with_facts = sa.cast(round_.c.evidence, sa.Text).contains('"explored_facts"')
    connection = op.get_bind()
    for search_id, number, evidence in connection.execute(
        sa.select(round_).where(with_facts)
    ).all():
        evidence.pop("explored_facts", None)  # a hyperparameter may have that name
        connection.execute(
            round_.update()
            .where(round_.c.search_id == search_id, round_.c.number == number)
            .values(evidence=evidence)
        )
