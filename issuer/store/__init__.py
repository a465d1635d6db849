"""The co-op's store: every port of the use cases on one SQLModel session."""

from issuer.store.authorizations import AuthorizationStore
from issuer.store.catalogue import CatalogueStore
from issuer.store.codes import CodeStore
from issuer.store.counting import CountingStore
from issuer.store.deliveries import DeliveryStore
from issuer.store.ledger import LedgerStore
from issuer.store.listeners import ListenerStore
from issuer.store.offers import OfferStore
from issuer.store.registers import RegisterStore
from issuer.store.status import StatusStore

__all__ = ["Store"]


class Store(
    AuthorizationStore,
    CatalogueStore,
    CodeStore,
    CountingStore,
    DeliveryStore,
    LedgerStore,
    ListenerStore,
    OfferStore,
    RegisterStore,
    StatusStore,
):
    """All ports on one session, which somebody else opens, commits and closes."""
