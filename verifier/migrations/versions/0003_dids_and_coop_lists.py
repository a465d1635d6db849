"""Co-ops known by their DID, and lists of co-ops that a site subscribes to."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("trusted_issuers") as table:
        table.add_column(sa.Column("did", sa.String(), nullable=True))
    op.create_table(
        "coop_lists",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("site", sa.String(), nullable=False, index=True),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("publisher", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("site", "url"),
    )


def downgrade() -> None:
    op.drop_table("coop_lists")
    with op.batch_alter_table("trusted_issuers") as table:
        table.drop_column("did")
