"""The catalogue in public: what every copy of a release and its tracks says, for wallets that compare (decision 22).

Nobody is asked who they are. A title made for one listener would have to stand here, for everybody to see.
"""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from credentials.encoding import strict_json
from credentials.errors import HandstampError, HolderError
from credentials.protocols.catalogue import catalogue_path
from issuer.api import document_response
from issuer.parts import IssuerParts
from issuer.service.claims import catalogue_entry
from issuer.store import Store


class NotInCatalogue(HolderError):
    """The co-op has no such release."""

    code = "not_in_catalogue"

    def __init__(self) -> None:
        super().__init__("There is no such release in this co-op's catalogue. Look at its list of releases.")


STATUSES: Final[dict[type[HandstampError], int]] = {NotInCatalogue: 404}


def build_catalogue_router(parts: IssuerParts) -> APIRouter:
    """Build the route of the catalogue."""
    router = APIRouter()

    @router.get(catalogue_path("{release_id}"))
    async def release(release_id: str, request: Request) -> Response:
        """Give what all copies of a release and of its tracks say alike."""
        entry = await parts.database.reading(lambda session: catalogue_entry(Store(session), release_id))
        if entry is None:
            raise NotInCatalogue
        return document_response(request, strict_json.dump(entry.to_json()), "application/json", {})

    return router
