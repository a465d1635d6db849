"""Gates, visits with their requests, redemptions, trusted issuers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_gates()
    _create_visits()
    _create_trust()


def _create_gates() -> None:
    op.create_table(
        "gates",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("site", sa.String(), nullable=False, index=True),
        sa.Column("gate_id", sa.String(), nullable=False, unique=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("requirement", sa.String(), nullable=False),
        sa.Column("release_id", sa.String(), nullable=False),
        sa.Column("track_id", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("terms", sa.String(), nullable=False),
        sa.Column("opens", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "redemptions",
        sa.Column("site", sa.String(), primary_key=True),
        sa.Column("gate_id", sa.String(), primary_key=True),
        sa.Column("terms", sa.String(), primary_key=True),
        sa.Column("month", sa.String(), primary_key=True),
        sa.Column("passages", sa.BigInteger(), nullable=False),
    )


def _create_visits() -> None:
    op.create_table(
        "visits",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("site", sa.String(), nullable=False, index=True),
        sa.Column("visit_id", sa.String(), nullable=False, unique=True),
        sa.Column("gate_id", sa.String(), sa.ForeignKey("gates.gate_id"), nullable=False, index=True),
        sa.Column("browser", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("failed_answers", sa.Integer(), nullable=False),
        sa.Column("last_failure", sa.String(), nullable=True),
        sa.Column("met", sa.String(), nullable=True),
        sa.Column("response_code", sa.LargeBinary(), nullable=True, unique=True),
        sa.Column("grants_given", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, index=True),
    )
    op.create_table(
        "requests",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("site", sa.String(), nullable=False, index=True),
        sa.Column("request_id", sa.String(), nullable=False, unique=True),
        sa.Column(
            "visit_id", sa.String(), sa.ForeignKey("visits.visit_id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
    )


def _create_trust() -> None:
    op.create_table(
        "trusted_issuers",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("site", sa.String(), nullable=False, index=True),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("keys", sa.JSON(), nullable=False),
        sa.Column("anchors", sa.JSON(), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("site", "issuer"),
    )


def downgrade() -> None:
    for name in ("trusted_issuers", "redemptions", "requests", "visits", "gates"):
        op.drop_table(name)
