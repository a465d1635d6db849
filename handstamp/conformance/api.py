"""The VC API over HTTP (VCALM §3): the same endpoints below the path of each instance, and checks at the root, too.

What does not verify is answered with 400, as the public test suites expect it; VCALM would answer 200 and
`"verified": false`, and that is in the body of the 400.
"""

from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from credentials.dids.resolution import RESULT_TYPE, resolve_did
from credentials.encoding import strict_json
from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError, OperatorError
from credentials.linked_data import trial_contexts
from handstamp.conformance.openapi import OPERATIONS
from handstamp.conformance.problems import CredentialUnknown, InstanceUnknown, UnknownOption, build_problem
from handstamp.conformance.requests import (
    MAX_BODY_BYTES,
    RETURN_CREDENTIAL,
    RETURN_PRESENTATION,
    IssueOptions,
    PresentOptions,
    VerifyOptions,
    parse_body,
    read_document,
    read_selective,
)
from handstamp.conformance.service import ConformanceService
from handstamp.conformance.verifying import Report
from plumbing.problems import PROBLEM_TYPE, status_of
from plumbing.web.app import WebPolicy, create_app
from plumbing.web.openapi import describe_operations
from plumbing.web.pages import Pages

STATUSES: Final[dict[type[HandstampError], int]] = {
    InstanceUnknown: 404,
    CredentialUnknown: 404,
    OperatorError: 500,
    HandstampError: 400,
}
"""The test suites take 400 and 422 for what is wrong, some of them 400 alone."""
_JSON: Final = "application/json"
_CREDENTIAL: Final = "application/vc"


class _Trial:
    """Lets every request know the contexts of test suites, which nothing else in this process does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with trial_contexts():
            await self._app(scope, receive, send)


def build_conformance_app(service: ConformanceService) -> FastAPI:
    """Build the application. It can be mounted below a path, which then belongs to the service's address."""
    # Browsers are not told to insist on https: they would, for everything on this machine that is called localhost.
    policy = WebPolicy(statuses=STATUSES, max_body_bytes=MAX_BODY_BYTES, https=False)
    pages = Pages(Path(__file__).parent, site_name="Handstamp conformance")
    app = create_app(title="Handstamp conformance (for testing only)", policy=policy, pages=pages)

    async def on_refusal(_: Request, error: Exception) -> Response:
        assert isinstance(error, HandstampError)  # noqa: S101  # registered for this class below
        status = status_of(error, STATUSES)
        return _write({**build_problem(error), "status": status}, status=status, media_type=PROBLEM_TYPE)

    app.add_exception_handler(HandstampError, on_refusal)
    app.add_middleware(_Trial)
    for router in (_build_root(service), _build_issuing(service), _build_checking(service), _build_statuses(service)):
        app.include_router(router)
    describe_operations(app, OPERATIONS)
    return app


def _build_root(service: ConformanceService) -> APIRouter:
    router = APIRouter()

    @router.get("/")
    async def describe() -> Response:
        return _write(service.describe())

    @router.get("/1.0/identifiers/{did:path}")
    async def resolve(request: Request, did: str) -> Response:
        accept = [each.strip() for each in request.headers.get("accept", "").split(",") if each.strip()]
        resolution = await resolve_did(did, resolver=service.resolver, accept=accept)
        return _write(resolution.result, status=resolution.status, media_type=RESULT_TYPE)

    return router


def _build_issuing(service: ConformanceService) -> APIRouter:
    router = APIRouter()

    @router.post("/{name}/credentials/issue")
    async def issue(request: Request, name: str) -> Response:
        body = parse_body(await request.body(), ("credential", "options"))
        issued = service.issue(name, read_document(body, "credential"), IssueOptions.parse(body))
        return _write({"verifiableCredential": issued}, status=HTTPStatus.CREATED)

    @router.post("/{name}/credentials/derive")
    async def derive(request: Request, name: str) -> Response:
        body = parse_body(await request.body(), ("verifiableCredential", "options"))
        shown = await service.derive(name, read_document(body, "verifiableCredential"), read_selective(body))
        return _write({"verifiableCredential": shown}, status=HTTPStatus.CREATED)

    @router.post("/{name}/presentations/create")
    async def present(request: Request, name: str) -> Response:
        body = parse_body(await request.body(), ("presentation", "options"))
        signed = service.present(name, read_document(body, "presentation"), PresentOptions.parse(body))
        return _write({"verifiablePresentation": signed}, status=HTTPStatus.CREATED)

    return router


