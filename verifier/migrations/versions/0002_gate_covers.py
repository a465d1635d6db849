"""Covers: the site's own copy, so that a gate's page asks nobody else."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gate_covers",
        sa.Column("gate_id", sa.String(), sa.ForeignKey("gates.gate_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("site", sa.String(), nullable=False, index=True),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("gate_covers")
