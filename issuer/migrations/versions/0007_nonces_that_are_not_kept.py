"""A nonce carries its own end and a MAC; only those that were used are kept, with the proofs that were seen."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Whoever holds one that was given out just now is told that it is unknown, and fetches another.
    op.drop_index(op.f("ix_nonce_expires_at"), table_name="nonce")
    op.drop_table("nonce")


def downgrade() -> None:
    op.create_table(
        "nonce",
        sa.Column("nonce_hash", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("nonce_hash", name=op.f("pk_nonce")),
    )
    op.create_index(op.f("ix_nonce_expires_at"), "nonce", ["expires_at"], unique=False)
