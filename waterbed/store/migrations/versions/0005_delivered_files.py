"""Which file a delivery came in."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.add_column("delivery", sa.Column("file_id", sa.Text(), nullable=True))
    op.create_index("ix_delivery_file_id", "delivery", ["file_id"], unique=False)
