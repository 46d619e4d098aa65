"""The user agent of each check."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.add_column("observation", sa.Column("agent_id", sa.Text(), nullable=True))
