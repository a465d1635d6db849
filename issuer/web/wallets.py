"""The part of my collection that is about the wallet which records are bound to."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from issuer.counting import NothingToReset, TooManyResets
from issuer.service.wallets import confirm_wallets, replace_wallet
from issuer.store import Store
from issuer.web.door import Door

NEWS: Final = frozenset({"confirmed", "replaced", "too_often", "nothing"})
"""What the page may be asked to tell, as its parameter `wallet`."""
_SEE_OTHER: Final = 303


def add_wallet_forms(router: APIRouter, door: Door) -> None:
    """Add the routes that the two forms on the page lead to."""
    parts = door.parts

    @router.post("/wallet/mine")
    async def mine(request: Request) -> Response:
        """Note that the wallet is the listener's."""
        visitor, _ = await door.read_form(request)
        try:
            await parts.database.writing(lambda database: confirm_wallets(Store(database), listener=visitor.listener))
        except NothingToReset:
            return _tell("nothing")
        return _tell("confirmed")

    @router.post("/wallet/lost")
    async def lost(request: Request) -> Response:
        """Let another wallet take the place of one that is lost."""
        visitor, form = await door.read_form(request)
        if form.get("sure") != "yes":
            return _tell("nothing")
        now = parts.clock()
        try:
            await parts.database.writing(
                lambda database: replace_wallet(Store(database), listener=visitor.listener, now=now)
            )
        except NothingToReset:
            return _tell("nothing")
        except TooManyResets:
            return _tell("too_often")
        return _tell("replaced")


def _tell(news: str) -> Response:
    return RedirectResponse(f"/collection?wallet={news}", _SEE_OTHER)
