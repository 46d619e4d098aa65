"""The medium of each report: the web, Tor, a chat, a live stream."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.add_column("report", sa.Column("medium", sa.Text(), nullable=False, server_default="web"))
