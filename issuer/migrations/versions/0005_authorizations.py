"""The authorization code flow: what wallets ask for, and what listeners said yes to."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pushed_request",
        sa.Column("request_hash", sa.String(), nullable=False),
        *_asked(),
        sa.PrimaryKeyConstraint("request_hash", name=op.f("pk_pushed_request")),
    )
    op.create_index(op.f("ix_pushed_request_expires_at"), "pushed_request", ["expires_at"])
    op.create_table(
        "authorization",
        sa.Column("offer_id", sa.String(), nullable=False),
        *_asked(),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_authorization_offer_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("offer_id", name=op.f("pk_authorization")),
    )


def _asked() -> list[sa.Column[str] | sa.Column[int]]:
    return [
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("redirect_uri", sa.String(), nullable=False),
        sa.Column("code_challenge", sa.String(), nullable=False),
        sa.Column("configuration_ids", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=True),
        sa.Column("thumbprint", sa.String(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
    ]


def downgrade() -> None:
    op.drop_table("authorization")
    op.drop_table("pushed_request")
