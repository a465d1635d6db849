"""Copies that end, entries that strike others out, download codes and the registers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("track") as track:
        track.add_column(sa.Column("taken_down_at", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("entry") as entry:
        entry.add_column(sa.Column("source", sa.String(), nullable=True))
    with op.batch_alter_table("entry_charge") as charge:
        charge.add_column(sa.Column("already_owned", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("copy") as copy:
        copy.add_column(sa.Column("ended", sa.String(), nullable=True))
        copy.add_column(sa.Column("ended_at", sa.BigInteger(), nullable=True))
        copy.drop_constraint("uq_copy_listener_id", type_="unique")
        copy.create_index("ix_copy_listener_id", ["listener_id"])
    _unique_while("uq_copy_good", "copy", ["listener_id", "kind", "subject"], "ended IS NULL")
    op.create_table(
        "entry_strike",
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("struck_key", sa.String(), nullable=False),
        sa.Column("track_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_entry_strike_entry_id")),
        sa.ForeignKeyConstraint(["struck_key"], ["entry.key"], name=op.f("fk_entry_strike_struck_key")),
        sa.ForeignKeyConstraint(["track_id"], ["track.id"], name=op.f("fk_entry_strike_track_id")),
        sa.PrimaryKeyConstraint("entry_id", "struck_key", "track_id", name=op.f("pk_entry_strike")),
    )
    op.create_table(
        "download_code",
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_download_code")),
        sa.UniqueConstraint("id", name=op.f("uq_download_code_id")),
    )
    _create_memberships()
    _create_personas()


def _create_memberships() -> None:
    op.create_table(
        "membership",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("listener_id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("share_class", sa.String(), nullable=False),
        sa.Column("since", sa.String(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["listener_id"], ["listener.id"], name=op.f("fk_membership_listener_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
    )
    op.create_index(op.f("ix_membership_listener_id"), "membership", ["listener_id"])
    op.create_index(op.f("ix_membership_number"), "membership", ["number"])
    _unique_while("uq_membership_running", "membership", ["listener_id"], "ended_at IS NULL")


def _create_personas() -> None:
    """Who speaks in public, and who contributed what."""
    op.create_table(
        "persona",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("listener_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("vouched_by", sa.String(), nullable=False),
        sa.Column("vouching", sa.String(), nullable=False),
        sa.Column("catalogue", sa.String(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["listener_id"], ["listener.id"], name=op.f("fk_persona_listener_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persona")),
    )
    op.create_index(op.f("ix_persona_listener_id"), "persona", ["listener_id"])
    op.create_table(
        "contribution",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("listener_id", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["listener_id"], ["listener.id"], name=op.f("fk_contribution_listener_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contribution")),
        sa.UniqueConstraint("key", name=op.f("uq_contribution_key")),
    )
    op.create_index(op.f("ix_contribution_listener_id"), "contribution", ["listener_id"])


def _unique_while(name: str, table: str, columns: list[str], running: str) -> None:
    where = sa.text(running)
    op.create_index(name, table, columns, unique=True, sqlite_where=where, postgresql_where=where)


# The version before knows plays and purchases only. What was given becomes a purchase for nothing, for it is owned;
# what was taken back, and what took it back, goes; so do the lines of registers. Copies that are good keep their ids.
_FORGET = (
    """DELETE FROM entry_charge WHERE EXISTS (
        SELECT 1 FROM entry_strike JOIN entry ON entry.key = entry_strike.struck_key
        WHERE entry.id = entry_charge.entry_id AND entry_strike.track_id = entry_charge.track_id)""",
    "DELETE FROM entry_strike",
    "DELETE FROM entry_charge WHERE entry_id IN (SELECT id FROM entry WHERE kind IN ('refund', 'give_away'))",
    "DELETE FROM entry WHERE id NOT IN (SELECT entry_id FROM entry_charge)",
    "UPDATE entry SET kind = 'buy_track' WHERE kind IN ('gift_track', 'code_track')",
    "UPDATE entry SET kind = 'buy_release' WHERE kind IN ('gift_release', 'code_release')",
    """DELETE FROM instance WHERE copy_id IN (
        SELECT id FROM copy WHERE ended IS NOT NULL OR kind NOT IN ('track', 'release'))""",
    """DELETE FROM offer_copy WHERE copy_id IN (
        SELECT id FROM copy WHERE ended IS NOT NULL OR kind NOT IN ('track', 'release'))""",
    "DELETE FROM copy WHERE ended IS NOT NULL OR kind NOT IN ('track', 'release')",
    "UPDATE copy SET acquisition = 'purchase' WHERE acquisition NOT IN ('stream_to_own', 'purchase')",
)


def downgrade() -> None:
    for statement in _FORGET:
        op.execute(statement)
    for table in ("contribution", "persona", "membership", "download_code", "entry_strike"):
        op.drop_table(table)
    op.drop_index("uq_copy_good", table_name="copy")
    with op.batch_alter_table("copy") as copy:
        copy.drop_index("ix_copy_listener_id")
        copy.create_unique_constraint("uq_copy_listener_id", ["listener_id", "kind", "subject"])
        copy.drop_column("ended_at")
        copy.drop_column("ended")
    with op.batch_alter_table("entry_charge") as charge:
        charge.drop_column("already_owned")
    with op.batch_alter_table("entry") as entry:
        entry.drop_column("source")
    with op.batch_alter_table("track") as track:
        track.drop_column("taken_down_at")
