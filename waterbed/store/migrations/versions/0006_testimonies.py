"""What other observers say they saw."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.create_table(
        "testimony",
        sa.Column("testimony_id", sa.Text(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("url_id", "observer", "source")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("reference", "status", "address")),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ("first_seen", "last_seen", "since", "looks")),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("testimony_id"),
    )
    op.create_index("ix_testimony_url_id", "testimony", ["url_id"], unique=False)
