"""The keys by which a co-op signs linked credentials, beside those that it signs SD-JWTs with."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("trusted_issuers") as table:
        table.add_column(sa.Column("bbs_keys", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    with op.batch_alter_table("trusted_issuers") as table:
        table.drop_column("bbs_keys")
