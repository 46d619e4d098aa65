"""The part of all networks that a host was last found in; leases are found by a small index of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.drop_index("ix_due_due_at_host_id", "due")
    op.drop_index("ix_due_lease_run_id_due_at_host_id", "due")
    op.add_column("due", sa.Column("network_part", sa.BigInteger(), nullable=False, server_default="-1"))
    op.create_index("ix_due_due_at", "due", ["due_at"], unique=False)
    op.create_index("ix_due_network_part_due_at_host_id", "due", ["network_part", "due_at", "host_id"], unique=False)
    held = sa.text("lease_run_id IS NOT NULL")
    op.create_index(
        "ix_due_lease_run_id", "due", ["lease_run_id"], unique=False, sqlite_where=held, postgresql_where=held
    )