def _build_checking(service: ConformanceService) -> APIRouter:
    router = APIRouter()

    @router.post("/credentials/verify")
    async def verify_credential(request: Request) -> Response:
        body = parse_body(await request.body(), ("verifiableCredential", "options"))
        options = VerifyOptions.parse(body, returned=RETURN_CREDENTIAL)
        document = read_document(body, "verifiableCredential")
        report = await service.checker.check_credential(document, options)
        return _answer(report, options, returned="credential")

    @router.post("/presentations/verify")
    async def verify_presentation(request: Request) -> Response:
        body = parse_body(await request.body(), ("verifiablePresentation", "presentation", "options"))
        options = VerifyOptions.parse(body, returned=RETURN_PRESENTATION)
        proofless = "presentation" in body
        if proofless and "verifiablePresentation" in body:
            raise UnknownOption("presentation")
        document = read_document(body, "presentation" if proofless else "verifiablePresentation")
        report = await service.checker.check_presentation(document, options, proofless=proofless)
        return _answer(report, options, returned="presentation")

    @router.post("/{name}/credentials/verify")
    async def verify_credential_at(request: Request, name: str) -> Response:
        service.find(name)
        return await verify_credential(request)

    @router.post("/{name}/presentations/verify")
    async def verify_presentation_at(request: Request, name: str) -> Response:
        service.find(name)
        return await verify_presentation(request)

    return router


def _build_statuses(service: ConformanceService) -> APIRouter:
    router = APIRouter()

    @router.post("/{name}/credentials/status")
    async def update(request: Request, name: str) -> Response:
        names = ("credentialId", "credentialStatus", "status", "indexAllocator")
        service.update_status(name, parse_body(await request.body(), names))
        return _write({})

    @router.post("/{name}/status-lists")
    async def create(request: Request, name: str) -> Response:
        body = parse_body(await request.body(), ("statusPurpose", "options"))
        uri = service.lists.create(service.find(name), purpose=body.text("statusPurpose", max_chars=100))
        published = service.lists.publish(uri, at=service.clock())
        answer = _write({"id": uri, "verifiableCredential": published}, status=HTTPStatus.CREATED)
        answer.headers["Location"] = uri
        return answer

    @router.get("/{name}/status-lists/{list_id}")
    async def show(request: Request, name: str, list_id: str) -> Response:
        accept = request.headers.get("accept", "")
        as_json = _JSON in accept and _CREDENTIAL not in accept
        return _write(service.publish_list(name, list_id), media_type=_JSON if as_json else _CREDENTIAL)

    @router.post("/{name}/status-lists/{list_id}/publish")
    async def publish(name: str, list_id: str) -> Response:
        # A list is signed whenever it is asked for: there is nothing more to publish.
        service.publish_list(name, list_id)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return router


def _answer(report: Report, options: VerifyOptions, *, returned: str) -> Response:
    errors, warnings = report.problems(warnings=False), report.problems(warnings=True)
    body: dict[str, Json] = {"verified": report.verified}
    if options.return_problems:
        body |= {"errors": [*errors], "warnings": [*warnings], "problemDetails": [*errors, *warnings]}
    if options.return_results:
        body["results"] = _results(report) if returned == "presentation" else report.results()
    if options.return_document:
        body[returned] = dict(report.document)
    if report.verified:
        return _write(body)
    first = (errors or warnings)[0]
    status = HTTPStatus.BAD_REQUEST
    return _write({**first, "status": status, **body}, status=status, media_type=PROBLEM_TYPE)


def _results(report: Report) -> dict[str, Json]:
    return {
        "presentation": report.results(),
        "credentials": [{"verified": each.verified, "results": each.results()} for each in report.credentials],
    }


def _write(body: dict[str, Json], *, status: int = HTTPStatus.OK, media_type: str = _JSON) -> Response:
    return Response(
        strict_json.dump(body), status_code=status, media_type=media_type, headers={"Cache-Control": "no-store"}
    )
