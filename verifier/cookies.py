"""The cookie of a visit: one each, for this host only, unreadable to scripts, and none before the button is pressed.

Its value is the visit's secret and, after a dot, the gate's public id: so that a page can lead back to the gate when
the visit itself was swept.
"""

from typing import TYPE_CHECKING

from fastapi import Request
from starlette.responses import Response

if TYPE_CHECKING:
    from verifier.parts import VerifierParts

_LIFE_S = 60 * 60


def set_visit_cookie(response: Response, visit_id: str, *, secret: str, gate_id: str, https: bool) -> None:
    """Give the browser the cookie of a visit that it just started."""
    response.set_cookie(
        _name(visit_id, https=https),
        f"{secret}.{gate_id}",
        max_age=_LIFE_S,
        httponly=True,
        secure=https,
        samesite="lax",
        path="/",
    )


def visit_secret(request: Request, visit_id: str) -> str | None:
    """Return the secret that this browser holds for a visit."""
    value = _value(request, visit_id)
    return None if value is None else value.partition(".")[0]


def remembered_gate(request: Request, visit_id: str) -> str | None:
    """Return the id of the gate that this browser visited, as it says itself: good for a link and for nothing else."""
    value = _value(request, visit_id)
    return None if value is None else value.partition(".")[2] or None


def _value(request: Request, visit_id: str) -> str | None:
    parts: VerifierParts = request.app.state.verifier
    return request.cookies.get(_name(visit_id, https=parts.party.base_url.startswith("https:")))


def _name(visit_id: str, *, https: bool) -> str:
    # `__Host-`: no neighbour under the same domain can put the cookie of its own visit into a listener's browser, who
    # would then open the door for both.
    return f"__Host-visit-{visit_id}" if https else f"visit-{visit_id}"
