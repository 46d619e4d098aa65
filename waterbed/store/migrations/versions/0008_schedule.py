"""The ladder's anchor, the rate of a run, looks by their time."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.add_column("due", sa.Column("anchor_at", sa.BigInteger(), nullable=True))
    op.add_column("run_end", sa.Column("rate", sa.Float(), nullable=True))
    op.drop_index("ix_due_lease_run_id", "due")
    op.create_index("ix_due_lease_run_id_due_at_host_id", "due", ["lease_run_id", "due_at", "host_id"], unique=False)
    op.create_index("ix_observation_observed_at", "observation", ["observed_at"], unique=False)
