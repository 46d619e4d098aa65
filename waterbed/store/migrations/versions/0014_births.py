"""When reported names began, from dated files and their own certificates."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.create_table(
        "birth",
        sa.Column("birth_id", sa.Text(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("name_id", "kind", "source")),
        sa.Column("licence", sa.Text(), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("born_at", "data_date", "received_at")),
        sa.PrimaryKeyConstraint("birth_id"),
    )
    op.add_column("observation", sa.Column("certificate_from", sa.BigInteger(), nullable=True))
    op.create_index("ix_birth_name_id", "birth", ["name_id"], unique=False)
