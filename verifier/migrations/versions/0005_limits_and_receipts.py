"""Gates that ask for more than a copy, that count, and that close; short codes; encrypted answers; receipts."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("gates") as table:
        table.add_column(sa.Column("proofs", sa.JSON(), nullable=True))
        table.add_column(sa.Column("limit_times", sa.Integer(), nullable=True))
        table.add_column(sa.Column("limit_monthly", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("limit_key", sa.LargeBinary(), nullable=True))
        table.add_column(sa.Column("closed_at", sa.BigInteger(), nullable=True))
    _begin_visits_anew()
    with op.batch_alter_table("visits") as table:
        table.drop_column("met")
        table.add_column(sa.Column("first_use", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("answer", sa.JSON(), nullable=True))
        table.add_column(sa.Column("code_page", sa.LargeBinary(), nullable=True))
        table.add_column(sa.Column("code", sa.String(), nullable=True))
        table.add_column(sa.Column("wrong_codes", sa.Integer(), nullable=False, server_default="0"))
        table.create_unique_constraint("uq_visits_code_page", ["code_page"])
    with op.batch_alter_table("requests") as table:
        table.add_column(sa.Column("answer_key", sa.LargeBinary(), nullable=True))
    _create_marks()
    _create_receipts()


def _begin_visits_anew() -> None:
    """Forget the visits of the moment of the change, which live for minutes."""
    # SQLite looks at no foreign keys while it migrates, so requests do not go with their visits by themselves.
    op.execute(sa.text("DELETE FROM requests"))
    op.execute(sa.text("DELETE FROM visits"))


def _create_marks() -> None:
    op.create_table(
        "marks",
        sa.Column("gate_id", sa.String(), sa.ForeignKey("gates.gate_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("period", sa.String(), primary_key=True),
        sa.Column("mark", sa.LargeBinary(), primary_key=True),
        sa.Column("site", sa.String(), nullable=False, index=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("first_use", sa.BigInteger(), nullable=False),
    )


def _create_receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("site", sa.String(), nullable=False, index=True),
        sa.Column(
            "gate_id", sa.String(), sa.ForeignKey("gates.gate_id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("terms", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("binding", sa.String(), nullable=False),
        sa.Column("holder_key", sa.String(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("erase_at", sa.BigInteger(), nullable=False, index=True),
    )


def downgrade() -> None:
    _begin_visits_anew()
    for name in ("receipts", "marks"):
        op.drop_table(name)
    with op.batch_alter_table("requests") as table:
        table.drop_column("answer_key")
    with op.batch_alter_table("visits") as table:
        table.drop_constraint("uq_visits_code_page", type_="unique")
        for name in ("first_use", "answer", "code_page", "code", "wrong_codes"):
            table.drop_column(name)
        table.add_column(sa.Column("met", sa.String(), nullable=True))
    with op.batch_alter_table("gates") as table:
        for name in ("proofs", "limit_times", "limit_monthly", "limit_key", "closed_at"):
            table.drop_column(name)
