"""The first tables: catalogue, pins, and what comes out of grants.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_releases()
    _create_tracks()
    _create_grants()
    _create_downloads()


def _create_releases() -> None:
    op.create_table(
        "stored_file",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("modified_ns", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("crc32", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "release",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("folder", sa.String(), nullable=False, unique=True),
        sa.Column("content_digest", sa.String(), nullable=False, index=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("artist", sa.String(), nullable=False),
        sa.Column("release_type", sa.String(), nullable=False),
        sa.Column("date", sa.String()),
        sa.Column("gtin", sa.String()),
        sa.Column("cover_file_id", sa.String(), sa.ForeignKey("stored_file.id")),
        sa.Column("cover_page_file_id", sa.String(), sa.ForeignKey("stored_file.id")),
        sa.Column("cover_media_type", sa.String()),
        sa.Column("cover_page_media_type", sa.String()),
        sa.Column("cover_page_width", sa.Integer()),
        sa.Column("cover_page_height", sa.Integer()),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
    )


def _create_tracks() -> None:
    op.create_table(
        "track",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("release_id", sa.String(), sa.ForeignKey("release.id"), nullable=False, index=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("disc", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("artist", sa.String(), nullable=False),
        sa.Column("isrc", sa.String()),
        sa.UniqueConstraint("release_id", "position", name="uq_track_position"),
    )
    op.create_table(
        "master",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("track_id", sa.String(), sa.ForeignKey("track.id"), nullable=False, index=True),
        sa.Column("stored_file_id", sa.String(), sa.ForeignKey("stored_file.id"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("sample_rate_hz", sa.Integer(), nullable=False),
        sa.Column("bits", sa.Integer()),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("bitrate_bps", sa.BigInteger(), nullable=False),
    )


def _create_grants() -> None:
    op.create_table(
        "allowed_verifier",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("release_id", sa.String(), sa.ForeignKey("release.id"), nullable=False, index=True),
        sa.Column("kid", sa.String(), nullable=False),
        sa.Column("jwk", sa.String(), nullable=False),
        sa.Column("pinned_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("issuer", "release_id", "kid", name="uq_allowed_verifier"),
    )
    op.create_table(
        "redeemed_grant",
        sa.Column("issuer", sa.String(), primary_key=True),
        sa.Column("jti", sa.String(), primary_key=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, index=True),
    )
    op.create_table(
        "seen_proof",
        sa.Column("proof_hash", sa.String(), primary_key=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, index=True),
    )


def _create_downloads() -> None:
    op.create_table(
        "ticket",
        sa.Column("secret_hash", sa.String(), primary_key=True),
        sa.Column("release_id", sa.String(), sa.ForeignKey("release.id"), nullable=False),
        sa.Column("tracks", sa.String(), nullable=False),
        sa.Column("formats", sa.String(), nullable=False),
        sa.Column("used", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, index=True),
    )
    op.create_table(
        "download",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("holder_key", sa.String()),
        sa.Column("release_id", sa.String(), sa.ForeignKey("release.id"), nullable=False),
        sa.Column("tracks", sa.String(), nullable=False),
        sa.Column("formats", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, index=True),
    )


def downgrade() -> None:
    for table in ("download", "ticket", "seen_proof", "redeemed_grant", "allowed_verifier", "master", "track"):
        op.drop_table(table)
    op.drop_table("release")
    op.drop_table("stored_file")
