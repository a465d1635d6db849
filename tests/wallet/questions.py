"""What the tests of a site's questions have in common."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import schemas
from credentials.encoding import base64url
from credentials.keys.jws import sign_jws
from wallet.service.answer_request import Answered, answer, read_request

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.support.hostile_site import HostileSite
    from wallet.ports import Tools
    from wallet.refused import QuestionRefused
    from wallet.state import Copy

SIGNED = {"typ": "oauth-authz-req+jwt"}


async def ask_and_answer(link: str, tools: Tools, **how: Any) -> Answered:
    return await answer(await read_request(link, tools=tools, **how), tools=tools)


def record(tools: Tools, kind: schemas.CredentialType = schemas.RELEASE_OWNERSHIP) -> Copy:
    return next(copy for copy in tools.keeper.load().copies if copy.vct == kind.vct)


def cause_of(refusal: pytest.ExceptionInfo[QuestionRefused]) -> str:
    return str(getattr(refusal.value.__cause__, "code", None))


def audience_of(site: HostileSite) -> Any:
    (given,) = site.answers[-1].vp_token["record"]
    payload = given.rpartition("~")[2].split(".")[1]
    return json.loads(base64url.decode(payload, what="payload"))["aud"]


def lying(**claims: Any) -> Callable[[HostileSite], str]:
    """Sign what no builder of ours would sign."""

    def sign(site: HostileSite) -> str:
        header: dict[str, Any] = {**SIGNED, "x5c": site.chain.x5c()}
        return sign_jws(header, site.request().to_json() | claims, site.signer)

    return sign
