"""Status lists, the entries that are taken in them, and the copies that ended."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "status_list",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("decoys_at", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.String(), nullable=True),
        sa.Column("signed_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("signed_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_list")),
    )
    op.create_index(op.f("ix_status_list_month"), "status_list", ["month"])
    op.create_table(
        "status_entry",
        sa.Column("list_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("copy_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["copy_id"], ["copy.id"], name=op.f("fk_status_entry_copy_id")),
        sa.ForeignKeyConstraint(["list_id"], ["status_list.id"], name=op.f("fk_status_entry_list_id")),
        sa.PrimaryKeyConstraint("list_id", "position", name=op.f("pk_status_entry")),
    )
    op.create_index(op.f("ix_status_entry_copy_id"), "status_entry", ["copy_id"])
    op.create_table(
        "status_end",
        sa.Column("copy_id", sa.String(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["copy_id"], ["copy.id"], name=op.f("fk_status_end_copy_id")),
        sa.PrimaryKeyConstraint("copy_id", name=op.f("pk_status_end")),
    )
    op.create_index(op.f("ix_status_end_settled"), "status_end", ["settled"])


def downgrade() -> None:
    for table in ("status_end", "status_entry", "status_list"):
        op.drop_table(table)
