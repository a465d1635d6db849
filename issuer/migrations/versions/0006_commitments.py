"""Who counts, and by what: commitments to pseudonyms; what was issued as SD-JWT VCs before is counted by its copy."""

import secrets

import sqlalchemy as sa
from alembic import op

from credentials.encoding import base64url

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "counting_scope",
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("listener_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("from_month", sa.String(), nullable=False),
        sa.Column("last_month", sa.String(), nullable=False),
        sa.Column("commitment", sa.String(), nullable=True),
        sa.Column("entropy", sa.String(), nullable=True),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["listener_id"], ["listener.id"], name=op.f("fk_counting_scope_listener_id")),
        sa.PrimaryKeyConstraint("label", name=op.f("pk_counting_scope")),
    )
    op.create_index("uq_counting_scope_subject", "counting_scope", ["listener_id", "subject"], unique=True)
    op.create_table(
        "commitment",
        sa.Column("point", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["label"], ["counting_scope.label"], name=op.f("fk_commitment_label")),
        sa.PrimaryKeyConstraint("point", name=op.f("pk_commitment")),
    )
    op.create_table(
        "commitment_reset",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["label"], ["counting_scope.label"], name=op.f("fk_commitment_reset_label")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commitment_reset")),
    )
    op.create_index(op.f("ix_commitment_reset_label"), "commitment_reset", ["label"])
    op.add_column("deferred", sa.Column("form", sa.String(), nullable=False, server_default=""))
    op.add_column("deferred", sa.Column("commitment", sa.String(), nullable=True))
    _count_by_copy()


def _count_by_copy() -> None:
    """Whoever holds an SD-JWT VC, which names its copy, is counted by that for life."""
    connection = op.get_bind()
    issued = sa.text(
        "SELECT DISTINCT copy.listener_id, copy.kind, COALESCE(track.release_id, copy.subject) FROM copy "
        "JOIN instance ON instance.copy_id = copy.id "
        "LEFT JOIN track ON copy.kind = 'track' AND track.id = copy.subject"
    )
    scopes = {(listener, _subject(kind, subject)) for listener, kind, subject in connection.execute(issued)}
    for listener, subject in sorted(scopes):
        connection.execute(
            sa.text(
                "INSERT INTO counting_scope (label, listener_id, subject, mode, from_month, last_month, confirmed) "
                "VALUES (:label, :listener, :subject, 'copy', '', '', false)"
            ),
            {"label": base64url.encode(secrets.token_bytes(16)), "listener": listener, "subject": subject},
        )


def _subject(kind: str, subject: str) -> str:
    if kind == "membership":
        return kind
    return f"{'release' if kind == 'track' else kind}:{subject}"


def downgrade() -> None:
    op.drop_column("deferred", "commitment")
    op.drop_column("deferred", "form")
    op.drop_table("commitment_reset")
    op.drop_table("commitment")
    op.drop_table("counting_scope")
