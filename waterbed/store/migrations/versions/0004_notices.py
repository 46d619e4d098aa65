"""Notices to hosters."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.create_table(
        "notice",
        sa.Column("notice_id", sa.Text(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("url_id", "kind", "sender", "recipient")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("batch", "channel", "response")),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("reminder", "bounced", "held_for_police")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("sent_at", "received_at")),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ("delivered_at", "acknowledged_at")),
        sa.PrimaryKeyConstraint("notice_id"),
    )
    op.create_index("ix_notice_url_id", "notice", ["url_id"], unique=False)
