"""Whether a response was authenticated, and whether its certificate was trusted."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.add_column("observation", sa.Column("authenticated", sa.Boolean(), nullable=True))
    op.add_column("observation", sa.Column("tls_trust", sa.Text(), nullable=True))
    op.add_column("run", sa.Column("trust_store", sa.Text(), nullable=True))
