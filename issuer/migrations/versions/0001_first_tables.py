"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_listeners()
    _create_catalogue()
    _create_ledger()
    _create_copies()
    _create_offers()
    _create_used_once()


def _create_listeners() -> None:
    op.create_table(
        "listener",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("birth_date", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listener")),
        sa.UniqueConstraint("email", name=op.f("uq_listener_email")),
    )
    op.create_table(
        "browser_session",
        sa.Column("session_hash", sa.String(), nullable=False),
        sa.Column("listener_id", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["listener_id"], ["listener.id"], name=op.f("fk_browser_session_listener_id")),
        sa.PrimaryKeyConstraint("session_hash", name=op.f("pk_browser_session")),
    )
    op.create_index(op.f("ix_browser_session_expires_at"), "browser_session", ["expires_at"], unique=False)
    op.create_table(
        "login_link",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("listener_id", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["listener_id"], ["listener.id"], name=op.f("fk_login_link_listener_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_login_link")),
    )
    op.create_index(op.f("ix_login_link_expires_at"), "login_link", ["expires_at"], unique=False)


def _create_catalogue() -> None:
    op.create_table(
        "release",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("source_url", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("artist", sa.String(), nullable=False),
        sa.Column("release_type", sa.String(), nullable=False),
        sa.Column("date", sa.String(), nullable=True),
        sa.Column("gtin", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
    )
    op.create_table(
        "cover",
        sa.Column("release_id", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_cover_release_id")),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_cover")),
    )
    op.create_table(
        "track",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("release_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("artist", sa.String(), nullable=False),
        sa.Column("isrc", sa.String(), nullable=True),
        sa.Column("duration_s", sa.Integer(), nullable=False),
        sa.Column("free", sa.Boolean(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_track_release_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_track")),
    )
    op.create_index(op.f("ix_track_release_id"), "track", ["release_id"], unique=False)


def _create_ledger() -> None:
    op.create_table(
        "entry",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("listener_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["listener_id"], ["listener.id"], name=op.f("fk_entry_listener_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sa.UniqueConstraint("key", name=op.f("uq_entry_key")),
    )
    op.create_index(op.f("ix_entry_listener_id"), "entry", ["listener_id"], unique=False)
    op.create_table(
        "entry_charge",
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("track_id", sa.String(), nullable=False),
        sa.Column("listener_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("milli", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_entry_charge_entry_id")),
        sa.ForeignKeyConstraint(["track_id"], ["track.id"], name=op.f("fk_entry_charge_track_id")),
        sa.PrimaryKeyConstraint("entry_id", "track_id", name=op.f("pk_entry_charge")),
    )
    op.create_index(op.f("ix_entry_charge_track_id_listener_id"), "entry_charge", ["track_id", "listener_id"])


def _create_copies() -> None:
    op.create_table(
        "copy",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("listener_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("acquisition", sa.String(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["listener_id"], ["listener.id"], name=op.f("fk_copy_listener_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_copy")),
        sa.UniqueConstraint("listener_id", "kind", "subject", name=op.f("uq_copy_listener_id")),
    )
    op.create_table(
        "instance",
        sa.Column("thumbprint", sa.String(), nullable=False),
        sa.Column("copy_id", sa.String(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["copy_id"], ["copy.id"], name=op.f("fk_instance_copy_id")),
        sa.PrimaryKeyConstraint("thumbprint", name=op.f("pk_instance")),
    )


def _create_offers() -> None:
    op.create_table(
        "offer",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("listener_id", sa.String(), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("tx_code_mac", sa.String(), nullable=False),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["listener_id"], ["listener.id"], name=op.f("fk_offer_listener_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_offer_code_hash")),
    )
    op.create_index(op.f("ix_offer_expires_at"), "offer", ["expires_at"], unique=False)
    op.create_table(
        "offer_copy",
        sa.Column("offer_id", sa.String(), nullable=False),
        sa.Column("copy_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["copy_id"], ["copy.id"], name=op.f("fk_offer_copy_copy_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_offer_copy_offer_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("offer_id", "copy_id", name=op.f("pk_offer_copy")),
    )
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
    op.create_index(op.f("ix_token_expires_at"), "token", ["expires_at"], unique=False)


def _create_used_once() -> None:
    op.create_table(
        "nonce",
        sa.Column("nonce_hash", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("nonce_hash", name=op.f("pk_nonce")),
    )
    op.create_index(op.f("ix_nonce_expires_at"), "nonce", ["expires_at"], unique=False)
    op.create_table(
        "seen_proof",
        sa.Column("proof_hash", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("proof_hash", name=op.f("pk_seen_proof")),
    )
    op.create_index(op.f("ix_seen_proof_expires_at"), "seen_proof", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_token_expires_at"), table_name="token")

    op.drop_table("token")
    op.drop_table("offer_copy")
    op.drop_table("instance")
    op.drop_index(op.f("ix_entry_charge_track_id_listener_id"), table_name="entry_charge")
    op.drop_table("entry_charge")
    op.drop_index(op.f("ix_track_release_id"), table_name="track")

    op.drop_table("track")
    op.drop_index(op.f("ix_offer_expires_at"), table_name="offer")

    op.drop_table("offer")
    op.drop_index(op.f("ix_login_link_expires_at"), table_name="login_link")

    op.drop_table("login_link")
    op.drop_index(op.f("ix_entry_listener_id"), table_name="entry")

    op.drop_table("entry")
    op.drop_table("cover")
    op.drop_table("copy")
    op.drop_index(op.f("ix_browser_session_expires_at"), table_name="browser_session")

    op.drop_table("browser_session")
    op.drop_index(op.f("ix_seen_proof_expires_at"), table_name="seen_proof")

    op.drop_table("seen_proof")
    op.drop_table("release")
    op.drop_index(op.f("ix_nonce_expires_at"), table_name="nonce")

    op.drop_table("nonce")
    op.drop_table("listener")
