"""Answers of CDNs' origin services."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.create_table(
        "origin",
        sa.Column("origin_id", sa.Text(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("host_id", "proxy", "outcome", "addresses")),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.Column("asn", sa.BigInteger(), nullable=True),
        sa.Column("hoster", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("origin_id"),
    )
    op.create_index("ix_origin_host_id_told_at", "origin", ["host_id", "told_at"], unique=False)
