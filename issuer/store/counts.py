"""How many there are of what, for whoever watches the service."""

from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from issuer.store.base import to_s
from issuer.tables import OfferRow


def count_offers(session: Session, *, now: datetime) -> dict[tuple[str, ...], float]:
    """Return how many offers are in each state; those are lapsed that nobody took in time."""
    states = select(OfferRow.state, func.count()).group_by(OfferRow.state)
    found: dict[tuple[str, ...], float] = {(state,): count for state, count in session.exec(states)}
    late = select(func.count()).where(col(OfferRow.state) == "open", col(OfferRow.expires_at) <= to_s(now))
    lapsed = session.exec(late).one()
    return {**found, ("open",): found.get(("open",), 0) - lapsed, ("lapsed",): lapsed}
