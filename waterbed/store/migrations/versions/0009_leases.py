"""A run lives while it says so; networks that one run alone visits; how far a machine's clock is off."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Bring the tables one step forward; what was leased is free, since no run goes on meanwhile."""
    op.create_table(
        "beat",
        sa.Column("run_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("lapses_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_table(
        "reserved",
        sa.Column("network", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("network"),
        # nothing of it outlives a crash of the server, and no disk need be waited for
        prefixes=["UNLOGGED"] if op.get_bind().dialect.name == "postgresql" else [],
    )
    op.create_index("ix_reserved_run_id", "reserved", ["run_id"], unique=False)
    op.add_column("run", sa.Column("clock_skew_s", sa.Float(), nullable=True))
    op.execute("UPDATE due SET lease_run_id = NULL WHERE lease_run_id IS NOT NULL")
    op.drop_column("due", "leased_until")
