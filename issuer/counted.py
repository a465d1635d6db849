"""What the co-op counts about itself: kinds and forms, never whose."""

from collections.abc import Mapping
from typing import Final

from credentials.protocols.openid4vci import CredentialResponse, Form
from issuer.orders import Admitted, BaselineOrder, CountedOrder, DoorPassOrder, InstanceOrder, PublicOrder
from plumbing.meter import Counted, Measured, Meter
from schemas import ALL

ISSUED: Final = Counted(
    name="credentials_issued",
    help="Credentials signed and handed out.",
    labels={
        "type": frozenset(kind.configuration_id for kind in ALL),
        "form": frozenset(form.name.lower() for form in Form),
    },
)
OFFERS: Final = Measured(
    name="offers",
    help="Offers in the database, by how they stand; all workers see the same.",
    labels={"state": frozenset({"open", "redeemed", "burnt", "lapsed"})},
)
_FORMS: Final[Mapping[type[Admitted], Form]] = {
    InstanceOrder: Form.SD_JWT,
    BaselineOrder: Form.BBS,
    CountedOrder: Form.PSEUDONYM,
    DoorPassOrder: Form.DOOR,
    PublicOrder: Form.EDDSA,
}


def count_issued(meter: Meter, admitted: Admitted, signed: CredentialResponse) -> None:
    """Count what was signed for one request."""
    many = len(signed.credentials) + len(signed.documents)
    meter.add(ISSUED, admitted.contents.kind.configuration_id, _FORMS[type(admitted)].name.lower(), amount=many)
