"""Whether a notice was wrong or taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.add_column("notice", sa.Column("withdrawn", sa.Boolean(), nullable=True))
