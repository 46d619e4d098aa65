"""Medium, page and referer of each report, and the time that an order gives."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.add_column("report", sa.Column("medium", sa.Text(), nullable=False, server_default="web"))
    op.add_column("report", sa.Column("parent_id", sa.Text(), nullable=True))
    op.add_column("report", sa.Column("referer_id", sa.Text(), nullable=True))
    op.add_column("notice", sa.Column("due_at", sa.BigInteger(), nullable=True))
