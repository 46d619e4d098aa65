"""The place of a host that a control look stands for."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.add_column("control_look", sa.Column("place_id", sa.Text(), nullable=True))
