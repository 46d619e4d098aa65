"""Registrations, decisions about hosters, codings; where a table comes from."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TEXTS = {
    "registration": (
        ("registration_id", "asked", "kind", "status", "source"),
        (
            *("reason", "registry", "first", "last", "handle", "parent_handle", "name", "allocation", "country"),
            *("holder", "holder_name", "abuse_id", "etag"),
        ),
        (("level", False), ("fetched_at", False)),
    ),
    "hoster_change": (
        ("change_id", "kind", "key", "members", "who", "reason"),
        ("into", "name", "country", "entity"),
        (("since", True), ("decided_at", False)),
    ),
    "coding": (
        ("coding_id", "queue", "item_id", "coder", "code", "note"),
        (),
        (("coded_at", False),),
    ),
}
"""Of each new table: texts that are always there, texts that may be missing, numbers and times."""


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.add_column("report", sa.Column("origin_address", sa.Text(), nullable=True))
    op.add_column("snapshot", sa.Column("form", sa.Text(), nullable=False, server_default=""))
    op.add_column("snapshot", sa.Column("built_at", sa.BigInteger(), nullable=True))
    op.add_column("snapshot", sa.Column("licence", sa.Text(), nullable=True))
    for table, (always, sometimes, numbers) in _TEXTS.items():
        columns: list[sa.Column[Any]] = [
            sa.Column(name, sa.Text(), autoincrement=False, nullable=False) for name in always
        ]
        columns += [sa.Column(name, sa.Text(), autoincrement=False, nullable=True) for name in sometimes]
        columns += [sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=null) for name, null in numbers]
        if table == "coding":
            columns.append(sa.Column("adjudicates", sa.Boolean(), nullable=False))
        op.create_table(table, *columns, sa.PrimaryKeyConstraint(always[0]))
    op.create_index("ix_registration_asked", "registration", ["asked"], unique=False)
    op.create_index("ix_coding_queue_item_id", "coding", ["queue", "item_id"], unique=False)
