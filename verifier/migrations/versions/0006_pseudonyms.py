"""Gates that count pseudonyms, and numbers of copies only where they took them so far; receipts that no key signed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("gates") as table:
        table.add_column(sa.Column("other_wallets", sa.Boolean(), nullable=False, server_default=sa.true()))
    with op.batch_alter_table("receipts") as table:
        table.alter_column("holder_key", existing_type=sa.String(), nullable=True)


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM receipts WHERE holder_key IS NULL"))
    with op.batch_alter_table("receipts") as table:
        table.alter_column("holder_key", existing_type=sa.String(), nullable=False)
    with op.batch_alter_table("gates") as table:
        table.drop_column("other_wallets")
