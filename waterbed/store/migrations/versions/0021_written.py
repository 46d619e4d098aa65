"""What the study itself wrote beside its store."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.create_table(
        "written",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
    )
