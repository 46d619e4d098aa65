"""The right of reply: previews, replies, rulings, editions."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_TEXTS = {
    "preview": ("hoster", "sha256", "who"),
    "reply": ("hoster", "preview_id", "answer", "text", "who"),
    "ruling": ("reply_id", "ruling", "reason", "erratum", "who"),
}
_TIMES = {"preview": ("made_at", "starts_at", "ends_at"), "reply": ("received_at",), "ruling": ("decided_at",)}
_INDEXED = {"preview": "hoster", "reply": "hoster", "ruling": "reply_id"}


def upgrade() -> None:
    """Bring the tables one step forward."""
    for table, texts in _TEXTS.items():
        op.create_table(
            table,
            sa.Column(f"{table}_id", sa.Text(), autoincrement=False, nullable=False),
            *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
            *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _TIMES[table]),
            *([sa.Column("data_until", sa.BigInteger(), nullable=True)] if table == "preview" else []),
            sa.PrimaryKeyConstraint(f"{table}_id"),
        )
        op.create_index(f"ix_{table}_{_INDEXED[table]}", table, [_INDEXED[table]], unique=False)
    op.create_table(
        "edition",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("errata", "override", "sha256", "who")),
        sa.PrimaryKeyConstraint("number"),
    )
