"""Requests that an older 0005 left behind on SQLite: nobody can answer them, and no sweep looks for them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.text("DELETE FROM requests WHERE visit_id NOT IN (SELECT visit_id FROM visits)"))


def downgrade() -> None:
    """Leave everything as it is: the tables are the same."""
