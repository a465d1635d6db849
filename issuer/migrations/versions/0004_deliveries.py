"""Deliveries with refresh tokens, notifications, deferred requests and holds. Tokens of before lived ten minutes."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("token")
    _create_deliveries()
    _create_tokens()
    _create_expiring("notification", "id_hash", _copy(), sa.Column("event", sa.String(), nullable=True))
    _create_expiring("deferred", "transaction_hash", _copy(), sa.Column("keys", sa.String(), nullable=False))
    op.create_table(
        "hold",
        sa.Column("copy_id", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["copy_id"], ["copy.id"], name=op.f("fk_hold_copy_id")),
        sa.PrimaryKeyConstraint("copy_id", name=op.f("pk_hold")),
    )


def _create_deliveries() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("offer_id", sa.String(), nullable=True),
        sa.Column("thumbprint", sa.String(), nullable=True),
        sa.Column("configuration_ids", sa.String(), nullable=False),
        sa.Column("used_refresh", sa.String(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_delivery_offer_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("offer_id", name=op.f("uq_delivery_offer_id")),
    )
    op.create_index(op.f("ix_delivery_expires_at"), "delivery", ["expires_at"])
    op.create_table(
        "delivery_copy",
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("copy_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        _of_a_delivery("delivery_copy"),
        sa.ForeignKeyConstraint(["copy_id"], ["copy.id"], name=op.f("fk_delivery_copy_copy_id")),
        sa.PrimaryKeyConstraint("delivery_id", "copy_id", name=op.f("pk_delivery_copy")),
    )


def _create_tokens() -> None:
    op.create_table(
        "refresh_token",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("parent_hash", sa.String(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        _of_a_delivery("refresh_token"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_refresh_token")),
    )
    op.create_index(op.f("ix_refresh_token_delivery_id"), "refresh_token", ["delivery_id"])
    _create_expiring("access_token", "token_hash", sa.Column("configuration_ids", sa.String(), nullable=False))


def _create_expiring(table: str, key: str, *columns: sa.Column[str]) -> None:
    of_a_copy = [
        sa.ForeignKeyConstraint(["copy_id"], ["copy.id"], name=op.f(f"fk_{table}_copy_id"))
        for column in columns
        if column.name == "copy_id"
    ]
    op.create_table(
        table,
        sa.Column(key, sa.String(), nullable=False),
        sa.Column("delivery_id", sa.String(), nullable=False),
        *columns,
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        *of_a_copy,
        _of_a_delivery(table),
        sa.PrimaryKeyConstraint(key, name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_delivery_id"), table, ["delivery_id"])
    op.create_index(op.f(f"ix_{table}_expires_at"), table, ["expires_at"])


def _copy() -> sa.Column[str]:
    return sa.Column("copy_id", sa.String(), nullable=False)


def _of_a_delivery(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_delivery_id")
    return sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    for table in ("hold", "deferred", "notification", "access_token", "refresh_token", "delivery_copy", "delivery"):
        op.drop_table(table)
    op.create_table(
        "token",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("offer_id", sa.String(), nullable=False),
        sa.Column("thumbprint", sa.String(), nullable=False),
        sa.Column("configuration_ids", sa.String(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_token_offer_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_token")),
        sa.UniqueConstraint("offer_id", name=op.f("uq_token_offer_id")),
    )
    op.create_index(op.f("ix_token_expires_at"), "token", ["expires_at"])
