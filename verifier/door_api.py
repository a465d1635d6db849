"""Door passes over the network: the site's own scanning devices send them, and are told green, yellow or red."""

from datetime import UTC
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from credentials.door_pass.showing import MAX_CHARACTERS
from credentials.door_pass.values import MAX_DEVICE_BYTES
from credentials.encoding import strict_json
from credentials.errors import HandstampError
from credentials.protocols.members import Members
from plumbing.problems import status_of
from plumbing.web.direct import DirectRoute
from verifier import errors
from verifier.counted import DOOR, PASSAGES, PRESENTATIONS
from verifier.doors import Admitted, Verdict
from verifier.parts import Parts, VerifierParts
from verifier.ports import Work
from verifier.service.admit_pass import admit_pass

router = APIRouter(route_class=DirectRoute)
_MAX_BYTES: Final = 4096
_WHAT: Final = "question about a pass"
_BEARER: Final = "bearer "
# What is no verdict about a pass, but about the question.
_NOT_ABOUT_THE_PASS: Final = (errors.NoSuchGate, errors.GateClosed, errors.NotADoor, errors.WrongDoorKey)
_YELLOW: Final = 409
_RED: Final = 403


@router.post("/gates/{gate_id}/passes")
async def post_pass(gate_id: str, request: Request, parts: Parts) -> Response:
    """Judge a scanned pass: 200 and green, 409 and yellow with the time of the first use, 403 and red with a reason.

    The body is `{"pass": text}`, and `"device"` where the door shows one; the key of the gate's devices is the bearer
    token. Only green is a success, so that a device that looks at nothing but the status lets nobody in by mistake.
    """
    if parts.door_keys is None:
        raise errors.WrongDoorKey
    parts.door_keys.check(gate_id, _bearer(request))
    text, device = _read(await request.body())
    try:
        verdict = await parts.work.waiting(lambda work: _admit(work, parts, gate_id, text, device))
    except _NOT_ABOUT_THE_PASS:
        raise
    except HandstampError as error:
        if status_of(error, {}) >= 500:  # noqa: PLR2004 - the operator must act
            raise
        parts.meter.add(PRESENTATIONS, "refused", "none")
        return _answer({"verdict": "red", "code": error.code, "reason": error.detail}, status=_RED)
    if isinstance(verdict, Admitted):
        parts.meter.add(PRESENTATIONS, "accepted", DOOR)
        parts.meter.add(PASSAGES, DOOR)
        return _answer({"verdict": "green"}, status=200)
    parts.meter.add(PRESENTATIONS, "used_up", "none")
    first_use = verdict.first_use.astimezone(UTC)
    return _answer({"verdict": "yellow", "first_use": f"{first_use:%Y-%m-%dT%H:%M:%SZ}"}, status=_YELLOW)


def _admit(work: Work, parts: VerifierParts, gate_id: str, text: str, device: bytes | None) -> Verdict:
    keys = parts.door_keys
    assert keys is not None  # noqa: S101
    return admit_pass(work, gate_id, text, party=parts.party, keys=keys, now=parts.clock(), device=device)


def _bearer(request: Request) -> str | None:
    header = request.headers.get("authorization", "")
    return header[len(_BEARER) :].strip() if header.lower().startswith(_BEARER) else None


def _read(body: bytes) -> tuple[str, bytes | None]:
    members = Members(strict_json.parse(body, what=_WHAT, max_bytes=_MAX_BYTES), what=_WHAT)
    device = members.optional_text("device", max_chars=MAX_DEVICE_BYTES)
    return members.text("pass", max_chars=MAX_CHARACTERS), None if device is None else device.encode()


def _answer(members: dict[str, str], *, status: int) -> Response:
    return JSONResponse(members, status_code=status, headers={"Cache-Control": "no-store"})
