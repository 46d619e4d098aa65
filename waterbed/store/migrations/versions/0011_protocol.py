"""A study's protocol as locked, and what was done otherwise."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.create_table(
        "protocol_lock",
        sa.Column("lock_id", sa.Text(), autoincrement=False, nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("sha256", "text", "settings", "rules", "version", "who", "reason")
        ),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("locked_at", "reports", "looks")),
        sa.PrimaryKeyConstraint("lock_id"),
    )
    op.create_table(
        "deviation_note",
        sa.Column("note_id", sa.Text(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("subject", "deviation", "reason", "who")),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("note_id"),
    )
