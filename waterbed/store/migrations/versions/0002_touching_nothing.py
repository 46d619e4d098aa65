"""Vantage networks, link checks, page features; deliveries, decisions, audit, tombstones."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_EMPTY = sa.text("'[]'")
_COLUMNS: dict[str, tuple[sa.Column[Any], ...]] = {
    "observation": (
        sa.Column("network", sa.Text(), nullable=False, server_default=""),
        sa.Column("head_status", sa.BigInteger(), nullable=True),
        sa.Column("link_check", sa.Text(), nullable=True),
        sa.Column("link_exists", sa.Boolean(), nullable=True),
        sa.Column("title_id", sa.Text(), nullable=True),
        sa.Column("page_id", sa.Text(), nullable=True),
        sa.Column("page_bytes", sa.BigInteger(), nullable=True),
    ),
    "control_look": (sa.Column("unstable", sa.Text(), nullable=False, server_default=_EMPTY),),
    "resolution": (
        sa.Column("name_server_ids", sa.Text(), nullable=False, server_default=_EMPTY),
        sa.Column("name_servers_at", sa.BigInteger(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=False, server_default=_EMPTY),
    ),
    "due": (
        sa.Column("day_began_at", sa.BigInteger(), nullable=True),
        sa.Column("day_looks", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("fingerprint", sa.Text(), nullable=True),
    ),
}


def upgrade() -> None:
    """Bring the tables one step forward."""
    for table, columns in _COLUMNS.items():
        for column in columns:
            op.add_column(table, column)
    op.create_table(
        "delivery",
        sa.Column("delivery_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("received_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reports", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("new", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rejected", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("delivery_id"),
    )
    op.create_index("ix_delivery_source_received_at", "delivery", ["source", "received_at"], unique=False)
    op.create_table(
        "quarantine_decision",
        sa.Column("decision_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("quarantine_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("decision", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("who", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("decided_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("decision_id"),
    )
    op.create_index("ix_quarantine_decision_quarantine_id", "quarantine_decision", ["quarantine_id"], unique=False)
    op.create_table(
        "audit",
        sa.Column("audit_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("done_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("who", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("subject_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("audit_id"),
    )
    op.create_index("ix_audit_subject_id", "audit", ["subject_id"], unique=False)
    op.create_table(
        "forgotten",
        sa.Column("entry_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("forgotten_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("entry_id"),
    )
