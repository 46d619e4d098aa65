"""Answers of registries on domains."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Bring the tables one step forward."""
    op.create_table(
        "domain_registration",
        sa.Column("answer_id", sa.Text(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("site_id", "tld", "status")),
        *(
            sa.Column(name, sa.Text(), nullable=True)
            for name in ("reason", "registry", "registrar", "registrar_name", "etag")
        ),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ("created_on", "expires_on")),
        sa.Column("states", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("answer_id"),
    )
    op.create_index("ix_domain_registration_site_id", "domain_registration", ["site_id"], unique=False)
