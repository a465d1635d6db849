"""The co-op's pages: log in by a magic link, my collection, and choosing what a wallet shall get."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from credentials.errors import HolderError
from issuer.api import STATUSES, etag, unchanged
from issuer.catalogue import NoSuchCover
from issuer.codes import CodeUsed, UnknownCode
from issuer.copies import CopyKind
from issuer.offers import MAX_COPIES, Open
from issuer.parts import IssuerParts
from issuer.service.codes import redeem_code
from issuer.service.collection import Collection, collect
from issuer.service.logins import check_login_link, log_in, log_out
from issuer.service.offers import NothingToOffer, choose_copies
from issuer.service.record import AlreadyTheirs
from issuer.service.wallets import binding_of
from issuer.store import Store
from issuer.web.authorize import add_authorization_pages
from issuer.web.door import Door, Visitor, open_form
from issuer.web.offers import add_offer_pages
from issuer.web.types import add_types, display_of
from issuer.web.wallets import NEWS, add_wallet_forms
from plumbing.turns import BESIDE_ALL
from plumbing.web.csrf import check_same_site

_SEE_OTHER: Final = 303
_SHOWN: Final = 40


def build_pages_router(parts: IssuerParts) -> APIRouter:
    """Build the routes that browsers use."""
    router = APIRouter(include_in_schema=False)
    door = Door(parts)
    _add_login(router, door)
    _add_collection(router, door)
    _add_codes(router, door)
    _add_covers(router, parts)
    add_offer_pages(router, door)
    add_authorization_pages(router, door)
    add_wallet_forms(router, door)
    add_types(router, parts)
    return router


def _add_login(router: APIRouter, door: Door) -> None:
    parts = door.parts

    @router.get("/login")
    async def login_page(request: Request, token: str = "") -> Response:
        """Show one button. Mail programs that follow links ahead of their reader use nothing up."""
        now = parts.clock()
        await parts.database.reading(lambda session: check_login_link(Store(session), token, now=now))
        return parts.pages.render(request, "login.html", {"token": token})

    @router.post("/login")
    async def login(request: Request) -> Response:
        """Use the link up."""
        check_same_site(request, own_origin=parts.identity.url)
        form = await open_form(request)
        token, now = str(form.get("token", "")), parts.clock()
        session = await parts.database.writing(lambda database: log_in(Store(database), token, now=now))
        return door.remember(RedirectResponse("/collection", _SEE_OTHER), session)

    @router.post("/logout")
    async def logout(request: Request) -> Response:
        """Forget this browser."""
        visitor, _ = await door.submit(request)
        await parts.database.writing(lambda database: log_out(Store(database), visitor.session))
        return door.forget(parts.pages.render(request, "goodbye.html", {}))


async def _collection_page(
    door: Door,
    request: Request,
    visitor: Visitor,
    *,
    refused: Sequence[str] | None = None,
    got: str = "",
    code_refused: HolderError | None = None,
    typed: str = "",
    wallet_news: str = "",
) -> Response:
    """Render my collection, with the news of what was just asked.

    Args:
        door: the service's door.
        request: the request that it answers.
        visitor: whose collection.
        refused: what was chosen, if it could not be offered.
        got: the track or release that a code just gave.
        code_refused: why a code gave nothing.
        typed: that code, to be looked at again.
        wallet_news: what became of the wallet that things are bound to.
    """
    collection, binding = await door.parts.database.reading(
        lambda database: (collect(Store(database), visitor.listener), binding_of(Store(database), visitor.listener))
    )
    status = 200 if refused is None else 422
    values = {
        "collection": collection,
        "binding": binding,
        "wallet_news": wallet_news if wallet_news in NEWS else None,
        "kinds": _kinds(collection, door.parts.pages.language_of(request)),
        "got": collection.title_of(got) if got else None,
        "code_refused": code_refused.code if code_refused else None,
        "typed": typed[:_SHOWN],
        "nothing_chosen": refused is not None and len(refused) <= MAX_COPIES,
        "too_many": MAX_COPIES if refused is not None and len(refused) > MAX_COPIES else None,
    }
    status = STATUSES[type(code_refused)] if code_refused else status
    return door.page(request, "collection.html", visitor, values, status=status)


def _kinds(collection: Collection, language: str) -> list[dict[str, str]]:
    """Name the kinds of what is there, for the links to their pages."""
    kinds = {copy.kind for copy in collection.copies}
    types = [kind.credential_type for kind in CopyKind if kind in kinds]
    return [{"id": each.configuration_id, "name": display_of(each, language)["name"]} for each in types]


def _add_collection(router: APIRouter, door: Door) -> None:
    parts = door.parts

    @router.get("/")
    async def home() -> Response:
        """Lead to the collection."""
        return RedirectResponse("/collection", _SEE_OTHER)

    @router.get("/collection")
    async def collection(request: Request, got: str = "", wallet: str = "") -> Response:
        """Show what is owned, how it was got, and what is nearly owned; `got` and `wallet` are what has just come."""
        return await _collection_page(door, request, await door.enter(request), got=got, wallet_news=wallet)

    @router.post("/offers")
    async def make_offer(request: Request) -> Response:
        """Make an offer of the chosen copies."""
        visitor, chosen = await door.submit(request)
        now = parts.clock()

        def make(database: Session) -> Open:
            store = Store(database)
            copies = choose_copies(store, listener=visitor.listener, copy_ids=chosen)
            return parts.desk.make(store, copies, listener=visitor.listener, now=now)

        try:
            offer = await parts.database.writing(make, BESIDE_ALL)
        except NothingToOffer:
            return await _collection_page(door, request, visitor, refused=chosen)
        return RedirectResponse(f"/offers/{offer.id}/page", _SEE_OTHER)


def _add_codes(router: APIRouter, door: Door) -> None:
    parts = door.parts

    @router.post("/codes")
    async def use_code(request: Request) -> Response:
        """Use a download code. It says itself what it gives: nothing else in the form is read."""
        visitor, form = await door.read_form(request)
        typed, now = str(form.get("code", "")), parts.clock()
        try:
            given = await parts.database.writing(
                lambda database: redeem_code(Store(database), typed, listener=visitor.listener, now=now)
            )
        except (UnknownCode, CodeUsed, AlreadyTheirs) as refusal:
            return await _collection_page(door, request, visitor, code_refused=refusal, typed=typed)
        return RedirectResponse(f"/collection?got={given.thing.id}", _SEE_OTHER)


def _add_covers(router: APIRouter, parts: IssuerParts) -> None:
    @router.get("/covers/{release_id}")
    async def cover(request: Request, release_id: str) -> Response:
        """Give the co-op's own copy of a cover, so that the page asks nobody else."""
        found = await parts.database.reading(lambda database: Store(database).cover(release_id))
        if found is None:
            raise NoSuchCover
        headers = {"ETag": etag(found.content), "Cache-Control": "private, max-age=3600"}
        if unchanged(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(found.content, media_type=found.media_type, headers=headers)
