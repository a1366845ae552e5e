"""growth: a search's rules, and the facts of a decision beside its sentence

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


def upgrade() -> None:
    with op.batch_alter_table("search", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rules", sa.Integer(), nullable=False, server_default="1"))
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.add_column(sa.Column("facts", sa.JSON(none_as_null=True)))


def downgrade() -> None:
    _forget_why_exploring_ended()
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_column("facts")
    with op.batch_alter_table("search", schema=None) as batch_op:
        batch_op.drop_column("rules")


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
        del evidence["explored_facts"]
        connection.execute(
            round_.update()
            .where(round_.c.search_id == search_id, round_.c.number == number)
            .values(evidence=evidence)
        )
